// The server in memory: streams, timers and subjects that several clients and workers of one process share. It outlives
// its clients as a server does, and can be stopped and started. Time and chance come from its clock alone: the same seed
// and the same calls give the same run.

import type { TimerWhen } from "../actors/timer.ts";
import { nextDueMs } from "../actors/timer.ts";
import type { Clock } from "../core/clock.ts";
import { systemClock } from "../core/clock.ts";
import { invariant, TroupeError } from "../core/errors.ts";
import { partitionCountDefault } from "../core/partition.ts";
import { MemoryPlace } from "../kv/memory-store.ts";
import type { AppendOutcome } from "./mail.ts";
import { duplicateWindowMsDefault } from "./mail.ts";
import { MemoryConnection, plannerOf } from "./memory-connection.ts";
import type { FaultPlan } from "./memory-faults.ts";
import { MemoryRouter } from "./memory-router.ts";
import type { NewLetter } from "./memory-stream.ts";
import { MemoryStream } from "./memory-stream.ts";
import { Breath } from "./memory-wire.ts";
import type { Subjects } from "./subjects.ts";

export interface MemoryWorldOptions {
  /** Default: the machine's own. */
  readonly clock?: Clock;
  /** How long a message id is known (M2). Unit: ms. Default 120,000. */
  readonly duplicateWindowMs?: number;
  /** Largest message with its headers. Unit: bytes. Default 1 MiB. */
  readonly payloadBytesMax?: number;
  /** What goes wrong. Default: nothing. */
  readonly faults?: FaultPlan;
}

/** The longest that one timer of the clock is asked to wait: the machine's own cannot count further. Unit: ms. */
const waitMsMax = 2 ** 30;
/** How long the dead stream knows what was buried: as on the server. Unit: ms. */
const buriedKnownMs = 7 * 24 * 3_600_000;

/** What lies in the dead stream. */
export interface BuriedLetter {
  readonly subject: string;
  readonly sequence: number;
  readonly payload: Uint8Array;
  readonly lines: readonly string[];
}

interface Timer {
  readonly fire: () => void;
  cancel: () => void;
}

export class MemoryWorld {
  readonly clock: Clock;
  readonly payloadBytesMax: number;
  readonly router: MemoryRouter;
  /** Where the buckets lie. */
  readonly place = new MemoryPlace();
  readonly duplicateWindowMs: number;
  readonly #planFault: ReturnType<typeof plannerOf>;
  readonly #breath = new Breath();
  readonly #connections = new Map<string, MemoryConnection>();
  readonly #streams = new Map<string, MemoryStream>();
  readonly #letterListeners = new Map<string, Set<() => void>>();
  readonly #timers = new Map<string, Timer>();
  readonly #overdue: Timer[] = [];
  readonly #partitionCounts = new Map<string, number>();
  #isUp = true;
  #clients = 0;

  constructor(options: MemoryWorldOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.payloadBytesMax = options.payloadBytesMax ?? 1_048_576;
    this.router = new MemoryRouter(this.clock);
    this.duplicateWindowMs = options.duplicateWindowMs ?? duplicateWindowMsDefault;
    this.#planFault = plannerOf(options.faults);
  }

  /** The pool's partition count: what stands, else what is asked for, else 64. Rejects with LAYOUT_MISMATCH. */
  async ensureLayout(subjects: Subjects, wanted?: number): Promise<number> {
    const pool = subjects.mailPrefix(0);
    const standing = this.#partitionCounts.get(pool);
    if (standing !== undefined && wanted !== undefined && standing !== wanted) {
      const text = `the pool has ${standing} partitions, ${wanted} were asked for; a pool's count never changes`;
      throw new TroupeError("LAYOUT_MISMATCH", text);
    }
    const count = standing ?? wanted ?? partitionCountDefault;
    this.#partitionCounts.set(pool, count);
    return count;
  }

