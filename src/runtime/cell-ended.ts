// What has ended and is not committed yet: what becomes of it when its commit stands, and when it does not.

import type { Answer, Message } from "../actors/message.ts";
import type { Stopped } from "../actors/snapshot.ts";
import { withdrawn } from "../actors/turn-failure.ts";
import { TroupeError } from "../core/errors.ts";
import type { ActorAddress } from "../core/ids.ts";
import { printAddress } from "../core/ids.ts";

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
export function releaseEnded(batch: readonly Ended[]): void {
  for (const ended of batch) {
    if (ended.kind === "step") {
      ended.resolve();
      continue;
    }
    ended.onCommitted?.();
    if (ended.message.kind === "ask" && ended.answer !== undefined) ended.message.answer(ended.answer);
  }
}

/**
 * Takes back what has ended but is not committed. With an error whoever waits is told; without one, a message is given
 * back to run again. A tell always is.
 */
export function undoEnded(ended: Ended, error: TroupeError | undefined): readonly Message[] {
  if (ended.kind === "step") {
    ended.reject(error ?? new TroupeError("FENCED", "the turn of this step is undone"));
    return [];
  }
  if (ended.message.kind === "tell" || (error === undefined && ended.isInner !== true)) return [ended.message];
  ended.message.answer({ kind: "error", error: error ?? withdrawn() });
  return [];
}

/** What an asker is told whose commit was under way when the activation ended. */
export function doubtOf(key: string): TroupeError {
  return new TroupeError("OUTCOME_UNKNOWN", `${key}: the commit may have been stored`);
}

/** What is said of an actor that this worker no longer serves. */
export function goneError(self: ActorAddress): TroupeError {
  return new TroupeError("FENCED", `${printAddress(self)} is no longer served here`);
}

/** What an asker of a stopped actor is told. */
export function stoppedError(self: ActorAddress, { code, message, at }: Stopped): TroupeError {
  const text = `${printAddress(self)} has been stopped since ${at}: ${message} (${code})`;
  return new TroupeError("ACTOR_STOPPED", text, { data: { code, message, at } });
}

/** No run of the message can be committed; when that was the giving up on it, not even that can. */
export function doom({ message, givenUp }: EndedTurn, refusal: TroupeError): void {
  if (message.kind !== "tell") return;
  message.doom = givenUp ?? refusal;
  message.isUncommittable = givenUp !== undefined;
}
