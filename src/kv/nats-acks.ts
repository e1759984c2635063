// What the server answers to a publish, and what it means for a write.

import { TroupeError } from "../core/errors.ts";
import { refusalOf, refusedError, type ServerRefusal, serverErrors } from "./nats-api.ts";
import type { LinkAnswer } from "./nats-link.ts";
import type { Revision } from "./store.ts";

const closing = 125; // }
const colon = 58;
const zero = 48;
/** `"seq"`, read from its end. */
const seqBackwards = [34, 113, 101, 115, 34];

/**
 * The sequence of a plain acknowledgement, `{"stream":"KV_x","seq":12}`, without parsing it: it is read from the end.
 * 0 for everything else (refusals, which carry `"seq":0`, duplicates, batches).
 */
export function ackedSequence(data: Uint8Array): number {
  let at = data.length - 1;
  if (data[at] !== closing) return 0;
  let value = 0;
  let weight = 1;
  for (at -= 1; at >= 0; at -= 1) {
    const digit = (data[at] ?? 0) - zero;
    if (digit < 0 || digit > 9) break;
    value += digit * weight;
    weight *= 10;
  }
  if (weight === 1 || data[at] !== colon) return 0;
  for (const char of seqBackwards) {
    at -= 1;
    if (data[at] !== char) return 0;
  }
  return value;
}

export type PublishOutcome =
  | { readonly kind: "stored"; readonly sequence: Revision }
  /** An expectation failed: nothing was written. */
  | { readonly kind: "stale" }
  /** Too much is under way on the server: nothing was written, and soon it will take it. */
  | { readonly kind: "busy"; readonly error: TroupeError }
  | { readonly kind: "failed"; readonly error: TroupeError };

interface PublishResponse {
  readonly seq?: number;
  readonly error?: { readonly code?: number; readonly err_code?: number; readonly description?: string };
}

const decoder = new TextDecoder();

/** `what`: for errors, e.g. the key. Every answer to a publish is one of these outcomes. */
export function outcomeOf(answer: LinkAnswer, what: string): PublishOutcome {
  if (answer.kind === "reply") return outcomeOfReply(answer.message.data, what);
  return { kind: "failed", error: noAnswerError(answer, what) };
}

function outcomeOfReply(data: Uint8Array, what: string): PublishOutcome {
  const sequence = ackedSequence(data);
  if (sequence > 0) return { kind: "stored", sequence };
  let response: PublishResponse;
  try {
    response = JSON.parse(decoder.decode(data)) as PublishResponse;
  } catch (thrown) {
    const error = new TroupeError("OUTCOME_UNKNOWN", `${what}: the answer is not an acknowledgement`, {
      cause: thrown,
    });
    return { kind: "failed", error };
  }
  if (response.error !== undefined) return outcomeOfRefusal(refusalOf(response.error), what);
  if (response.seq !== undefined && response.seq > 0) return { kind: "stored", sequence: response.seq };
  return { kind: "failed", error: new TroupeError("OUTCOME_UNKNOWN", `${what}: an acknowledgement without sequence`) };
}

function outcomeOfRefusal(refusal: ServerRefusal, what: string): PublishOutcome {
  const isStale =
    refusal.code === serverErrors.wrongLastSequence || refusal.code === serverErrors.wrongLastSequenceUnderWay;
  if (isStale) return { kind: "stale" };
  return { kind: refusal.status === 429 ? "busy" : "failed", error: refusedError(what, refusal) };
}

/** Nobody answered a write. */
export function noAnswerError(answer: Exclude<LinkAnswer, { kind: "reply" }>, what: string): TroupeError {
  if (answer.kind === "lost") return new TroupeError("OUTCOME_UNKNOWN", `${what}: ${answer.reason}`);
  // Within a cluster "nobody" is mostly for the seconds in which the stream has no leader.
  const reason = answer.kind === "nobody" ? "no stream takes it in now" : answer.reason;
  return new TroupeError("SERVER_UNREACHABLE", `${what}: ${reason}; nothing was written`);
}
