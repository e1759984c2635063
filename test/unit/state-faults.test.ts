// The state store over connections that lose, delay and break, by seed: what was acknowledged stands once, histories are
// linearizable, sums are conserved at every observed moment, and what is written under a lock is in the order of its tokens.

import { describe, expect, test } from "vitest";
import { z } from "zod";
import { isTroupeError } from "../../src/core/errors.ts";
import { MemoryPlace, openMemoryStore } from "../../src/kv/memory-store.ts";
import { defineState } from "../../src/memory/state-model.ts";
import { openStateStore, type StateStore } from "../../src/memory/state-store.ts";
import { MemoryFarStore } from "../../src/runtime/memory-far-store.ts";
import { randomFaults } from "../../src/runtime/memory-faults.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import { createSimulatedClock, type SimulatedClock, seededRandom } from "../../src/runtime/simulated-clock.ts";
import { checkLinearizable } from "../cluster/linearizability.ts";
import {
  type RegisterOperation,
  type RegisterStep,
  registerModel,
  withoutUnseen,
} from "../cluster/register-history.ts";

const register = defineState("register", { schema: z.object({ value: z.string() }) });
const account = defineState("account", { schema: z.object({ balance: z.number() }) });
const ledger = defineState("ledger", { schema: z.object({ tokens: z.array(z.number()) }) });
const tally = defineState("tally", { schema: z.object({ by: z.record(z.string(), z.array(z.number())) }) });
const accounts = ["a", "b", "c"] as const;

interface Scene {
  readonly clock: SimulatedClock;
  readonly random: () => number;
  /** Without faults. */
  readonly near: StateStore;
  readonly far: readonly StateStore[];
  readonly world: MemoryWorld;
}

async function sceneOf(seed: number): Promise<Scene> {
  const clock = createSimulatedClock({ seed });
  const random = seededRandom(seed);
  const rates = {
    loseRequest: 0.04,
    loseAnswer: 0.08,
    refuse: 0.01,
    delay: 0.5,
    cut: 0.02,
    linger: 0.5,
    delayMsMax: 200,
  };
  const world = new MemoryWorld({ clock, faults: randomFaults(seededRandom(seed + 1), rates) });
  const place = new MemoryPlace();
  const openKv = () => openMemoryStore({ bucket: "central", place, clock, history: 64 });
  const far = await Promise.all(
    ["one", "two", "three"].map(async (actor) =>
      openStateStore({ kv: new MemoryFarStore(await openKv(), world.connect(actor)), clock, actor }),
    ),
  );
  return { clock, random, near: openStateStore({ kv: await openKv(), clock }), far, world };
}

/** Undefined when the outcome is unknown, "none" when it had no effect for sure. */
async function fateOf<Result>(work: Promise<Result>): Promise<Result | "none" | undefined> {
  try {
    return await work;
  } catch (thrown) {
    if (!isTroupeError(thrown)) throw thrown;
    if (thrown.code === "OUTCOME_UNKNOWN") return undefined;
    const harmless = ["SERVER_UNREACHABLE", "STORE_FAILED", "WRITE_CONTENDED", "LOCK_LOST", "LOCK_HELD"];
    if (harmless.includes(thrown.code)) return "none";
    throw thrown;
  }
}

/** Runs `act` again and again in each of some lanes; the clock goes on until all have ended. */
function inLanes(
  { clock, far }: Scene,
  lanes: number,
  times: number,
  act: (store: StateStore, lane: number, at: number) => Promise<void>,
): Promise<unknown> {
  const all = Array.from({ length: lanes }, async (_, lane) => {
    for (let at = 0; at < times; at += 1) await act(far[lane % far.length] as StateStore, lane, at);
  });
  return clock.runFor(Promise.all(all), 3_600_000);
}

const seeds = Array.from({ length: 12 }, (_, at) => at + 1);