  /**
   * A connection of this name; a name that crashed or has left may come again. The client counts by `processClock`, which
   * is the world's own when nothing is said.
   */
  connect(name?: string, processClock: Clock = this.clock): MemoryConnection {
    this.#clients += 1;
    const chosen = name ?? `client-${this.#clients}`;
    const before = this.#connections.get(chosen);
    invariant(before === undefined || before.isCrashed, `two clients are called ${chosen}`);
    const { clock } = this;
    const breath = this.#breath;
    const made = new MemoryConnection({ name: chosen, clock, processClock, breath, planFault: this.#planFault });
    this.#connections.set(chosen, made);
    if (!this.#isUp) made.cut();
    return made;
  }

  disconnect(connection: MemoryConnection): void {
    if (this.#connections.get(connection.name) === connection) this.#connections.delete(connection.name);
  }

  /**
   * Breaks a client's connection until `restore`: what is in flight in either direction is lost. With `lingerMs` what the
   * client had sent still comes to the server, so much later, when the client may long be back on a new connection.
   */
  cut(client: string, lingerMs?: number): void {
    this.#connections.get(client)?.cut(lingerMs);
  }

  restore(client: string): void {
    if (this.#isUp) this.#connections.get(client)?.restore();
  }

  /**
   * Nothing moves on a client's connection until `thaw`; nobody is told. What waited arrives then, however late. With
   * `incoming` only what comes to the client waits: what it has sent is out of its hands.
   */
  freeze(client: string, what: "all" | "incoming" = "all"): void {
    this.#connections.get(client)?.freeze(what);
  }

  thaw(client: string): void {
    this.#connections.get(client)?.thaw();
  }

  /** The client's process ends here: it hears nothing more, none of its calls is ever answered. */
  crash(client: string): void {
    const connection = this.#connections.get(client);
    connection?.crash();
    if (connection !== undefined) this.router.forget(connection);
  }

  /** The server goes down: every connection breaks. What is stored stays. */
  stop(): void {
    this.#isUp = false;
    for (const connection of [...this.#connections.values()]) connection.cut();
  }

  /** The server is back: as the real one it knows only the ids of messages that it still stores. */
  start(): void {
    this.#isUp = true;
    for (const stream of this.#streams.values()) stream.forgetTrimmedIds();
    for (const timer of this.#overdue.splice(0)) timer.fire();
    for (const connection of [...this.#connections.values()]) connection.restore();
  }

  stream(name: string): MemoryStream {
    const found = this.#streams.get(name);
    if (found !== undefined) return found;
    const windowMs = name.endsWith("_dead") ? buriedKnownMs : this.duplicateWindowMs;
    const made = new MemoryStream(this.clock, windowMs);
    this.#streams.set(name, made);
    return made;
  }

  /** Stores a letter below `prefix` and wakes whoever reads there. */
  append(stream: string, prefix: string, letter: NewLetter, messageId: string | undefined): AppendOutcome {
    const outcome = this.stream(stream).append(prefix, letter, messageId);
    if (!outcome.isDuplicate) for (const wake of [...(this.#letterListeners.get(prefix) ?? [])]) wake();
    return outcome;
  }

  onLetters(prefix: string, wake: () => void): () => void {
    const listeners = this.#letterListeners.get(prefix) ?? new Set();
    this.#letterListeners.set(prefix, listeners);
    listeners.add(wake);
    return () => listeners.delete(wake);
  }

  /**
   * Runs `fire` when it is due, or when the server is back if it is down then: once, however often it was due meanwhile.
   * Replaces the timer of the same subject. `fire` gets the time when it is due again.
   */
  setTimer(subject: string, when: TimerWhen, fire: (nextMs: number | undefined) => void): void {
    this.cancelTimer(subject);
    let dueMs = nextDueMs(when, this.clock.now());
    const timer: Timer = {
      cancel: () => {},
      fire: () => {
        if (this.#timers.get(subject) !== timer || dueMs === undefined) return;
        dueMs = this.#dueAgain(when, dueMs);
        if (dueMs === undefined) this.#timers.delete(subject);
        else wait(dueMs);
        fire(dueMs);
      },
    };
    this.#timers.set(subject, timer);
    const wait = (atMs: number) => {
      const waitMs = Math.max(0, atMs - this.clock.now());
      timer.cancel = this.clock.after(Math.min(waitMs, waitMsMax), () => {
        if (this.clock.now() < atMs) wait(atMs);
        else if (this.#isUp) timer.fire();
        else this.#overdue.push(timer);
      });
    };
    if (dueMs !== undefined) wait(dueMs);
  }

  cancelTimer(subject: string): void {
    this.#timers.get(subject)?.cancel();
    this.#timers.delete(subject);
  }

  /** What was given up on, oldest first. */
  buried(subjects: Subjects): readonly BuriedLetter[] {
    return this.stream(subjects.deadStream)
      .partition(subjects.deadStream)
      .letters.map(({ key, method, sequence, payload, lines = [] }) => ({
        subject: subjects.dead(key, method),
        sequence,
        payload,
        lines,
      }));
  }

  /** Its next time, past what it has missed. */
  #dueAgain(when: TimerWhen, dueMs: number): number | undefined {
    if (when.kind === "at") return undefined;
    const nextMs = nextDueMs(when, dueMs);
    return nextMs !== undefined && nextMs <= this.clock.now() ? nextDueMs(when, this.clock.now()) : nextMs;
  }
}
