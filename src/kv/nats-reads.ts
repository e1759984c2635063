// Reading a bucket: one key, or many as of one moment. Everything that was written before the call is seen.
//
//   G1. One replica: whoever answers has it all, so the direct way is taken. More: the leader alone answers for one key;
//       many keys are read from any replica, which must say that it is as far as the leader was when the call began.

import type { Msg } from "@nats-io/transport-node";
import { type Clock, delay } from "../core/clock.ts";
import { TroupeError } from "../core/errors.ts";
import { apiTimeoutMs, apiUnreachable, readApi, refusedError, serverErrors } from "./nats-api.ts";
import type { Bucket } from "./nats-bucket.ts";
import { describeStream } from "./nats-consumer.ts";
import { entryOfDirect, entryOfGet, type GetResponse } from "./nats-entry.ts";
import type { NatsLink } from "./nats-link.ts";
import type { KvEntry } from "./store.ts";

export interface ReadFrom {
  readonly link: NatsLink;
  readonly bucket: Bucket;
  readonly clock: Clock;
}

const encoder = new TextEncoder();
const nothing = new Uint8Array(0);

/** Most subjects that one multiple read names; the server's bound is 1,024. */
const subjectsMax = 500;
/** How often a replica that is behind is asked again, and after how long. */
const staleTries = 20;
const staleWaitMs = 50;

/** The last entry of a key, deletions included, from the leader. */
export async function readLast({ link, bucket }: ReadFrom, key: string): Promise<KvEntry | undefined> {
  const request = { last_by_subj: bucket.prefix + key };
  const answer = await readApi<GetResponse>(link, `STREAM.MSG.GET.${bucket.stream}`, request);
  if (answer.kind === "ok") return entryOfGet(answer.value, bucket.prefix.length);
  if (answer.kind === "failed") throw answer.error;
  if (answer.refusal.code === serverErrors.messageNotFound) return undefined;
  throw refusedError(`reading ${key}`, answer.refusal);
}

/** The same, the shortest way that is right (G1). */
export async function readLastShort(from: ReadFrom, key: string): Promise<KvEntry | undefined> {
  const { link, bucket } = from;
  if (bucket.replicas > 1) return readLast(from, key);
  const subject = `$JS.API.DIRECT.GET.${bucket.stream}.${bucket.prefix}${key}`;
  const answer = await link.request(subject, nothing, apiTimeoutMs);
  if (answer.kind !== "reply") throw apiUnreachable(`reading ${key}`, answer);
  const code = answer.message.headers?.code ?? 0;
  if (code === 404) return undefined;
  if (code !== 0) {
    throw new TroupeError("STORE_FAILED", `reading ${key}: ${code} ${answer.message.headers?.description ?? ""}`);
  }
  return entryOfDirect(answer.message, bucket.prefix.length);
}

/** The last entries of keys, deletions included, by key. As of one moment for up to 500 keys. */
export async function readMany(from: ReadFrom, keys: readonly string[]): Promise<Map<string, KvEntry>> {
  const found = new Map<string, KvEntry>();
  for (let at = 0; at < keys.length; at += subjectsMax) {
    await readMoment(from, keys.slice(at, at + subjectsMax), found);
  }
  return found;
}

async function readMoment(from: ReadFrom, keys: readonly string[], found: Map<string, KvEntry>): Promise<void> {
  const { link, bucket, clock } = from;
  let leaderAt = 0;
  if (bucket.replicas > 1) {
    const described = await describeStream(link, bucket.stream);
    if (described.kind === "failed") throw described.error;
    if (described.kind === "refused") throw refusedError(`bucket ${bucket.stream}`, described.refusal);
    leaderAt = described.value.lastSequence;
  }
  for (let tries = 0; tries < staleTries; tries += 1) {
    const { messages, upTo } = await readAll(from, keys);
    if (upTo === undefined && leaderAt > 0) {
      // None of the keys, as that replica sees it; it does not say how far it has come. The leader knows.
      const entries = await Promise.all(keys.map((key) => readLast(from, key)));
      if (entries.every((entry) => entry === undefined)) return;
    } else if (leaderAt === 0 || (upTo ?? 0) >= leaderAt) {
      for (const message of messages) {
        const entry = entryOfDirect(message, bucket.prefix.length);
        if (entry !== undefined) found.set(entry.key, entry);
      }
      return;
    }
    await delay(clock, staleWaitMs);
  }
  throw new TroupeError("STORE_FAILED", `${bucket.stream}: the replica that answers stays behind the leader`);
}

interface Many {
  readonly messages: readonly Msg[];
  /** The sequence as of which the answers are; undefined when nothing matched. */
  readonly upTo: number | undefined;
}

/** All answers for `keys`; the server ends each part when enough bytes have been sent, and is asked for the rest. */
async function readAll(from: ReadFrom, keys: readonly string[]): Promise<Many> {
  const { link, bucket, clock } = from;
  const messages: Msg[] = [];
  const subjects = keys.map((key) => bucket.prefix + key);
  let upTo: number | undefined;
  for (let seq = 1; ; ) {
    const request = { seq, multi_last: subjects, ...(upTo === undefined ? {} : { up_to_seq: upTo }) };
    const body = encoder.encode(JSON.stringify(request));
    const end = await requestMany(link, clock, `$JS.API.DIRECT.GET.${bucket.stream}`, body, (message) => {
      messages.push(message);
    });
    const code = end.headers?.code ?? 0;
    if (code === 404) return { messages, upTo };
    if (code !== 204) {
      const text = `${end.headers?.description ?? "no reason given"} (${code})`;
      throw new TroupeError("STORE_FAILED", `reading ${keys.length} keys of ${bucket.stream}: ${text}`);
    }
    upTo = Number(end.headers?.get("Nats-UpTo-Sequence") || 0);
    if (Number(end.headers?.get("Nats-Num-Pending") || 0) === 0) return { messages, upTo };
    seq = Number(end.headers?.get("Nats-Last-Sequence") || 0) + 1;
  }
}

let manyAsked = 0;

/** Sends a request that many messages answer; resolves with the one that ends them, which carries a status. */
function requestMany(
  link: NatsLink,
  clock: Clock,
  subject: string,
  body: Uint8Array,
  onMessage: (message: Msg) => void,
): Promise<Msg> {
  return new Promise((resolve, reject) => {
    if (!link.isConnected) {
      reject(new TroupeError("SERVER_UNREACHABLE", `${subject}: not connected to NATS`));
      return;
    }
    const reply = `${link.inbox}.m${(manyAsked++).toString(36)}`;
    let isAlive = true;
    const finish = () => {
      subscription.unsubscribe();
      cancel();
      unlisten();
    };
    const fail = (reason: string) => {
      finish();
      reject(new TroupeError("SERVER_UNREACHABLE", `${subject}: ${reason}`));
    };
    const subscription = link.connection.subscribe(reply, {
      callback: (error, message) => {
        if (error !== null) {
          fail(error.message);
          return;
        }
        isAlive = true;
        if (message.headers === undefined || message.headers.code === 0) {
          onMessage(message);
          return;
        }
        finish();
        resolve(message);
      },
    });
    const unlisten = link.onDisconnected(() => fail("the connection to NATS broke"));
    // The deadline is for silence: a large answer takes its time.
    const watch = (): (() => void) =>
      clock.after(apiTimeoutMs, () => {
        if (!isAlive) {
          fail("no answer in time");
          return;
        }
        isAlive = false;
        cancel = watch();
      });
    let cancel = watch();
    link.connection.publish(subject, body, { reply });
  });
}
