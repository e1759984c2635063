// One call of JetStream's API: JSON there, JSON back, every failure told apart.

import { delay, systemClock } from "../core/clock.ts";
import { TroupeError } from "../core/errors.ts";
import type { LinkAnswer, NatsLink } from "./nats-link.ts";
import { requestAgain } from "./nats-link.ts";

/** How long a call of the JetStream API may take. Unit: ms. */
export const apiTimeoutMs = 5_000;
/** The same for one that changes nothing, which waits for a new leader: an election takes up to 9 s. Unit: ms. */
const readTimeoutMs = 10_000;
const readAgainMs = 1_000;
/** How often such a call is made again that nobody leads; the servers say so after half a second. */
const leaderlessMax = 20;
const peerAgainMs = 250;
const peerTriesMax = 40;

/** Error codes of the server that callers branch on (`nats errors ls`). */
export const serverErrors = {
  noSuitablePeers: 10_005,
  clusterNotAvailable: 10_008,
  consumerNotFound: 10_014,
  messageNotFound: 10_037,
  streamNameInUse: 10_058,
  streamNotFound: 10_059,
  streamOffline: 10_118,
  wrongLastSequence: 10_071,
  batchTooManyOpen: 10_210,
  /** The same, while the write that won is still under way, or inside a batch. */
  wrongLastSequenceUnderWay: 10_164,
} as const;

export interface ServerRefusal {
  readonly status: number;
  readonly code: number;
  readonly text: string;
}

export type ApiAnswer<Value> =
  | { readonly kind: "ok"; readonly value: Value }
  | { readonly kind: "refused"; readonly refusal: ServerRefusal }
  | { readonly kind: "failed"; readonly error: TroupeError };

interface ApiResponse {
  readonly error?: { readonly code?: number; readonly err_code?: number; readonly description?: string };
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Calls `$JS.API.<verb>`. Never rejects. `Value` is what the server's documentation says that it answers. */
export async function callApi<Value>(
  link: NatsLink,
  verb: string,
  request: unknown,
  timeoutMs = apiTimeoutMs,
): Promise<ApiAnswer<Value>> {
  return answerOf(verb, await link.request(`$JS.API.${verb}`, bodyOf(request), timeoutMs));
}

/** The same for what changes nothing: outlasts a change of leader, in which some requests get no answer. Never rejects. */
export async function readApi<Value>(link: NatsLink, verb: string, request: unknown): Promise<ApiAnswer<Value>> {
  const body = bodyOf(request);
  for (let tries = 1; ; tries += 1) {
    const told = await requestAgain(link, `$JS.API.${verb}`, body, readTimeoutMs, readAgainMs);
    const answer = answerOf<Value>(verb, told);
    if (answer.kind !== "refused" || !isLeaderless(answer.refusal) || tries === leaderlessMax) return answer;
  }
}

/**
 * Makes a stream. A server that is to hold a copy of it can be away for a moment, or be taken for away by the one that leads: it is asked
 * again, for some 10 s. Never rejects.
 */
export async function createStream<Value>(link: NatsLink, stream: string, config: object): Promise<ApiAnswer<Value>> {
  for (let tries = 1; ; tries += 1) {
    const answer = await callApi<Value>(link, `STREAM.CREATE.${stream}`, config);
    if (answer.kind !== "refused" || !isPeerAway(answer.refusal) || tries === peerTriesMax) return answer;
    await delay(systemClock, peerAgainMs);
  }
}

/** Too few servers for the copies are refused under the same code, with other words. */
function isPeerAway({ code, text }: ServerRefusal): boolean {
  return code === serverErrors.noSuitablePeers && text.includes("peer offline");
}

function bodyOf(request: unknown): Uint8Array {
  return encoder.encode(request === undefined ? "" : JSON.stringify(request));
}

function answerOf<Value>(verb: string, answer: LinkAnswer): ApiAnswer<Value> {
  if (answer.kind !== "reply") return { kind: "failed", error: apiUnreachable(verb, answer) };
  let response: ApiResponse & Value;
  try {
    response = JSON.parse(decoder.decode(answer.message.data)) as ApiResponse & Value;
  } catch (thrown) {
    const error = new TroupeError("STORE_FAILED", `${verb}: the answer is not JSON`, { cause: thrown });
    return { kind: "failed", error };
  }
  if (response.error !== undefined) return { kind: "refused", refusal: refusalOf(response.error) };
  return { kind: "ok", value: response };
}

export function refusalOf(error: { code?: number; err_code?: number; description?: string }): ServerRefusal {
  return { status: error.code ?? 0, code: error.err_code ?? 0, text: error.description ?? "no reason given" };
}

/** What the servers of a cluster say while there is no leader, or none of a stream's copies is up. */
export function isLeaderless({ code }: ServerRefusal): boolean {
  return code === serverErrors.clusterNotAvailable || code === serverErrors.streamOffline;
}

export function refusedError(what: string, refusal: ServerRefusal): TroupeError {
  if (isLeaderless(refusal)) {
    const reason = `no server leads it now: ${refusal.text} (${refusal.code})`;
    return new TroupeError("SERVER_UNREACHABLE", `${what}: ${reason}`, { data: refusal });
  }
  const text = `${what}: the server refused: ${refusal.text} (${refusal.code || refusal.status})`;
  return new TroupeError("STORE_FAILED", text, { data: refusal });
}

/** A call that changed nothing that matters, and got no answer. */
export function apiUnreachable(what: string, answer: Exclude<LinkAnswer, { kind: "reply" }>): TroupeError {
  const reason = answer.kind === "nobody" ? "nobody serves it (is JetStream on?)" : answer.reason;
  const hint = answer.kind === "lost" ? " (of a cluster's servers a majority must be up)" : "";
  return new TroupeError("SERVER_UNREACHABLE", `${what}: ${reason}${hint}`);
}
