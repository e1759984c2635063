// Reading a bucket: one key, or many as of one moment. Everything that was written before the call is seen.
//
//   G1. One replica: whoever answers has it all, so the direct way is taken. More: the leader alone answers for one key;
//       many keys are read from any replica, which must say that it is as far as the leader was when the call began.
//   G2. A value whose headers the client cannot read (whoever may write the bucket may have stored it) hides no other, breaks
//       nothing, and is read all the same: from the leader, which hands out its bytes.

import type { Msg, MsgHdrs } from "@nats-io/transport-node";
import { type Clock, delay } from "../core/clock.ts";
import { TroupeError } from "../core/errors.ts";
import { apiTimeoutMs, apiUnreachable, readApi, refusedError, serverErrors } from "./nats-api.ts";
import type { Bucket } from "./nats-bucket.ts";
import { describeStream } from "./nats-consumer.ts";
import { entryOfDirect, entryOfGet, type GetResponse } from "./nats-entry.ts";
import type { NatsLink } from "./nats-link.ts";
import { headersOf } from "./nats-link.ts";
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
  const headers = headersOf(answer.message);
  if (headers === "unreadable") return readLast(from, key); // G2
  if (isStored(headers)) return entryOfDirect(answer.message, bucket.prefix.length);
  if (headers?.code === 404) return undefined;
  throw new TroupeError("STORE_FAILED", `reading ${key}: ${headers?.code ?? 0} ${headers?.description ?? ""}`);
}

/** A stored message says where it is stored, and a status of the server's does not. */
const isStored = (headers: MsgHdrs | undefined): boolean => Number(headers?.last("Nats-Sequence")) > 0;

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
    const { messages, unreadable, upTo } = await readAll(from, keys);
    if (upTo === undefined && leaderAt > 0) {
      // None of the keys, as that replica sees it; it does not say how far it has come. The leader knows.
      const entries = await Promise.all(keys.map((key) => readLast(from, key)));
      if (entries.every((entry) => entry === undefined)) return;
    } else if (leaderAt === 0 || (upTo ?? 0) >= leaderAt) {
      const entries = new Map<string, KvEntry>();
      for (const message of messages) {
        const entry = entryOfDirect(message, bucket.prefix.length);
        if (entry !== undefined) entries.set(entry.key, entry);
      }
      if (unreadable === 0 || (await readUnread(from, keys, entries, upTo ?? 0))) {
        for (const [key, entry] of entries) found.set(key, entry);
        return;
      }
    }
    await delay(clock, staleWaitMs);
  }
  throw new TroupeError("STORE_FAILED", `${bucket.stream}: the replica that answers stays behind the leader`);
}

/** Adds those that were answered and could not be read (G2); false when one was written since, so that it is no one moment. */
async function readUnread(
  from: ReadFrom,
  keys: readonly string[],
  entries: Map<string, KvEntry>,
  upTo: number,
): Promise<boolean> {
  const left = keys.filter((key) => !entries.has(key));
  for (const entry of await Promise.all(left.map((key) => readLast(from, key)))) {
    if (entry === undefined) continue;
    if (entry.revision > upTo) return false;
    entries.set(entry.key, entry);
  }
  return true;
}

interface Many {
  readonly messages: readonly Msg[];
  /** How many there were whose headers cannot be read: nobody can say of which key they are. */
  readonly unreadable: number;
  /** The sequence as of which the answers are; undefined when nothing matched. */
  readonly upTo: number | undefined;
}

/** All answers for `keys`; the server ends each part when enough bytes have been sent, and is asked for the rest. */
async function readAll(from: ReadFrom, keys: readonly string[]): Promise<Many> {
  const { link, bucket, clock } = from;
  const messages: Msg[] = [];
  let unreadable = 0;
  const subjects = keys.map((key) => bucket.prefix + key);
  let upTo: number | undefined;
  for (let seq = 1; ; ) {
    const request = { seq, multi_last: subjects, ...(upTo === undefined ? {} : { up_to_seq: upTo }) };
    const body = encoder.encode(JSON.stringify(request));
    const end = await requestMany(link, clock, `$JS.API.DIRECT.GET.${bucket.stream}`, body, (message) => {
      if (message === "unreadable") unreadable += 1;
      else messages.push(message);
    });
    const code = end?.code ?? 0;
    if (code === 404) return { messages, unreadable, upTo };
    if (code === 503) throw apiUnreachable(`reading ${keys.length} keys of ${bucket.stream}`, { kind: "nobody" });
    if (code !== 204) {
      const text = `${end?.description ?? "no reason given"} (${code})`;
      throw new TroupeError("STORE_FAILED", `reading ${keys.length} keys of ${bucket.stream}: ${text}`);
    }
    upTo = Number(end?.get("Nats-UpTo-Sequence") || 0);
    if (Number(end?.get("Nats-Num-Pending") || 0) === 0) return { messages, unreadable, upTo };
    seq = Number(end?.get("Nats-Last-Sequence") || 0) + 1;
  }
}

let manyAsked = 0;

/** Sends a request that many messages answer; resolves with the headers of the one that ends them, which carries a status. */
function requestMany(
  link: NatsLink,
  clock: Clock,
  subject: string,
  body: Uint8Array,
  onMessage: (message: Msg | "unreadable") => void,
): Promise<MsgHdrs | undefined> {
  return new Promise((resolve, reject) => {
    if (!link.isConnected) {
      setImmediate(reject, new TroupeError("SERVER_UNREACHABLE", `${subject}: not connected to NATS`)); // L4 of the link
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
        const headers = headersOf(message);
        if (headers === "unreadable") return onMessage(headers); // G2
        if (isStored(headers)) return onMessage(message);
        finish();
        resolve(headers);
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
    link.publish(subject, body, { reply });
  });
}
