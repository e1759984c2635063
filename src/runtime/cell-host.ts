// What a cell needs from the partition that hosts it.

import type { MailBudget } from "../actors/mail-budget.ts";
import type { TellMessage } from "../actors/message.ts";
import type { Question } from "../actors/turn.ts";
import type { Clock } from "../core/clock.ts";
import type { TroupeError } from "../core/errors.ts";
import type { EventStream } from "../core/events.ts";
import type { Logger } from "../core/log.ts";
import type { Traceparent } from "../core/trace.ts";
import type { KvStore } from "../kv/store.ts";
import type { Cell } from "./cell.ts";
import type { Committer } from "./committer.ts";
import type { Mail } from "./mail.ts";
import type { Route } from "./routes.ts";
import type { WorkerMemory } from "./worker-memory.ts";

/** Who asks, for the way to the answer. */
export interface AskOrigin {
  readonly from: string | undefined;
  readonly chain: readonly string[];
  readonly trace: Traceparent | undefined;
}

export interface CellHost {
  readonly clock: Clock;
  readonly events: EventStream;
  readonly log: Logger;
  readonly mail: Mail;
  readonly state: KvStore;
  readonly committer: Committer;
  readonly memory: WorkerMemory;
  /** Shared by the mailboxes of all partitions. */
  readonly mailBudget: MailBudget;
  readonly partition: number;
  /** Number of this ownership. */
  readonly epoch: number;
  /** Aborts when this worker no longer owns the partition. */
  readonly lost: AbortSignal;
  /** Looks at the clock: false when this worker's lease is over. Everything ends then. */
  readonly isOwner: boolean;
  /** Advances about once a second. Unit: ms, monotonic. */
  readonly coarseNowMs: number;
  /** Everything of the partition that is at or below this is committed, and what it sent is published. */
  readonly cursor: number;
  nextCommitId(): string;
  /** The way into a receiver's pool; undefined: that of the types that name none. */
  routeTo(pool: string | undefined): Promise<Route>;
  ask(question: Question, origin: AskOrigin): Promise<unknown>;
  /** The stored tells of one actor from a sequence on, oldest first; waits for the server. Empty when there are none. */
  readMailbox(key: string, fromSequence: number, most: number): Promise<readonly TellMessage[]>;
  /** Keeps a message as a dead letter past the actor's value, however long it takes; false when ownership was lost. */
  bury(cell: Cell, message: TellMessage, error: TroupeError): Promise<boolean>;
  /**
   * Gives the actor up while this worker owns it: another's code can read its state, or a later epoch has written it. Its mail
   * stays where it is.
   */
  abandon(cell: Cell, error: TroupeError): void;
  /** The actor is stopped: what comes for it from `sequence` on stays in the mail, and holds the cursor (H3). */
  stopped(key: string, sequence: number, error: TroupeError): void;
  /** The cell has something to do, or nothing any more. */
  woke(cell: Cell): void;
  rested(cell: Cell, isOver: boolean): void;
}
