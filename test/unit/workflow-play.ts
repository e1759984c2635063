// A run of a workflow without a runtime: the orders that `advance` gives wait here until the test says how they end. What is
// stored goes through JSON after each event, as on the server.

import type { Schema } from "../../src/core/schema.ts";
import { advance, newRun } from "../../src/workflow/advance.ts";
import { defineWorkflow } from "../../src/workflow/define-workflow.ts";
import type { Flow, Steps } from "../../src/workflow/flow.ts";
import type { Command, Outcome, Plan, Run, RunEvent, Transition } from "../../src/workflow/run.ts";

export interface Order {
  readonly kind: "task" | "compensate" | "child";
  readonly path: string;
  readonly order: number;
  readonly attempt: number;
}

export const anyState = {
  "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) },
} as unknown as Schema<unknown, never>;

export interface PlayState {
  log: string[];
  [key: string]: unknown;
}

export function planOf(
  build: (flow: Flow<PlayState>) => Steps,
  options: { readonly onFailure?: "hold"; readonly version?: number } = {},
): Plan {
  const state = anyState as unknown as Schema<unknown, PlayState>;
  return defineWorkflow("play", { state, initial: (): PlayState => ({ log: [] }), ...options }, build).plan;
}

export class Play {
  readonly plan: Plan;
  run: Run = newRun();
  nowMs = 1_000_000;
  readonly orders: Order[] = [];
  readonly transitions: Transition[] = [];
  /** What ran, in the order of its ending: a path, and `-path` for what was compensated. */
  readonly ran: string[] = [];
  /** Children that were told to stop. */
  readonly cancelled: string[] = [];

  constructor(plan: Plan, state: PlayState = { log: [] }) {
    this.plan = plan;
    this.send({ kind: "start", state, parent: undefined });
  }

  get phase() {
    return this.run.phase;
  }
  get state(): PlayState {
    return this.run.state as PlayState;
  }
  get failure(): string | undefined {
    return this.run.failure?.code;
  }
  get waiting(): readonly string[] {
    return this.orders.map(({ kind, path }) => (kind === "compensate" ? `-${path}` : path));
  }
  mark(path: string): string | undefined {
    return this.run.marks[path]?.is;
  }

  send(event: RunEvent): readonly Command[] {
    const made = advance(this.plan, this.run, event, this.nowMs);
    this.run = JSON.parse(JSON.stringify(made.run)) as Run;
    this.transitions.push(...made.transitions);
    for (const command of made.commands) {
      if (command.kind === "cancel-child") this.cancelled.push(command.path);
      else this.orders.push(command);
    }
    return made.commands;
  }

  /** The oldest order of this path (`-path`: its compensation) ends. */
  end(name: string, outcome: unknown = { kind: "ok" }): readonly Command[] {
    const at = this.waiting.indexOf(name);
    const [order] = at === -1 ? [] : this.orders.splice(at, 1);
    if (order === undefined) throw new Error(`${name} has no order; there are ${this.waiting.join(", ")}`);
    const { path, order: number, attempt } = order;
    const how = outcome as Outcome;
    if (how.kind === "ok") this.ran.push(name);
    return this.send({ kind: "ended", path, order: number, attempt, outcome: how });
  }

  ok(name: string, result?: unknown): void {
    this.end(name, result === undefined ? { kind: "ok" } : { kind: "ok", result });
  }

  fail(name: string, code = "E"): void {
    this.end(name, { kind: "failed", failure: { code, message: `${code} of ${name}` } });
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.send({ kind: "due" });
  }

  signal(name: string, data?: unknown): void {
    this.send({ kind: "signal", name, data });
  }

  /** Ends orders, oldest first, until none is left; returns what ran. */
  toEnd(how: (order: Order) => Outcome = () => ({ kind: "ok" })): readonly string[] {
    for (let turns = 0; this.orders.length > 0; turns += 1) {
      if (turns > 10_000) throw new Error("it does not end");
      const [first] = this.orders;
      if (first !== undefined) this.end(this.waiting[0] ?? "", how(first));
    }
    return this.ran;
  }
}
