// What has ended and is not committed yet: what becomes of it when its commit stands, and when it does not.

import type { Answer, Message } from "../actors/message.ts";
import type { Stopped } from "../actors/snapshot.ts";
import { withdrawn } from "../actors/turn-failure.ts";
import type { ErrorCode } from "../core/errors.ts";
import { errorCatalog, messageOf, TroupeError } from "../core/errors.ts";
import type { ActorAddress } from "../core/ids.ts";
import { printAddress } from "../core/ids.ts";
import type { Cell } from "./cell.ts";
import { announceHandled } from "./cell-turn.ts";
import type { CommitOutcome } from "./committer.ts";

/** A turn that has ended and waits for its commit. */
export interface EndedTurn {
  readonly kind: "turn";
  readonly message: Message;
  readonly answer: Answer | undefined;
  readonly sends: boolean;
  /** Whether it has something to commit. */
  readonly isDirty: boolean;
  /** It was a turn within another one, which is undone with it (I5 of `cell-inner.ts`). */
  readonly isInner?: boolean;
  /** Why the message was given up on. */
  readonly givenUp?: TroupeError;
  /** It was passed by, without a run: there is nothing that it came to. */
  readonly isPassedBy?: boolean;
  /** Runs when its commit stands. */
  readonly onCommitted?: () => void;
}

/** That, or a step's result that must be kept before its turn goes on. */
export type Ended =
  | EndedTurn
  | {
      readonly kind: "step";
      readonly message: Message;
      readonly resolve: () => void;
      readonly reject: (error: TroupeError) => void;
    };

/** Lets go what waited for the commit: answers, and turns whose step is kept. */
export function releaseEnded(cell: Cell, batch: readonly Ended[]): void {
  for (const ended of batch) {
    if (ended.kind === "step") {
      ended.resolve();
      continue;
    }
    const { message, answer, givenUp } = ended;
    ended.onCommitted?.();
    if (message.kind === "ask" && answer !== undefined) message.answer(answer);
    if (ended.isPassedBy === true) continue;
    announceHandled(cell, message, message.kind, givenUp?.code ?? failureCodeOf(answer));
  }
}

function failureCodeOf(answer: Answer | undefined): string | undefined {
  return answer?.kind === "error" ? answer.error.code : undefined;
}

/**
 * Takes back what has ended but is not committed. With an error whoever waits is told; without one, a message is given
 * back to run again. A tell always is.
 */
export function undoEnded(cell: Cell, ended: Ended, error: TroupeError | undefined): readonly Message[] {
  if (ended.kind === "step") {
    ended.reject(error ?? new TroupeError("FENCED", "the turn of this step is undone"));
    return [];
  }
  ended.message.endedMs = undefined;
  if (ended.message.kind === "tell" || (error === undefined && ended.isInner !== true)) return [ended.message];
  const verdict = error ?? withdrawn();
  ended.message.answer({ kind: "error", error: verdict });
  // What is asked again elsewhere is handled there.
  if (verdict.retry !== "elsewhere" && ended.isPassedBy !== true) {
    announceHandled(cell, ended.message, "ask", verdict.code);
  }
  return [];
}

/** The activation has ended while its commit was under way: its askers still hear what became of it. `gone`: why it has. */
export function settleLate(cell: Cell, batch: readonly Ended[], outcome: CommitOutcome, gone: TroupeError): void {
  if (outcome.kind === "stands") return releaseEnded(cell, batch);
  const error = doubtAbout(cell.key, outcome) ?? gone;
  for (const ended of batch) undoEnded(cell, ended, error);
}

/** What the askers of a commit that does not stand are told, unless it is certain that it never did. */
export function doubtAbout(key: string, outcome: CommitOutcome): TroupeError | undefined {
  const isCertain = outcome.kind === "refused" || (outcome.kind === "superseded" && outcome.isCertain);
  return isCertain ? undefined : doubtOf(key);
}

export function doubtOf(key: string): TroupeError {
  return new TroupeError("OUTCOME_UNKNOWN", `${key}: the commit may have been stored`);
}

/** What is said of an actor that this worker no longer serves. */
export function goneError(self: ActorAddress): TroupeError {
  return new TroupeError("FENCED", `${printAddress(self)} is no longer served here`);
}

/** What is said of an actor whose activation has thrown where nothing should. */
export function faultError(self: ActorAddress, thrown: unknown): TroupeError {
  const text = `${printAddress(self)} is not served here any more: its activation has failed (${messageOf(thrown)})`;
  return new TroupeError("FENCED", text, { cause: thrown });
}

/** What an asker of a stopped actor is told. */
export function stoppedError(self: ActorAddress, { code, message, at }: Stopped): TroupeError {
  const text = `${printAddress(self)} has been stopped since ${at}: ${message} (${code})`;
  return new TroupeError("ACTOR_STOPPED", text, { data: { code, message, at } });
}

/** What an actor was stopped for, as it was thrown. */
export function errorOf({ code, message }: Pick<Stopped, "code" | "message">): TroupeError {
  return new TroupeError(Object.hasOwn(errorCatalog, code) ? (code as ErrorCode) : "HANDLER_FAILED", message);
}

/**
 * What a refusal means for its batch. `verdict`: what the askers are told; none where the turns are to commit alone, to find the
 * one that cannot be committed.
 */
export function judgeRefusal(
  batch: readonly Ended[],
  error: TroupeError,
): { readonly isHopeless: boolean; readonly verdict: TroupeError | undefined } {
  const isHopeless = error.code === "PAYLOAD_TOO_LARGE" || error.code === "STATE_INVALID";
  if (!isHopeless) return { isHopeless, verdict: new TroupeError("COMMIT_REFUSED", error.message, { cause: error }) };
  if (batch.length > 1) return { isHopeless, verdict: undefined };
  for (const ended of batch) if (ended.kind === "turn") doom(ended, error);
  return { isHopeless, verdict: error };
}

/** No run of the message can be committed; when that was the giving up on it, not even that can. */
function doom({ message, givenUp }: EndedTurn, refusal: TroupeError): void {
  if (message.kind !== "tell") return;
  message.doom = givenUp ?? refusal;
  message.isUncommittable = givenUp !== undefined;
}
