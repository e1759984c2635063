// Registers that several callers write, read and swap at once. What they saw must be explained by operations that took
// effect one at a time, each between its start and its end.
//
//   G1. Of writes, swaps and reads by turn, for each register, the history is linearizable (P1, P4).
//   G2. So it is with queries added.

import type { Dice } from "../../sim/dice.ts";
import { Register } from "../actors.ts";
import type { Caller, Fate } from "../caller.ts";
import { checkLinearizable } from "../linearizability.ts";
import type { RegisterOperation, RegisterStep } from "../register-history.ts";
import { registerModel, withoutUnseen } from "../register-history.ts";
import type { Stored, Workload } from "./workload.ts";
import { Count } from "./workload.ts";

const registers = 8;
const timeoutMs = 3_000;

interface Deed {
  readonly register: string;
  readonly isQuery: boolean;
  readonly operation: RegisterOperation;
}

interface RegisterState {
  readonly value: string;
}

export class Registers implements Workload {
  readonly name = "registers";
  readonly lanesPerCaller = 2;
  readonly everyMs = 80;
  readonly #deeds: Deed[] = [];
  readonly #fates: Fate[] = [];
  /** Some value that each register had, for swaps that have a chance. */
  readonly #recent = new Map<string, string>();

  async act(caller: Caller, dice: Dice): Promise<void> {
    const register = `g${dice.whole(0, registers - 1)}`;
    const ref = caller.troupe.actor(Register, register);
    const value = caller.nextId();
    const options = { timeoutMs };
    switch (dice.one(["write", "write", "swap", "read", "read", "peek", "peek"] as const)) {
      case "write":
        return this.#record(caller, register, { kind: "write", value }, () => ref.ask.write(value, options));
      case "swap": {
        const expected = this.#recent.get(register) ?? "";
        return this.#record(caller, register, { kind: "swap", expected, value }, () =>
          ref.ask.swap({ expected, value }, options),
        );
      }
      case "read":
        return this.#record(caller, register, { kind: "read" }, () => ref.ask.read(undefined, options));
      case "peek":
        return this.#record(caller, register, { kind: "read" }, () => ref.ask.peek(undefined, options), true);
    }
  }

  saw(key: string, state: unknown): void {
    if (key.startsWith("register.")) this.#recent.set(key.slice("register.".length), (state as RegisterState).value);
  }

  get acknowledged(): number {
    return this.#fates.filter((fate) => fate === "acknowledged").length;
  }

  missing(): readonly string[] {
    return [];
  }

  async readBack(caller: Caller): Promise<void> {
    for (let at = 0; at < registers; at += 1) {
      const ref = caller.troupe.actor(Register, `g${at}`);
      await this.#record(caller, `g${at}`, { kind: "read" }, () => ref.ask.read());
      await this.#record(caller, `g${at}`, { kind: "read" }, () => ref.ask.peek(), true);
    }
  }

  check(stored: Stored) {
    const count = new Count();
    for (const fate of this.#fates) count.add(fate);
    const broken: string[] = [];
    for (let at = 0; at < registers; at += 1) {
      const register = `g${at}`;
      const deeds = this.#deeds.filter((deed) => deed.register === register);
      const value = (stored.get(`register.${register}`) as RegisterState | undefined)?.value ?? "";
      const atEnd: Deed = { register, isQuery: false, operation: readAtEnd(value) };
      const byTurn = deeds.filter(({ isQuery }) => !isQuery);
      broken.push(...faultsOf(`G1: ${register}`, [...byTurn, atEnd]));
      if (broken.length === 0) broken.push(...faultsOf(`G2: ${register}, with queries`, [...deeds, atEnd]));
    }
    return { counts: count.counts, broken };
  }

  /** Keeps what was done and seen. What provably had no effect is no part of the history. */
  async #record(
    caller: Caller,
    register: string,
    step: RegisterStep,
    act: () => Promise<unknown>,
    isQuery = false,
  ): Promise<void> {
    const startedAtMs = performance.now();
    const keep = (operation: RegisterOperation) => this.#deeds.push({ register, isQuery, operation });
    try {
      const answer = await act();
      const what = step.kind === "write" ? step : { ...step, found: String(answer) };
      keep({ startedAtMs, endedAtMs: performance.now(), what });
      this.#fates.push("acknowledged");
    } catch (thrown) {
      const fate = caller.fateOf(thrown);
      this.#fates.push(fate);
      if (fate === "unknown") keep({ startedAtMs, what: step });
    }
  }
}

/** What is stored when everything is over is read last. */
const readAtEnd = (found: string): RegisterOperation => ({
  startedAtMs: performance.now(),
  endedAtMs: performance.now(),
  what: { kind: "read", found },
});

function faultsOf(what: string, deeds: readonly Deed[]): readonly string[] {
  const history = deeds.map(({ operation }) => operation);
  const verdict = checkLinearizable(withoutUnseen(history), registerModel);
  switch (verdict.kind) {
    case "linearizable":
      return [];
    case "undecided":
      return [`${what}: its history could not be checked within ${verdict.steps} steps`];
    case "refused": {
      const { startedAtMs, endedAtMs = 0 } = verdict.stuckAt;
      const near = history.filter(
        (each) => each.startedAtMs <= endedAtMs && (each.endedAtMs ?? Infinity) >= startedAtMs - 500,
      );
      const lines = near.slice(-12).map(printOperation);
      return [`${what}: no order explains ${printOperation(verdict.stuckAt)}; near it: ${lines.join("; ")}`];
    }
  }
}

function printOperation({ startedAtMs, endedAtMs, what }: RegisterOperation): string {
  const end = endedAtMs === undefined ? "unknown" : endedAtMs.toFixed(1);
  return `${JSON.stringify(what)} ${startedAtMs.toFixed(1)} to ${end}`;
}
