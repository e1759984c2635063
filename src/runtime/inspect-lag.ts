// What waits in a partition behind its cursor: how many messages, and since when.
//
// One direct read of the first of them says both: the server adds how many more match. It makes nothing on the server,
// where a consumer for each partition would. Any replica may answer, so it may lag behind the leader a little.

import type { ApiAnswer } from "../kv/nats-api.ts";
import { apiTimeoutMs, apiUnreachable, readApi, refusedError, serverErrors } from "../kv/nats-api.ts";
import type { NatsLink } from "../kv/nats-link.ts";
import { headersOf, requestAgain } from "../kv/nats-link.ts";

export interface Lag {
  /** Stored and not known to be done: cursors are saved about once a second. */
  readonly messages: number;
  /** When the oldest of them was stored; undefined when none waits. Unit: ms since the Unix epoch. */
  readonly sinceMs: number | undefined;
}

export const noLag: Lag = Object.freeze({ messages: 0, sinceMs: undefined });

export interface LagQuery {
  readonly link: NatsLink;
  readonly stream: string;
  /** `A.mail.<pool>.<partition>.>` */
  readonly filter: string;
  readonly cursor: number;
}

interface LeaderAnswer {
  readonly message: { readonly seq: number; readonly time: string };
}

/** Messages whose headers the client cannot read (anybody may have stored them) that are stepped over in a row. */
const unreadableMax = 16;
/** How soon the server is asked again that does not answer: the one that was asked may just be gone. Unit: ms. */
const againMs = 1_000;

/** Rejects with SERVER_UNREACHABLE, STORE_FAILED. */
export async function readLag(query: LagQuery): Promise<Lag> {
  const { cursor } = query;
  let sinceMs: number | undefined;
  let next = cursor + 1;
  for (let passed = 0; ; passed += 1) {
    const found = await readFirst(query, next);
    if (found === undefined) return passed === 0 ? noLag : { messages: passed, sinceMs };
    if (found !== "unreadable") return { messages: passed + found.messages, sinceMs: sinceMs ?? found.sinceMs };
    const letter = await askLeader(query, next);
    if (letter === undefined || passed === unreadableMax) return { messages: passed, sinceMs };
    sinceMs ??= Date.parse(letter.message.time);
    next = letter.message.seq + 1;
  }
}

async function readFirst({ link, stream, filter }: LagQuery, from: number): Promise<Lag | "unreadable" | undefined> {
  const request = Buffer.from(JSON.stringify({ seq: from, next_by_subj: filter, batch: 1 }));
  const answer = await requestAgain(link, `$JS.API.DIRECT.GET.${stream}`, request, apiTimeoutMs, againMs);
  if (answer.kind !== "reply") throw apiUnreachable(`reading ${filter}`, answer);
  const headers = headersOf(answer.message);
  if (headers === undefined || headers === "unreadable") return "unreadable";
  if (headers.code === 404) return undefined;
  if (headers.code !== 0) throw refusedError(filter, { status: headers.code, code: 0, text: headers.description });
  return {
    messages: Number(headers.last("Nats-Num-Pending")) + 1,
    sinceMs: Date.parse(headers.last("Nats-Time-Stamp")),
  };
}

async function askLeader({ link, stream, filter }: LagQuery, from: number): Promise<LeaderAnswer | undefined> {
  const request = { seq: from, next_by_subj: filter };
  const answer: ApiAnswer<LeaderAnswer> = await readApi(link, `STREAM.MSG.GET.${stream}`, request);
  if (answer.kind === "ok") return answer.value;
  if (answer.kind === "refused" && answer.refusal.code === serverErrors.messageNotFound) return undefined;
  throw answer.kind === "failed" ? answer.error : refusedError(filter, answer.refusal);
}