describe("the state store over bad connections", () => {
  test.for(seeds)("registers are linearizable (seed %i)", async (seed) => {
    const scene = await sceneOf(seed);
    const { clock, random, near } = scene;
    const names = ["r0", "r1"];
    for (const name of names) await near.of(register).create(name, { value: "" });
    const histories = new Map<string, RegisterOperation[]>(names.map((name) => [name, []]));
    let recent = "";
    let writes = 0;
    await inLanes(scene, 6, 12, async (store, lane, at) => {
      const states = store.of(register);
      const name = names[random() < 0.5 ? 0 : 1] ?? "r0";
      const keep = (operation: RegisterOperation) => histories.get(name)?.push(operation);
      const startedAtMs = clock.monotonicMs();
      const ended = () => ({ startedAtMs, endedAtMs: clock.monotonicMs() });
      writes += 1;
      const value = `${lane}.${at}.${writes}`;
      const kind = (["read", "write", "swap"] as const)[Math.floor(random() * 3)] ?? "read";
      if (kind === "read") {
        const state = await fateOf(states.get(name));
        if (state !== undefined && state !== "none") keep({ ...ended(), what: { kind, found: state.data.value } });
        return;
      }
      const expected = recent;
      let found: string | undefined;
      const fate = await fateOf(
        states.update(
          name,
          (data) => {
            found = data.value;
            if (kind === "write" || found === expected) data.value = value;
          },
          { attemptsMax: 1_000 },
        ),
      );
      recent = value;
      if (fate === "none") return;
      const step: RegisterStep = kind === "write" ? { kind, value } : { kind, expected, value };
      if (fate === undefined) keep({ startedAtMs, what: step });
      else keep({ ...ended(), what: kind === "write" ? step : { kind, expected, value, found: found ?? "" } });
    });
    for (const name of names) {
      const history = histories.get(name) ?? [];
      const value = (await near.of(register).get(name))?.data.value ?? "";
      const atEnd = clock.monotonicMs() + 1;
      history.push({ startedAtMs: atEnd, endedAtMs: atEnd + 1, what: { kind: "read", found: value } });
      expect(checkLinearizable(withoutUnseen(history), registerModel), name).toEqual({ kind: "linearizable" });
    }
  });

  test.for(seeds)(
    "every acknowledged update is there exactly once, and every doubtful one at most once (W2; seed %i)",
    async (seed) => {
      const scene = await sceneOf(seed);
      const { random, near } = scene;
      for (const id of ["t0", "t1"]) await near.of(tally).create(id, { by: {} });
      const acknowledged: string[] = [];
      const doubtful: string[] = [];
      await inLanes(scene, 9, 10, async (store, lane, at) => {
        const id = random() < 0.7 ? "t0" : "t1";
        const fate = await fateOf(
          store.of(tally).update(
            id,
            ({ by }) => {
              by[lane] = [...(by[lane] ?? []), at];
            },
            { attemptsMax: 1_000 },
          ),
        );
        if (fate === undefined) doubtful.push(`${lane}.${at}`);
        else if (fate !== "none") acknowledged.push(`${lane}.${at}`);
      });
      // What was still under way has arrived by then.
      await scene.clock.advance(60_000);
      const states = await near.of(tally).getMany(["t0", "t1"]);
      const there = [...states.values()].flatMap(({ data }) =>
        Object.entries(data.by).flatMap(([lane, all]) => all.map((at) => `${lane}.${at}`)),
      );
      expect(new Set(there).size).toBe(there.length);
      expect(acknowledged.filter((one) => !there.includes(one))).toEqual([]);
      expect(there.filter((one) => !acknowledged.includes(one) && !doubtful.includes(one))).toEqual([]);
      expect(acknowledged.length).toBeGreaterThan(40);
    },
  );

  test.for(seeds)("transfers conserve the sum at every observed moment (seed %i)", async (seed) => {
    const scene = await sceneOf(seed);
    const { random, near } = scene;
    for (const id of accounts) await near.of(account).create(id, { balance: 100 });
    await inLanes(scene, 6, 10, async (store) => {
      const states = store.of(account);
      const seen = await fateOf(states.getMany(accounts));
      if (seen !== undefined && seen !== "none") {
        expect([...seen.values()].reduce((sum, { data }) => sum + data.balance, 0)).toBe(300);
      }
      const from = Math.floor(random() * 3);
      const refs = [from, (from + 1 + Math.floor(random() * 2)) % 3].map((at) => states.ref(accounts[at] ?? "a"));
      const [source, target] = refs;
      if (source === undefined || target === undefined) return;
      await fateOf(
        store.transact(
          refs,
          (tx) => {
            const amount = Math.min(30, tx.get(source)?.data.balance ?? 0);
            tx.update(source, (data) => ({ balance: data.balance - amount }));
            tx.update(target, (data) => ({ balance: data.balance + amount }));
          },
          { attemptsMax: 1_000 },
        ),
      );
    });
    await scene.clock.advance(60_000);
    const all = [...(await near.of(account).getMany(accounts)).values()].map(({ data }) => data.balance);
    expect(all.reduce((sum, balance) => sum + balance, 0)).toBe(300);
    expect(Math.min(...all)).toBeGreaterThanOrEqual(0);
  });

  test.for(seeds)(
    "what is written under a lock is in the order of its tokens, also by holders that freeze (F2; seed %i)",
    async (seed) => {
      const scene = await sceneOf(seed);
      const { clock, random, near, world } = scene;
      await near.of(ledger).create("l", { tokens: [] });
      const written: number[] = [];
      await inLanes(scene, 6, 8, async (store, lane) => {
        const lock = await fateOf(store.lock("pen", { ttlMs: 1_000, waitMs: 20_000 }));
        if (lock === undefined || lock === "none") return;
        const name = ["one", "two", "three"][lane % 3] ?? "one";
        for (let at = 0; at < 3; at += 1) {
          const freezes = random() < 0.15;
          if (freezes) {
            world.freeze(name);
            clock.after(random() * 4_000, () => world.thaw(name));
          }
          const fate = await fateOf(
            store.of(ledger).update(
              "l",
              ({ tokens }) => {
                tokens.push(lock.token);
              },
              { lock },
            ),
          );
          if (fate !== undefined && fate !== "none") written.push(lock.token);
        }
        if (random() < 0.7) await lock.release();
      });
      await clock.advance(60_000);
      const tokens = (await near.of(ledger).get("l"))?.data.tokens ?? [];
      expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
      for (const token of new Set(written)) {
        const count = (all: readonly number[]) => all.filter((one) => one === token).length;
        expect(count(tokens)).toBeGreaterThanOrEqual(count(written));
      }
      expect(new Set(tokens).size).toBeGreaterThan(5);
    },
  );
});
