// Registers that are written, swapped and read meanwhile, and whose histories a checker of linearizability accepts.

import { isTroupeError } from "../../src/core/errors.ts";
import type { StateStore } from "../../src/memory/state-store.ts";
import { checkLinearizable } from "../cluster/linearizability.ts";
import {
  type RegisterOperation,
  type RegisterStep,
  registerModel,
  withoutUnseen,
} from "../cluster/register-history.ts";
import { register } from "./models.ts";

const names = ["r0", "r1", "r2"] as const;
const lanes = 6;
/** Between two operations of a lane, at random: a history of some thousand operations is checked in a moment. Unit: ms. */
const pauseMsMax = 60;

export class Registers {
  readonly #stores: readonly StateStore[];
  readonly #histories = new Map<string, RegisterOperation[]>(names.map((name) => [name, []]));
  #recent = "";
  #isStopping = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(stores: readonly StateStore[]) {
    this.#stores = stores;
  }

  async start(): Promise<void> {
    for (const name of names) await this.#stores[0]?.of(register).create(name, { value: "" });
    this.#running = Promise.all(Array.from({ length: lanes }, (_, lane) => this.#run(lane)));
  }

  /** What is broken, and how many operations there were. Rejects when a lane did. */
  async stop(): Promise<{ readonly operations: number; readonly broken: readonly string[] }> {
    this.#isStopping = true;
    await this.#running;
    const broken: string[] = [];
    let operations = 0;
    for (const [name, history] of this.#histories) {
      const startedAtMs = performance.now();
      const state = await this.#stores[0]?.of(register).get(name);
      const found = state?.data.value ?? "";
      history.push({ startedAtMs, endedAtMs: performance.now(), what: { kind: "read", found } });
      operations += history.length;
      const verdict = checkLinearizable(withoutUnseen(history), registerModel);
      if (verdict.kind !== "linearizable") broken.push(`${name}: ${JSON.stringify(verdict)}`);
    }
    return { operations, broken };
  }

  async #run(lane: number): Promise<void> {
    const store = this.#stores[lane % this.#stores.length];
    if (store === undefined) return;
    for (let at = 0; !this.#isStopping; at += 1) {
      const name = names[Math.floor(Math.random() * names.length)] ?? "r0";
      await this.#act(store, name, `${lane}.${at}`);
      await new Promise<void>((resolve) => void setTimeout(resolve, Math.random() * pauseMsMax));
    }
  }

  async #act(store: StateStore, name: string, value: string): Promise<void> {
    const kind = (["read", "write", "swap"] as const)[Math.floor(Math.random() * 3)] ?? "read";
    const expected = this.#recent;
    const startedAtMs = performance.now();
    const keep = (what: RegisterStep, endedAtMs?: number) =>
      this.#histories.get(name)?.push({ startedAtMs, ...(endedAtMs === undefined ? {} : { endedAtMs }), what });
    let found = "";
    try {
      if (kind === "read") {
        found = (await store.of(register).get(name))?.data.value ?? "";
        keep({ kind, found }, performance.now());
        return;
      }
      await store.of(register).update(
        name,
        (data) => {
          found = data.value;
          if (kind === "write" || found === expected) data.value = value;
        },
        { attemptsMax: 1_000 },
      );
      keep(kind === "write" ? { kind, value } : { kind, expected, value, found }, performance.now());
      this.#recent = value;
    } catch (thrown) {
      if (!isTroupeError(thrown)) throw thrown;
      if (thrown.code !== "OUTCOME_UNKNOWN" || kind === "read") return;
      keep(kind === "write" ? { kind, value } : { kind, expected, value });
    }
  }
}
