// An actor's committed values as others see them: its state now, what it was, and each change as it comes.
//
// A delivery to a watcher makes no span. There is one for each change and watcher, most of them dashboards that nobody
// waits for, and what a reader does with a change begins when `for await` has handed it over, where we see no end of it.
// A change carries the trace id of its commit, which is what leads to its cause (P9); who acts on it has a span of their
// own to put that id on, and what is asked and told inside of that span is part of it.

import type { Evolution } from "../actors/evolution.ts";
import { upcast } from "../actors/evolution.ts";
import { isErrand, readSnapshot } from "../actors/snapshot.ts";
import type { Timers } from "../actors/timer.ts";
import type { Json } from "../core/codec.ts";
import { invariant, messageOf } from "../core/errors.ts";
import type { ActorAddress } from "../core/ids.ts";
import { addressOf } from "../core/ids.ts";
import type { JsonPatch } from "../core/json-patch.ts";
import { diff } from "../core/json-patch.ts";
import type { KvEntry, KvStore } from "../kv/store.ts";

/** A committed value of an actor. */
export interface Committed<State> {
  readonly actor: ActorAddress;
  /** As it is stored; where the actor's definition is known, led to its schema number. */
  readonly state: State;
  /** The schema number under which it is stored. */
  readonly schema: number;
  readonly revision: number;
  /** Names the trace of the commit; undefined when nothing was traced. */
  readonly traceId: string | undefined;
  /** Number of the ownership under which it was committed. */
  readonly epoch: number;
  /** Messages that the commit has sent, or was about to. */
  readonly pendingSends: number;
  /** Why it takes nothing until it is started again; absent while it does. */
  readonly stopped?: { readonly code: string; readonly message: string; readonly at: string };
  /** The actor's timers, by name. */
  readonly timers: Timers;
  readonly committedAt: Date;
}

interface Gone {
  readonly actor: ActorAddress;
  readonly revision: number;
}

export type Change<State> =
  | (Committed<State> & {
      readonly kind: "committed";
      /** From the value before it that this reader has seen (RFC 6902); from nothing at first. */
      readonly patch: JsonPatch;
      /** True for what stood when the watch began, or began again. */
      readonly isSnapshot: boolean;
    })
  /** `committedAt` is unknown when it was noticed only after the watch had lost its place. */
  | (Gone & { readonly kind: "deleted"; readonly committedAt: Date | undefined })
  /** What stands there is no value of Troupe's, or no state that this code can read. The watch goes on. */
  | (Gone & { readonly kind: "unreadable"; readonly committedAt: Date; readonly reason: string })
  /** The watch lost its place and starts over: what stands follows as a snapshot, what is gone as `deleted` (P8). */
  | { readonly kind: "restarted"; readonly reason: string };

/**
 * The value of an entry that holds one; with the definition its state as today's code knows it. Throws STATE_UNREADABLE,
 * STATE_TOO_NEW, STATE_TOO_OLD, UPCAST_FAILED.
 */
export function readCommitted(entry: KvEntry, definition?: Evolution): Committed<unknown> {
  const actor = addressOf(entry.key);
  invariant(actor, `${entry.key} is an actor's key`);
  const snapshot = readSnapshot(entry.key, entry.value, Number.MAX_SAFE_INTEGER);
  return {
    actor,
    state: definition === undefined ? snapshot.state : upcast(definition, entry.key, snapshot),
    schema: snapshot.schema,
    revision: entry.revision,
    traceId: snapshot.trace,
    epoch: snapshot.epoch,
    pendingSends: snapshot.outbox.filter((entry) => !isErrand(entry)).length,
    ...(snapshot.stopped === undefined ? {} : { stopped: snapshot.stopped }),
    timers: snapshot.timers,
    committedAt: new Date(entry.writtenAtMs),
  };
}

/** Turns entries into changes, each with the patch from the one before of the same actor. */
export class ChangeReader {
  readonly #before = new Map<string, Json>();
  readonly #definition: Evolution | undefined;

  constructor(definition?: Evolution) {
    this.#definition = definition;
  }

  /** The keys whose value was seen and is not known to be gone. */
  get known(): Iterable<string> {
    return this.#before.keys();
  }

  /** The actor is gone, though nobody said so. `revision`: the bucket's when that was noticed. */
  forget(key: string, revision: number): readonly Change<unknown>[] {
    this.#before.delete(key);
    const actor = addressOf(key);
    return actor === undefined ? [] : [{ kind: "deleted", actor, revision, committedAt: undefined }];
  }

  /** Undefined for what is no actor's key. */
  read(entry: KvEntry, isSnapshot: boolean): Change<unknown> | undefined {
    const actor = addressOf(entry.key);
    if (actor === undefined) return undefined;
    if (entry.operation !== "put") {
      this.#before.delete(entry.key);
      return { kind: "deleted", actor, revision: entry.revision, committedAt: new Date(entry.writtenAtMs) };
    }
    let committed: Committed<unknown>;
    try {
      committed = readCommitted(entry, this.#definition);
    } catch (thrown) {
      const committedAt = new Date(entry.writtenAtMs);
      return { kind: "unreadable", actor, revision: entry.revision, committedAt, reason: messageOf(thrown) };
    }
    const state = committed.state as Json;
    const patch = diff(this.#before.get(entry.key), state);
    this.#before.set(entry.key, state);
    return { ...committed, kind: "committed", patch, isSnapshot };
  }
}

/** The changes of all actors that match a pattern of keys, from what stands now, for ever; ends with `signal`. */
export async function* watchChanges(
  state: KvStore,
  pattern: string,
  signal?: AbortSignal,
  definition?: Evolution,
): AsyncGenerator<Change<unknown>, void, undefined> {
  const reader = new ChangeReader(definition);
  await using watcher = await state.watch(pattern, signal === undefined ? {} : { signal });
  // After a start over: what was known before and has not come again. Undefined while nothing is being compared.
  let missing: Set<string> | undefined;
  for await (const change of watcher) {
    if (change.kind === "restarted") {
      missing = new Set(reader.known);
      yield { kind: "restarted", reason: change.reason };
    } else if (change.kind === "current") {
      for (const key of missing ?? []) yield* reader.forget(key, change.revision);
      missing = undefined;
    } else {
      missing?.delete(change.entry.key);
      const read = reader.read(change.entry, change.isSnapshot);
      if (read !== undefined) yield read;
    }
  }
}

/** The kept values of one actor, oldest first, each with the patch from the one before. */
export async function readHistory(
  state: KvStore,
  key: string,
  definition?: Evolution,
): Promise<readonly Change<unknown>[]> {
  const reader = new ChangeReader(definition);
  const entries = await state.history(key);
  return entries.flatMap((entry) => reader.read(entry, false) ?? []);
}
