// What happens inside a process, as one stream of values: logs, metrics, the live views and the tests fold it.
//
//   V1. Emitting never fails and never waits: a listener that throws is reported and the others still hear.
//   V2. Nothing is built for an event that nobody wants: on hot paths emitters ask `isHeard` first, which is about
//       listeners to everything. Listeners to what is notable get the rest without making it dear.

import type { ActorAddress } from "./ids.ts";

/** Nothing to do for `idleMsMax`, the longest at rest when the worker held too many, or of those that have nothing to do any more. */
export type PassivationReason = "idle" | "least-used" | "over";
export type TurnKind = "tell" | "ask" | "query";

/** Its supervision has stopped it, or another actor has. */
export type StopReason = "failed" | "told";

/** The app's buckets, by what they are for. */
export type BucketRole = "state" | "cluster" | "memory" | "facts" | "central";

/** Through a client's memory, or in an actor's turn. */
export type Recaller = "client" | "actor";

export type WaitingFor = "signal" | "sleep";

export type RuntimeEvent =
  | { readonly kind: "worker-started"; readonly worker: string; readonly partitions: number }
  /** Another worker has come, or is gone: drained, dead, or silent for longer than its lease. */
  | { readonly kind: "member-joined"; readonly worker: string; readonly name?: string }
  | { readonly kind: "member-left"; readonly worker: string; readonly name?: string }
  | {
      readonly kind: "partition-taken";
      readonly pool: string;
      readonly partition: number;
      readonly epoch: number;
      /**
       * From the last sign of life of the owner before, or from when that gave it back, to when it is served again, by the clocks of the
       * server and this worker. Absent when there was no owner before, or nothing is known of it any more. Unit: ms.
       */
      readonly ownerlessMs?: number;
    }
  | { readonly kind: "partition-given"; readonly pool: string; readonly partition: number; readonly epoch: number }
  | { readonly kind: "worker-drained"; readonly worker: string }
  /** `partitions`: so many of the pool that it did not give back. */
  | {
      readonly kind: "ownership-lost";
      readonly worker: string;
      readonly pool: string;
      readonly partitions: number;
      readonly reason: string;
    }
  | { readonly kind: "cursor-saved"; readonly partition: number; readonly cursor: number }
  | { readonly kind: "connection-lost" }
  | { readonly kind: "connection-restored" }
  | { readonly kind: "activated"; readonly actor: ActorAddress; readonly revision: number }
  | { readonly kind: "passivated"; readonly actor: ActorAddress; readonly reason: PassivationReason }
  /** All are busy, so more than `activationsMax` are in memory. Told once, until the bound is kept again. */
  | { readonly kind: "activations-exceeded"; readonly activations: number; readonly max: number }
  | { readonly kind: "superseded"; readonly actor: ActorAddress; readonly revision: number }
  /** A client's tell has ended: the server has the message, or it was given up on. What actors send is `sent`. */
  | {
      readonly kind: "told";
      /** The receiver's key. */
      readonly to: string;
      readonly method: string;
      readonly messageId: string;
      /** Absent when the server has it. */
      readonly code?: string;
      readonly trace?: string;
    }
  /** An ask of this process has ended, as its asker sees it. */
  | {
      readonly kind: "asked";
      /** The receiver's key. */
      readonly to: string;
      readonly method: string;
      /** With all attempts. */
      readonly durationMs: number;
      /** Absent when it was answered. */
      readonly code?: string;
      readonly trace?: string;
    }
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
  /** The message has had its turn, and that counts: its commit stands, or it has its answer. Not when it is tried again, here or elsewhere. */
  | {
      readonly kind: "handled";
      readonly actor: ActorAddress;
      readonly method: string;
      readonly turn: TurnKind;
      /** Absent when it succeeded; else what was answered, or why it was given up on. */
      readonly code?: string;
    }
  /** An ask was turned away: as many wait for the actor as may. */
  | {
      readonly kind: "mailbox-full";
      readonly actor: ActorAddress;
      readonly method: string;
      readonly messageId: string;
    }
  | {
      readonly kind: "committed";
      readonly actor: ActorAddress;
      readonly revision: number;
      readonly turns: number;
      readonly bytes: number;
      /** From when the first turn in it had ended to the acknowledgement. */
      readonly durationMs: number;
      readonly trace?: string;
    }
  | { readonly kind: "commit-refused"; readonly actor: ActorAddress; readonly message: string }
  /** Ownership was lost before it was known what became of the commit, or before it was written. */
  | { readonly kind: "commit-given-up"; readonly actor: ActorAddress }
  | {
      readonly kind: "sent";
      readonly actor: ActorAddress;
      readonly to: string;
      readonly method: string;
      readonly number: number;
    }
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
  /** A replica of the memory shows a change. `lagMs`: since the server took it, by the clocks of both. */
  | { readonly kind: "replica-seen"; readonly bucket: "memory" | "facts"; readonly lagMs: number }
  /** A replica of the memory has lost its place, or its watch: it reads again what stands. */
  | {
      readonly kind: "replica-restarted";
      readonly scope: string;
      readonly bucket: "memory" | "facts";
      readonly reason: string;
    }
  | {
      readonly kind: "recalled";
      readonly by: Recaller;
      readonly durationMs: number;
      readonly hits: number;
    }
  /** A write that expected something of a key found something else there. `of`: what lies there, of a closed set. */
  | { readonly kind: "conflict"; readonly bucket: BucketRole; readonly of: string; readonly key: string }
  /** A watch has a change that is news. `lagMs`: since the server took it, by the clocks of both. */
  | { readonly kind: "watch-seen"; readonly bucket: BucketRole; readonly lagMs: number }
  /** A watch has lost its place and started over; nothing is missed. */
  | { readonly kind: "watch-restarted"; readonly bucket: BucketRole; readonly reason: string }
  /** An attempt of a workflow's task has ended. `task`: its path in the definition. */
  | {
      readonly kind: "task-ended";
      readonly workflow: string;
      readonly task: string;
      readonly run: string;
      readonly durationMs: number;
      /** Absent when it succeeded. */
      readonly code?: string;
    }
  /** A run of a workflow goes on that has waited. */
  | {
      readonly kind: "waiting-ended";
      readonly workflow: string;
      readonly run: string;
      readonly for: WaitingFor;
      readonly durationMs: number;
    };

export type EventListener = (event: RuntimeEvent) => void;

interface Listening {
  readonly listener: EventListener;
}

export class EventStream {
  /** Another one whenever somebody comes or goes, so that emitting walks an array and nothing more. */
  #listeners: readonly Listening[] = [];
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
      if (stop()) this.#toEverything -= 1;
    };
  }

  /** The same without what happens for each single message, unless somebody else listens to that. */
  listenToNotable(listener: EventListener): () => boolean {
    const listening: Listening = { listener };
    this.#listeners = [...this.#listeners, listening];
    return () => {
      const isListening = this.#listeners.includes(listening);
      this.#listeners = this.#listeners.filter((other) => other !== listening);
      return isListening;
    };
  }

  emit(event: RuntimeEvent): void {
    const listeners = this.#listeners;
    for (let at = 0; at < listeners.length; at += 1) {
      try {
        listeners[at]?.listener(event);
      } catch (thrown) {
        this.#onFault(thrown);
      }
    }
  }
}
