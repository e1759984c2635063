// What happens inside a process, as one stream of values: logs, metrics, the live views and the tests fold it.
//
//   V1. Emitting never fails and never waits: a listener that throws is reported and the others still hear.
//   V2. Nothing is built for an event that nobody wants: on hot paths emitters ask `isHeard` first, which is about
//       listeners to everything. Listeners to what is notable get the rest without making it dear.

import type { ActorAddress } from "./ids.ts";

/** Nothing to do for `idleMsMax`, or the longest at rest when the worker held too many. */
export type PassivationReason = "idle" | "least-used";
export type TurnKind = "tell" | "ask" | "query";

/** Its supervision has stopped it, or another actor has. */
export type StopReason = "failed" | "told";

export type RuntimeEvent =
  | { readonly kind: "worker-started"; readonly worker: string; readonly partitions: number }
  /** Another worker has come, or is gone: drained, dead, or silent for longer than its lease. */
  | { readonly kind: "member-joined"; readonly worker: string; readonly name?: string }
  | { readonly kind: "member-left"; readonly worker: string; readonly name?: string }
  | { readonly kind: "partition-taken"; readonly pool: string; readonly partition: number; readonly epoch: number }
  | { readonly kind: "partition-given"; readonly pool: string; readonly partition: number; readonly epoch: number }
  | { readonly kind: "worker-drained"; readonly worker: string }
  | { readonly kind: "ownership-lost"; readonly worker: string; readonly reason: string }
  | { readonly kind: "cursor-saved"; readonly partition: number; readonly cursor: number }
  | { readonly kind: "connection-lost" }
  | { readonly kind: "connection-restored" }
  | { readonly kind: "activated"; readonly actor: ActorAddress; readonly revision: number }
  | { readonly kind: "passivated"; readonly actor: ActorAddress; readonly reason: PassivationReason }
  /** All are busy, so more than `activationsMax` are in memory. Told once, until the bound is kept again. */
  | { readonly kind: "activations-exceeded"; readonly activations: number; readonly max: number }
  | { readonly kind: "superseded"; readonly actor: ActorAddress; readonly revision: number }
  | {
      readonly kind: "turn-ended";
      readonly actor: ActorAddress;
      readonly method: string;
      readonly turn: TurnKind;
      readonly messageId: string;
      readonly durationMs: number;
      /** Absent when the turn succeeded. */
      readonly error?: { readonly code: string; readonly message: string };
      readonly trace?: string;
    }
  | {
      readonly kind: "committed";
      readonly actor: ActorAddress;
      readonly revision: number;
      readonly turns: number;
      readonly bytes: number;
      readonly trace?: string;
    }
  | { readonly kind: "commit-refused"; readonly actor: ActorAddress; readonly message: string }
  | { readonly kind: "sent"; readonly actor: ActorAddress; readonly to: string; readonly number: number }
  /** What a committed turn has left for a memory is there. `id`: that of the entry, or of the write of the fact. */
  | { readonly kind: "remembered"; readonly actor: ActorAddress; readonly scope: string; readonly id: string }
  /** It will never be there: it is refused for good, or was formed before its scope was erased. */
  | {
      readonly kind: "memory-refused";
      readonly actor: ActorAddress;
      readonly scope: string;
      readonly id: string;
      readonly code: string;
      readonly message: string;
    }
  /** The server keeps the timer. */
  | { readonly kind: "timer-set"; readonly actor: ActorAddress; readonly name: string; readonly number: number }
  | { readonly kind: "timer-cancelled"; readonly actor: ActorAddress; readonly name: string; readonly number: number }
  /** The server will never take it: it stands in the actor's value and does not fire. */
  | { readonly kind: "timer-refused"; readonly actor: ActorAddress; readonly name: string; readonly message: string }
  | {
      readonly kind: "timer-fired";
      readonly actor: ActorAddress;
      readonly name: string;
      readonly number: number;
      readonly method: string;
      /** From when it was due to when its turn began. Unit: ms. */
      readonly lateMs: number;
      readonly trace?: string;
    }
  | {
      readonly kind: "turn-retried";
      readonly actor: ActorAddress;
      readonly method: string;
      readonly messageId: string;
      readonly attempt: number;
      readonly afterMs: number;
      /** Why the run before failed. */
      readonly code: string;
      readonly message: string;
      readonly trace?: string;
    }
  /** A failure was told to the parent; the message is a dead letter as well. */
  | {
      readonly kind: "escalated";
      readonly actor: ActorAddress;
      /** The parent's key. */
      readonly to: string;
      readonly method: string;
      readonly messageId: string;
      readonly code: string;
      readonly message: string;
    }
  | {
      readonly kind: "actor-stopped";
      readonly actor: ActorAddress;
      readonly reason: StopReason;
      readonly code: string;
      readonly message: string;
    }
  /** Its asker waits no longer; it was taken out of the mailbox, or its turn has ended without effect. */
  | {
      readonly kind: "ask-withdrawn";
      readonly actor: ActorAddress;
      readonly method: string;
      readonly messageId: string;
      readonly was: "waiting" | "running";
    }
  | { readonly kind: "actor-resumed"; readonly actor: ActorAddress }
  | {
      readonly kind: "dead-lettered";
      readonly actor: ActorAddress;
      readonly method: string;
      readonly messageId: string;
      readonly sequence: number;
      readonly code: string;
      readonly message: string;
      readonly trace?: string;
    }
  /** A change came to a replica of the memory late. Told once, until one is in time again. `scope`: its key text. */
  | { readonly kind: "replica-lagged"; readonly scope: string; readonly lagMs: number }
  /** A replica of the memory has lost its place, or its watch: it reads again what stands. */
  | {
      readonly kind: "replica-restarted";
      readonly scope: string;
      readonly bucket: "memory" | "facts";
      readonly reason: string;
    };

export type EventListener = (event: RuntimeEvent) => void;

export class EventStream {
  readonly #listeners = new Set<EventListener>();
  #toEverything = 0;
  readonly #onFault: (thrown: unknown) => void;

  /** `onFault` is told what a listener threw (V1). */
  constructor(onFault: (thrown: unknown) => void = () => {}) {
    this.#onFault = onFault;
  }

  get isHeard(): boolean {
    return this.#toEverything > 0;
  }

  /** Runs `listener` for each event from now on. Returns the function that stops it. */
  listen(listener: EventListener): () => void {
    this.#toEverything += 1;
    const stop = this.listenToNotable(listener);
    return () => {
      if (!stop()) return;
      this.#toEverything -= 1;
    };
  }

  /** The same without what happens for each single message, unless somebody else listens to that. */
  listenToNotable(listener: EventListener): () => boolean {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(event: RuntimeEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (thrown) {
        this.#onFault(thrown);
      }
    }
  }
}
