// One client's connection to a world in memory: two wires, and the calls that wait for an answer.
//
//   C1. A call is answered exactly once: by the world, `unsent` when not connected, `lost` when its time is over or the
//       connection breaks. A client that crashed is never answered: there is nobody left.
//   C2. What the client subscribed to is subscribed to again when the connection is back.
//   C3. What was sent on a connection that broke never arrives, or with a cut that lets it linger later, in its order, and
//       perhaps behind what the client has sent on the next one. Subscriptions end with their connection.

import type { Clock } from "../core/clock.ts";
import type { FaultPlan, MemoryFault, MemoryOperation } from "./memory-faults.ts";
import type { Breath } from "./memory-wire.ts";
import { Wire } from "./memory-wire.ts";

export type CallAnswer<Value> =
  | { readonly kind: "answer"; readonly value: Value }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "unsent"; readonly reason: string }
  | { readonly kind: "lost"; readonly reason: string };

export type Answer<Value> = (value: Value) => void;

export interface ConnectionOptions {
  readonly name: string;
  readonly clock: Clock;
  /** The client's own, by which it gives up waiting. */
  readonly processClock: Clock;
  readonly breath: Breath;
  readonly planFault: (operation: Omit<MemoryOperation, "number">) => MemoryFault | undefined;
}

/** What the server does for a connection as long as it stands, so that it means nothing when it comes later (C3). */
const boundToConnection: ReadonlySet<MemoryOperation["kind"]> = new Set(["read", "serve"]);

export type ConnectionState = "connected" | "disconnected" | "crashed";

export class MemoryConnection {
  readonly name: string;
  readonly #clock: Clock;
  readonly #processClock: Clock;
  readonly #breath: Breath;
  readonly #planFault: ConnectionOptions["planFault"];
  /** To the world, and from it. */
  #up: Wire;
  readonly #down: Wire;
  readonly #pending = new Set<(reason: string) => void>();
  readonly #listeners = new Set<(state: "lost" | "restored") => void>();
  #state: ConnectionState = "connected";
  #isFrozen = false;
  /** Counts the breaks: what was sent before one is not of this connection any more. */
  #era = 0;

  constructor({ name, clock, processClock, breath, planFault }: ConnectionOptions) {
    this.name = name;
    this.#clock = clock;
    this.#processClock = processClock;
    this.#breath = breath;
    this.#planFault = planFault;
    this.#up = new Wire(clock, breath);
    this.#down = new Wire(clock, breath);
  }

  get isConnected(): boolean {
    return this.#state === "connected";
  }

  get isCrashed(): boolean {
    return this.#state === "crashed";
  }

