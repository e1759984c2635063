// Reads one actor's stored messages: all methods of its mailbox from a sequence on, oldest first.
//
//   B1. It sees everything that was stored before the call. Direct reads may be answered by a replica that lags, so the
//       leader says first where the mailbox ends, and what a replica does not have yet is read from the leader.
//   B2. A break of the connection, or no answer, rejects: a part is never taken for the whole.

import type { Msg } from "@nats-io/transport-node";
import type { Clock } from "../core/clock.ts";
import { messageOf, TroupeError } from "../core/errors.ts";
import type { ApiAnswer } from "../kv/nats-api.ts";
import { apiTimeoutMs, callApi, refusedError, serverErrors } from "../kv/nats-api.ts";
import type { NatsLink } from "../kv/nats-link.ts";
import type { Letter } from "./mail.ts";
import { noMeta } from "./mail.ts";
import { metaOf } from "./mail-headers.ts";
import { targetOf } from "./mail-subject.ts";

interface LeaderAnswer {
  readonly message: {
    readonly subject: string;
    readonly seq: number;
    /** Base64. */
    readonly hdrs?: string;
    readonly data?: string;
  };
}

interface Page {
  readonly letters: Letter[];
  /** More match behind it, as the replica knows. */
  readonly hasMore: boolean;
}

export interface MailboxQuery {
  readonly link: NatsLink;
  readonly clock: Clock;
  readonly stream: string;
  /** `A.mail.<pool>.<partition>.` */
  readonly prefix: string;
  readonly key: string;
  readonly from: number;
  readonly most: number;
}

/** Rejects with SERVER_UNREACHABLE, STORE_FAILED. */
export async function readStoredMailbox(query: MailboxQuery): Promise<readonly Letter[]> {
  const { most } = query;
  if (most < 1) return [];
  const last = await askLeader(query, { last_by_subj: filterOf(query) });
  const end = last?.sequence ?? 0;
  const letters: Letter[] = [];
  let next = Math.max(1, query.from);
  let hasMore = true;
  while (hasMore && letters.length < most && next <= end) {
    const page = await readPage(query, next, most - letters.length);
    letters.push(...page.letters);
    next = (page.letters.at(-1)?.sequence ?? next - 1) + 1;
    hasMore = page.hasMore && page.letters.length > 0;
  }
  while (letters.length < most && next <= end) {
    const letter = await askLeader(query, { seq: next, next_by_subj: filterOf(query) }); // B1
    if (letter === undefined) break;
    letters.push(letter);
    next = letter.sequence + 1;
  }
  return letters;
}

const filterOf = ({ prefix, key }: MailboxQuery): string => `${prefix}${key}.*`;

/** One message from the stream's leader; undefined when there is none. */
async function askLeader(query: MailboxQuery, request: object): Promise<Letter | undefined> {
  const { stream, link, prefix } = query;
  const answer: ApiAnswer<LeaderAnswer> = await callApi(link, `STREAM.MSG.GET.${stream}`, request);
  if (answer.kind === "failed") throw answer.error;
  if (answer.kind === "refused") {
    if (answer.refusal.code === serverErrors.messageNotFound) return undefined;
    throw refusedError(stream, answer.refusal);
  }
  const { subject, seq, hdrs, data } = answer.value.message;
  return {
    ...targetOf(subject, prefix.length),
    sequence: seq,
    payload: Uint8Array.from(Buffer.from(data ?? "", "base64")),
    meta: hdrs === undefined ? noMeta : metaOf(entriesOfBlock(Buffer.from(hdrs, "base64").toString())),
  };
}

/** The entries of a header block in wire form. */
function* entriesOfBlock(block: string): Iterable<readonly [string, readonly string[]]> {
  for (const text of block.split("\r\n")) {
    const colon = text.indexOf(":");
    if (colon > 0) yield [text.slice(0, colon), [text.slice(colon + 1).trim()]];
  }
}

let pages = 0;

function readPage(query: MailboxQuery, from: number, most: number): Promise<Page> {
  const { link, clock, stream, prefix } = query;
  const { promise, resolve, reject } = Promise.withResolvers<Page>();
  const fail = (reason: string) =>
    reject(new TroupeError("SERVER_UNREACHABLE", `reading the mailbox ${query.key}: ${reason}`));
  const letters: Letter[] = [];
  const onMessage = (error: Error | null, message: Msg) => {
    if (error !== null) return fail(messageOf(error));
    const sequence = Number(message.headers?.last("Nats-Sequence") ?? "");
    if (sequence > 0) {
      letters.push({
        ...targetOf(message.headers?.last("Nats-Subject") ?? "", prefix.length),
        sequence,
        payload: message.data,
        meta: message.headers === undefined ? noMeta : metaOf(message.headers),
      });
      return;
    }
    const status = message.headers?.code ?? 0;
    // 204 ends a batch, 404 says that there is nothing to begin with.
    if (status !== 204 && status !== 404) return fail(message.headers?.status ?? "an answer without a status");
    resolve({ letters, hasMore: Number(message.headers?.last("Nats-Num-Pending") ?? "0") > 0 });
  };
  const inbox = `${link.inbox}.m${(pages++).toString(36)}`;
  const isConnected = link.isConnected;
  const subscription = link.connection.subscribe(inbox, { callback: onMessage });
  const forget = link.onDisconnected(() => fail("the connection to NATS broke")); // B2
  const cancel = clock.after(apiTimeoutMs, () => fail("no answer in time"));
  const request = Buffer.from(JSON.stringify({ seq: from, batch: most, next_by_subj: filterOf(query) }));
  if (isConnected) link.connection.publish(`$JS.API.DIRECT.GET.${stream}`, request, { reply: inbox });
  else fail("not connected to NATS");
  return promise.finally(() => {
    cancel();
    forget();
    subscription.unsubscribe();
  });
}
