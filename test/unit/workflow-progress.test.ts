// How a run's progress is written: never back, along the table, and without the run waiting for it.

import { expect, test } from "vitest";
import { silentLogger } from "../../src/core/log.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import { openStateStore } from "../../src/memory/state-store.ts";
import { connect } from "../../src/runtime/client.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import type { RunProgress } from "../../src/workflow/hooks.ts";
import type { RunNews } from "../../src/workflow/progress.ts";
import { newsOf, wayTo, workflowProgress, workflowProgressId, writeProgress } from "../../src/workflow/progress.ts";
import { append, listWorkflow } from "../contract/workflow-actors.ts";

const news = (number: number, phase: RunNews["phase"], more: Partial<RunProgress> = {}): RunNews =>
  newsOf({
    ...{ workflow: "w", version: 1, run: "r", cause: `m${number}`, atMs: number, paused: false, marks: {} },
    ...{ failure: undefined, result: undefined, ...more, number, phase },
  });

async function opened() {
  const kv = await openMemoryStore({ bucket: "central", history: 8 });
  const states = openStateStore({ kv, actor: "workflow-w.r" });
  const runs = states.of(workflowProgress);
  return {
    states,
    runs,
    history: async () =>
      (await runs.history("w/r")).map((change) => (change.kind === "changed" ? change.state : undefined)),
  };
}

test("G1: progress that is not newer than what stands changes nothing, in whatever phase it was", async () => {
  const { states, runs } = await opened();
  for (const [number, phase] of [
    [1, "running"],
    [2, "held"],
    [3, "running"],
    [4, "running"],
  ] as const) {
    await writeProgress(states, news(number, phase));
    const before = await runs.get("w/r");
    expect(before).toMatchObject({
      status: phase,
      data: { number, startedAtMs: 1, atMs: number },
      cause: `m${number}`,
    });
    for (const late of [
      news(number, phase),
      news(1, "running"),
      news(Math.min(number, 2), "held"),
      news(number, "completed"),
    ]) {
      await writeProgress(states, late);
      expect(await runs.get("w/r")).toEqual(before);
    }
  }
});

test("G1: of two who write at once, one of them late, what stands is the newer, in every order", async () => {
  for (let newest = 2; newest <= 6; newest += 1) {
    const { states, runs } = await opened();
    const phases = ["running", "held", "running", "compensating", "failed"] as const;
    const all = Array.from({ length: newest - 1 }, (_, at) => news(at + 1, phases[at] ?? "running"));
    await Promise.all([...all, ...all.toReversed()].map((each) => writeProgress(states, each)));
    expect(await runs.get("w/r")).toMatchObject({ status: phases[newest - 2], data: { number: newest - 1 } });
  }
});

test("G2: phases that no news was told of are gone through", async () => {
  const { states, history } = await opened();
  await writeProgress(states, news(1, "running"));
  await writeProgress(states, news(2, "cancelled"));
  expect((await history()).map((state) => state?.status)).toEqual(["running", "compensating", "cancelled"]);
  expect(wayTo("compensating", "completed")).toEqual(["hold", "retry", "complete"]);
  expect(wayTo("completed", "running")).toEqual([]);
});

test("G2: what is seen first of a run may be any phase, in one write, also when others were quicker", async () => {
  for (const before of [undefined, "nothing"] as const) {
    const { states, runs, history } = await opened();
    await writeProgress(states, news(6, "completed", { result: 5 }), before);
    expect(await history()).toMatchObject([{ status: "completed", event: "complete", data: { number: 6, result: 5 } }]);
    await writeProgress(states, news(7, "completed"), before);
    await writeProgress(states, news(2, "held"), before);
    expect((await runs.get("w/r"))?.data.number).toBe(7);
  }
  const raced = await opened();
  await writeProgress(raced.states, news(1, "running"));
  await writeProgress(raced.states, news(3, "cancelled"), "nothing");
  expect((await raced.history()).map((state) => state?.status)).toEqual(["running", "compensating", "cancelled"]);
});

test("what is told of a run is bounded, whatever the run holds", () => {
  const marks = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, at) => [`each[${at}]/t`, { is: "running", order: at, attempt: 1 }] as const),
  );
  const failure = { code: "X", message: "m".repeat(100_000), data: "d".repeat(100_000) };
  const told = newsOf({ ...news(1, "running"), ...about, marks, failure, result: "r".repeat(5_000) });
  expect(JSON.stringify(told).length).toBeLessThan(4_000);
  expect(told.data).toMatchObject({ failure: { code: "X" } });
  expect(told.data.result).toBeUndefined();
});
const about = { workflow: "w", version: 1, run: "r", cause: "m", atMs: 1, paused: false, number: 1 };

test("Y1: while the bucket is away runs go on to their end, and what they came to is seen when it is back", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  let isAway = true;
  const world = new MemoryWorld({
    clock,
    faults: ({ subject }) => (isAway && subject.startsWith("troupe_central") ? { lose: "request" } : undefined),
  });
  const work = listWorkflow("work", ({ task }) => [
    task("a", () => "a", { save: append }),
    task("b", () => "b", { save: append }),
  ]);
  const ports = (name: string) => memoryPorts({ world, name });
  const worker = await clock.runFor(
    createWorker({ actors: work.actors, partitions: 2, logger: silentLogger, ports: ports("w") }),
  );
  const client = await clock.runFor(connect({ ports: ports("c"), partitions: 2 }));
  const run = client.actor(work.run, "r");
  await clock.runFor(run.tell.start());
  await clock.advance(2_000);
  expect((await clock.runFor(run.get()))?.state.phase).toBe("completed");
  isAway = false;
  await clock.advance(30_000);
  const runs = (await clock.runFor(client.states())).of(workflowProgress);
  expect(await clock.runFor(runs.get(workflowProgressId("work", "r")))).toMatchObject({
    ...{ status: "completed", data: { number: 3, result: "a b" } },
  });
  await clock.runFor(Promise.all([client.close(), worker.close()]));
});