  onState(listener: (state: "lost" | "restored") => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when a connection that is broken is back. */
  untilRestored(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.onState((state) => {
        if (state !== "restored") return;
        stop();
        resolve();
      });
    });
  }

  /** `perform` runs when the call has reached the world, which answers by the function that it is given. */
  call<Value>(
    kind: MemoryOperation["kind"],
    subject: string,
    timeoutMs: number,
    perform: (answer: Answer<Value>) => void,
  ): Promise<CallAnswer<Value>> {
    if (this.isCrashed) return new Promise(() => {}); // C1
    if (!this.isConnected) return Promise.resolve({ kind: "unsent", reason: "not connected" });
    const fault = this.#planFault({ kind, client: this.name, subject }) ?? {};
    const [era, wire] = [this.#era, this.#up];
    const breakIfPlanned = () => {
      if (fault.cutForMs === undefined) return;
      if (era === this.#era) this.#breakFor(fault.cutForMs, fault.lingerMs);
      else wire.cut(); // What lingers behind it is lost with it.
    };
    return new Promise((resolve) => {
      const settle = (answer: CallAnswer<Value>) => {
        if (!this.#pending.delete(lose)) return; // C1
        cancel();
        if (!this.isCrashed) resolve(answer);
      };
      const lose = (reason: string) => settle({ kind: "lost", reason });
      const cancel = this.#processClock.after(timeoutMs, () => lose("no answer in time"));
      this.#pending.add(lose);
      const reply = (answer: CallAnswer<Value>) => this.#down.send(() => settle(answer), fault.answerDelayMs);
      this.#up.send(() => {
        if (era !== this.#era && boundToConnection.has(kind)) return; // C3
        if (fault.lose === "request") return breakIfPlanned();
        if (fault.refuse !== undefined) return reply({ kind: "refused", reason: fault.refuse });
        perform((value) => {
          if (fault.lose !== "answer") reply({ kind: "answer", value });
        });
        breakIfPlanned();
      }, fault.delayMs);
    });
  }

  /** Says something to the world that nobody answers. What is said while not connected is lost. */
  say(kind: MemoryOperation["kind"], subject: string, perform: () => void): void {
    if (!this.isConnected) return;
    const fault = this.#planFault({ kind, client: this.name, subject }) ?? {};
    if (fault.lose === undefined && fault.refuse === undefined) this.#up.send(perform, fault.delayMs);
    if (fault.cutForMs !== undefined) this.#breakFor(fault.cutForMs, fault.lingerMs);
  }

  /** Runs `fn` by the world's time. Returns the function that cancels it. */
  after(delayMs: number, fn: () => void): () => void {
    return this.#clock.after(delayMs, fn);
  }

  /** From the world to the client. False when the plan loses it. */
  deliver(kind: MemoryOperation["kind"], subject: string, arrive: () => void): boolean {
    if (!this.isConnected) return true;
    const fault = this.#planFault({ kind, client: this.name, subject }) ?? {};
    if (fault.lose !== undefined || fault.refuse !== undefined) return false;
    this.#down.send(arrive, fault.delayMs);
    if (fault.cutForMs !== undefined) this.#breakFor(fault.cutForMs, fault.lingerMs);
    return true;
  }

  /** From the world to the client, with no fault of its own: it goes along with something that had its chance. */
  pass(arrive: () => void): void {
    if (this.isConnected) this.#down.send(arrive);
  }

  cut(lingerMs?: number): void {
    if (!this.isConnected) return;
    this.#state = "disconnected";
    this.#era += 1;
    if (lingerMs === undefined) this.#up.cut();
    else this.#leaveUnderWay(lingerMs);
    this.#down.cut();
    for (const lose of [...this.#pending]) lose("the connection broke");
    for (const listener of [...this.#listeners]) listener("lost");
  }

  restore(): void {
    if (this.#state !== "disconnected") return;
    this.#state = "connected";
    for (const listener of [...this.#listeners]) listener("restored");
  }

  /** What it has sent is under way and arrives; nothing reaches it any more. */
  crash(): void {
    this.#state = "crashed";
    this.#down.cut();
    for (const lose of [...this.#pending]) lose("");
    this.#listeners.clear();
  }

  freeze(what: "all" | "incoming" = "all"): void {
    this.#down.freeze();
    if (what === "incoming") return;
    this.#isFrozen = true;
    this.#up.freeze();
  }

  thaw(): void {
    this.#isFrozen = false;
    this.#up.thaw();
    this.#down.thaw();
  }

  #breakFor(cutForMs: number, lingerMs?: number): void {
    this.cut(lingerMs);
    this.#clock.after(cutForMs, () => this.restore());
  }

  /** What is under way to the world is on a wire of its own from now on, and comes there later (C3). */
  #leaveUnderWay(lingerMs: number): void {
    const before = this.#up;
    before.freeze();
    this.#clock.after(lingerMs, () => before.thaw());
    this.#up = new Wire(this.#clock, this.#breath);
    if (this.#isFrozen) this.#up.freeze();
  }
}

/** Numbers the operations of a world for its plan. */
export function plannerOf(plan: FaultPlan | undefined): ConnectionOptions["planFault"] {
  if (plan === undefined) return () => undefined;
  let number = 0;
  return (operation) => {
    number += 1;
    return plan({ ...operation, number });
  };
}

/** As if the answer were lost when the signal aborts. */
export function unlessAborted<Value>(
  calling: Promise<CallAnswer<Value>>,
  signal: AbortSignal,
): Promise<CallAnswer<Value>> {
  return new Promise((resolve) => {
    const lose = () => resolve({ kind: "lost", reason: "the asker waits no longer" });
    signal.addEventListener("abort", lose, { once: true });
    void calling.then(resolve).finally(() => signal.removeEventListener("abort", lose));
  });
}
