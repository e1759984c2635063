// What agents remember, though their worker dies at any of the operations by which it speaks to the server, and though
// anything may be late, lost or refused.

import { expect, test } from "vitest";
import { delay } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/log.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";
import { connect } from "../../src/runtime/client.ts";
import { factsHistoryDefault } from "../../src/runtime/lazy-memory.ts";
import type { FaultPlan } from "../../src/runtime/memory-faults.ts";
import { randomFaults } from "../../src/runtime/memory-faults.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import type { SimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { createSimulatedClock, seededRandom } from "../../src/runtime/simulated-clock.ts";
import { subjectsOf } from "../../src/runtime/subjects.ts";
import type { Worker } from "../../src/runtime/worker.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { effectsOf, faultsOf, sayingsOf, talkerWith } from "../support/agent-crowd.ts";

const partitions = 2;
const subjects = subjectsOf("troupe", "main");
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

class Crowd {
  readonly clock: SimulatedClock;
  readonly world: MemoryWorld;
  readonly agents: readonly string[];
  readonly talker = talkerWith();
  #workers = 0;

  constructor(seed: number, agents: number, faults: (world: () => MemoryWorld) => FaultPlan) {
    this.clock = createSimulatedClock({ seed });
    this.world = new MemoryWorld({ clock: this.clock, faults: faults(() => this.world) });
    this.agents = upTo(agents).map((n) => `a${n}`);
  }

  /** `w1`, `w2` and so on. What cannot start tries again under its name. */
  async startWorker(): Promise<Worker> {
    this.#workers += 1;
    const name = `w${this.#workers}`;
    for (;;) {
      const ports = memoryPorts({ world: this.world, name });
      const starting = createWorker({ actors: [this.talker], partitions, logger: silentLogger, ports });
      const worker = await starting.catch(() => undefined);
      if (worker !== undefined) return worker;
      this.world.crash(name);
      await delay(this.clock, 100);
    }
  }

  /** Resolves when everything was said; what became of it the logs tell. */
  async say(seed: number, count: number): Promise<void> {
    const { clock, world } = this;
    const client = await clock.runFor(connect({ ports: memoryPorts({ world, name: "client" }), partitions }));
    const said = sayingsOf(seededRandom(seed), this.agents, count).map(async ({ to, verb, saying }, at) => {
      await delay(clock, at * 20);
      const actor = client.actor(this.talker, to);
      // What is refused, or what nobody hears of, may have had its effect or not: that is what the values say.
      const said = verb === "tell" ? actor.tell.say(saying) : actor.ask.answer(saying, { timeoutMs: 2_000 });
      await said.catch(() => undefined);
    });
    await clock.runFor(Promise.all(said));
  }

  async faults(): Promise<{ readonly effects: number; readonly faults: readonly string[] }> {
    const { clock } = this;
    const { place } = this.world;
    const open = (bucket: string, history: number) => openMemoryStore({ bucket, place, history, clock });
    const state = await open(subjects.stateBucket, 8);
    const heard = await effectsOf(this.agents, async (key) => (await state.get(key))?.value);
    const stores = {
      entries: await open(subjects.memoryBucket, 1),
      facts: await open(subjects.factsBucket, factsHistoryDefault),
      ...{ clock, codecs: new ValueCodecs() },
    };
    return { effects: heard.length, faults: await clock.runFor(faultsOf(this.agents, heard, stores)) };
  }
}

/** A worker that dies at its operation of this number; `isDone`: the server does it all the same. */
async function dieAt(number: number, isDone: boolean) {
  let count = 0;
  let kinds = "";
  const crowd = new Crowd(1, 4, (world) => ({ client, subject }) => {
    if (client !== "w1") return undefined;
    count += 1;
    kinds += `${subject} `;
    if (count !== number) return undefined;
    world().crash("w1");
    return isDone ? undefined : { lose: "request" };
  });
  const { clock } = crowd;
  void crowd.startWorker();
  await clock.advance(1_000);
  await crowd.say(7, 6);
  await clock.runFor(crowd.startWorker());
  await clock.advance(12_000);
  return { count, kinds, ...(await crowd.faults()) };
}

test("killed at each step: whatever the worker was about to do or had just done, each effect is remembered once, in order", async () => {
  const { count, effects, kinds } = await dieAt(-1, true);
  const said = sayingsOf(seededRandom(7), upTo(4).map(String), 6);
  const effectsIn = (all: typeof said) => all.reduce((sum, { saying }) => sum + 1 + saying.path.length, 0);
  expect(effects).toBe(effectsIn(said));
  const told = effectsIn(said.filter(({ verb }) => verb === "tell"));
  expect(new Set(said.map(({ verb }) => verb)).size).toBe(2);
  for (const kind of ["troupe_state", "troupe_memory.agent", "troupe_memory.shared", "troupe_facts", "_wake"]) {
    expect(kinds, kind).toContain(kind);
  }
  for (const number of upTo(count + 1)) {
    for (const isDone of [false, true]) {
      const result = await dieAt(number, isDone);
      expect(result.faults, `killed at operation ${number}, ${isDone ? "after" : "before"} it was done`).toEqual([]);
      expect(result.effects, `killed at operation ${number}`).toBeGreaterThanOrEqual(told);
    }
  }
}, 300_000);

test.each(upTo(12).map((at) => 100 + at))(
  "24 agents talk while two workers die and anything goes wrong: from the logs, each entry has one cause, in order (seed %i)",
  async (seed) => {
    const rates = { loseRequest: 0.01, loseAnswer: 0.01, refuse: 0.01, delay: 0.05, cut: 0.002, linger: 0.5 };
    let isOver = false;
    const plan = randomFaults(seededRandom(seed + 1), rates);
    const crowd = new Crowd(seed, 24, () => (operation) => (isOver ? undefined : plan(operation)));
    const { clock, world } = crowd;
    await clock.runFor(Promise.all([crowd.startWorker(), crowd.startWorker()]));
    const dice = seededRandom(seed + 2);
    for (const name of ["w1", "w2"]) {
      clock.after(500 + dice() * 4_000, () => {
        world.crash(name);
        void crowd.startWorker();
      });
    }
    await crowd.say(seed + 3, 150);
    await clock.advance(10_000);
    isOver = true;
    await clock.advance(60_000);
    const { effects, faults } = await crowd.faults();
    expect(faults).toEqual([]);
    expect(effects).toBeGreaterThan(150);
  },
);
