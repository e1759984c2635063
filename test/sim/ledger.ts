// What happened in a run, as seen from outside: what clients did and what they heard, and every value that was committed,
// in order. The checkers (checkers.ts) judge it.

import { createHash } from "node:crypto";
import type { Snapshot } from "../../src/actors/snapshot.ts";
import { readSnapshot } from "../../src/actors/snapshot.ts";
import type { MemoryBucket } from "../../src/kv/memory-bucket.ts";
import type { Manner } from "./actors.ts";
import type { Ringing, TimerDeed } from "./bell.ts";
import { readBell } from "./bell.ts";
import { isFlowKey, ordersOf } from "./flow.ts";
import { faultsBetween } from "./succession.ts";

/** What a client asked for, and what it heard of it. */
export interface Deed {
  readonly id: string;
  readonly client: string;
  /** Counts the deeds of all clients. */
  readonly order: number;
  readonly verb: "tell" | "ask";
  /** It may come again, so that its steps are kept: told, or asked with an idempotency key. */
  readonly isRepeatable: boolean;
  readonly what:
    | { readonly kind: "note"; readonly to: string; readonly manner: Manner }
    | {
        readonly kind: "pass";
        readonly relay: string;
        readonly to: string;
        readonly copies: number;
        readonly fails: boolean;
        readonly isSlow: boolean;
      }
    | { readonly kind: "hop"; readonly path: readonly string[]; readonly to: string }
    | { readonly kind: "check"; readonly relay: string; readonly to: string }
    | {
        readonly kind: "timer";
        readonly bell: string;
        readonly name: string;
        readonly does: Ringing | "cancel";
        readonly afterMs: number;
      }
    /** A run of the workflow, which tells this tally. */
    | { readonly kind: "run"; readonly to: string };
  /** `done`: it was accepted, or answered. `none`: it had no effect and never will. `doubt`: it may have one. */
  outcome: "pending" | "done" | "none" | "doubt";
}

/** The list of ids that an actor's state holds; that of a run within the state which the run keeps for its user. */
export function idsIn(state: unknown): readonly string[] {
  const {
    seen,
    passed,
    state: inner,
  } = (state ?? {}) as {
    readonly seen?: readonly string[];
    readonly passed?: readonly string[];
    readonly state?: unknown;
  };
  return seen ?? passed ?? (inner === undefined ? [] : idsIn(inner));
}

export const idsOf = (snapshot: Snapshot | undefined): readonly string[] => idsIn(snapshot?.state);

export class Ledger {
  readonly deeds: Deed[] = [];
  /** What must not be, in words that begin with the promise that it breaks. */
  readonly faults: string[] = [];
  readonly #committed = new Map<string, Snapshot>();
  readonly #commits = new Set<string>();
  /** Numbers that stood in a committed outbox, by sender. */
  readonly #sent = new Map<string, Set<number>>();
  readonly #timerDeeds = new Map<string, TimerDeed>();
  readonly #heard = new Map<string, number>();
  readonly #stepValues = new Map<string, string>();
  /** Tasks whose order stood at some time, by their keys. */
  readonly #ordered = new Set<string>();
  readonly #hash = createHash("sha256");
  readonly #tail: string[] = [];
  readonly #clock: () => number;
  #revision = 0;
  lines = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** One line of the trace. */
  note(text: string): void {
    const line = `${this.#clock().toFixed(0).padStart(7)} ${text}`;
    this.lines += 1;
    this.#hash.update(`${line}\n`);
    this.#tail.push(line);
  }

  fault(text: string): void {
    this.note(`FAULT ${text}`);
    this.faults.push(text);
  }

  get trace(): readonly string[] {
    return this.#tail;
  }

  /** Names the whole trace: equal for equal runs. */
  digest(): string {
    return this.#hash.copy().digest("hex").slice(0, 16);
  }

  committed(key: string): Snapshot | undefined {
    return this.#committed.get(key);
  }

  get keys(): readonly string[] {
    return [...this.#committed.keys()].sort();
  }

  /** What the timers of a bell have done, see `readBell`. */
  timersOf(key: string): ReturnType<typeof readBell> {
    return readBell(idsOf(this.committed(key)), (id) => this.#timerDeeds.get(id));
  }

  noteDeed(deed: Deed): void {
    this.deeds.push(deed);
    const { id, what } = deed;
    if (what.kind === "timer") this.#timerDeeds.set(id, { id, name: what.name, does: what.does });
  }

  /** Somebody has heard that so many ids stand there. */
  hear(key: string, count: number): void {
    this.#heard.set(key, Math.max(this.heardOf(key), count));
  }

  heardOf(key: string): number {
    return this.#heard.get(key) ?? 0;
  }

  /** Whether a committed turn of this sender has sent something under this number. */
  hasSent(from: string, number: number): boolean {
    return this.#sent.get(from)?.has(number) === true;
  }

  /**
   * Sees every value that is written to the bucket from now on, at once, and checks what holds from one to the next.
   * `isStored`: the mail stream has a message.
   */
  follow(bucket: MemoryBucket, isStored: (from: string, number: number) => boolean): void {
    bucket.onChange(() => {
      for (const entry of bucket.read(this.#revision, 10_000)) {
        this.#revision = entry.revision;
        const snapshot = readSnapshot(entry.key, entry.value);
        const { inbox, epoch, outbox, commit } = snapshot;
        if (this.#commits.has(commit)) this.fault(`P1: the commit ${commit} stands twice`);
        this.#commits.add(commit);
        for (const fault of faultsBetween(entry.key, this.#committed.get(entry.key), snapshot, isStored))
          this.fault(fault);
        this.#committed.set(entry.key, snapshot);
        if (entry.key.startsWith("bell.")) {
          for (const wrong of this.timersOf(entry.key).wrong) this.fault(`timers: ${entry.key}: ${wrong}`);
        }
        if (isFlowKey(entry.key)) for (const order of ordersOf(entry.key, snapshot)) this.#ordered.add(order);
        const sent = this.#sent.get(entry.key) ?? new Set();
        this.#sent.set(entry.key, sent);
        for (const { n } of outbox) sent.add(n);
        const ids = idsOf(snapshot);
        this.note(
          `commit ${entry.key} @${entry.revision} e${epoch} seq ${inbox.seq} out ${outbox.length} ids ${ids.length}`,
        );
      }
    });
  }

  /** A task has begun: its order stands. */
  hasBegun(task: string): void {
    if (!this.#ordered.has(task)) this.fault(`errands: ${task} has begun, and its order does not stand`);
  }

  /** A step has given its handler a value: from then on it is kept, and always the same. */
  stepGave(id: string, value: string): void {
    if (this.deeds.find((deed) => deed.id === id)?.isRepeatable !== true) return;
    const before = this.#stepValues.get(id);
    this.#stepValues.set(id, before ?? value);
    if (before !== undefined && before !== value) this.fault(`steps: ${id} got ${before}, then ${value}`);
  }
}
