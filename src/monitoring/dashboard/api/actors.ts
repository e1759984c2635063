// Actors: found, looked at, looked back at.
//
//   GET /api/actors?type=&search=&only=stopped|failing|pending&sort=changed|key|bytes&limit=&cursor=   Page<ActorRow>, and ActorTypes
//   GET /api/actors-now?keys=desk.anna,desk.bert                                                ActorsNow
//   GET /api/actors/:type/:id                                                                   ActorView
//   GET /api/actors/:type/:id/history                                                           HistoryView
//   GET /api/actors/:type/:id/value?revision=                                                   StoredValue, of any size
//   GET /api/actors/:type/:id/mailbox                                                           MailboxView
//   GET /api/actors/:type/:id/scopes                                                            ActorScopesView; see memory.ts
// `:id` is encoded with encodeURIComponent, behind a `~` when it begins with one or is `.` or `..`.

import type { Page } from "./page.ts";

/** One line of a list: no state, so that 100,000 cost little. */
export interface ActorRow {
  readonly type: string;
  readonly id: string;
  readonly revision: number;
  readonly changedAtMs: number;
  /** Of the whole committed value. */
  readonly bytes: number;
  /** Messages that its last commit has sent or was about to. */
  readonly pendingSends: number;
  readonly isStopped: boolean;
  readonly trace: string | null;
  /** Of its central `agent` state, when the runtime keeps one. */
  readonly status: string | null;
  /** The beginning of its state as JSON, at most 120 characters. */
  readonly glimpse: string;
}

export interface ActorsPage extends Page<ActorRow> {
  /** Actors by type, all of them, whatever the filter. */
  readonly types: Readonly<Record<string, number>>;
  /** False while the server still reads what stands: numbers grow. */
  readonly isComplete: boolean;
}

/** Those that are asked for by key, as they are now, without those that are gone. */
export interface ActorsNow {
  readonly rows: readonly ActorRow[];
}

export interface ActorView extends ActorRow {
  readonly state: unknown;
  /** The state is too large to come along, and null stands for it: `value` has it. */
  readonly isLarge: boolean;
  readonly schema: number;
  readonly epoch: number;
  readonly pool: string | null;
  readonly partition: number | null;
  /** The id of the worker that owns it, and what people call that. */
  readonly owner: string | null;
  readonly ownerName: string | null;
  readonly stopped: { readonly code: string; readonly message: string; readonly at: string } | null;
  readonly timers: readonly TimerRow[];
}

/** Where it is known to remember. Which scope a turn writes to its code says: others may be there besides. */
export interface ActorScopesView {
  /** Key texts, the one that was written most in the commits that are kept first. */
  readonly scopes: readonly string[];
}

export interface TimerRow {
  readonly name: string;
  readonly method: string;
  readonly nextMs: number | null;
  /** In words: "every 30 s", "0 9 * * MON-FRI Europe/Berlin". */
  readonly when: string;
}

/** Oldest first: what is kept. */
export interface HistoryView {
  readonly revisions: readonly RevisionView[];
}

/** What stands in the store, byte by byte; without `revision` the latest. */
export interface StoredValue {
  readonly state: unknown;
}

export interface RevisionView {
  readonly revision: number;
  readonly atMs: number;
  readonly trace: string | null;
  readonly epoch: number;
  readonly state: unknown;
  /** As in ActorView; then there is no patch either, nor in the revision after it. */
  readonly isLarge: boolean;
  /** From the revision before it (RFC 6902). */
  readonly patch: readonly { readonly op: string; readonly path: string; readonly value?: unknown }[];
  readonly bytes: number;
}

/** Told messages that its owner has not committed yet: the first 50, oldest first. */
export interface MailboxView {
  readonly waiting: number;
  readonly letters: readonly LetterRow[];
}

export interface LetterRow {
  readonly sequence: number;
  readonly method: string;
  readonly from: string | null;
  readonly bytes: number;
  /** The argument as JSON, at most 500 characters. */
  readonly input: string;
  readonly trace: string | null;
}
