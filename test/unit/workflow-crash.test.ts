// A run with all that the triage has not: its worker dies at each point at which something is committed or sent, and everything is
// done, and undone, once.

import { expect, test } from "vitest";
import { silentLogger } from "../../src/core/log.ts";
import { connect } from "../../src/runtime/client.ts";
import type { FaultPlan, MemoryOperation } from "../../src/runtime/memory-faults.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { workflowProgress, workflowProgressId } from "../../src/workflow/progress.ts";
import type { TaskContext } from "../../src/workflow/task-context.ts";
import { append, book, listWorkflow } from "../contract/workflow-actors.ts";

const add =
  (line: (ctx: Pick<TaskContext<never>, "run" | "path">) => string) =>
  (ctx: Pick<TaskContext<never>, "run" | "path" | "actor">) => {
    ctx.actor(book, "b").tell.add(line(ctx));
    return line(ctx);
  };
const does = add(({ path }) => path);
const undoes = { save: append, compensate: add(({ path }) => `-${path}`) };

const kid = listWorkflow("kid", ({ task }) => [task("k1", does, { save: append }), task("k2", does, { save: append })]);
const mixed = listWorkflow(
  "mixed",
  ({ forEach, loop, attempt, child, task, fail, waitFor }) => [
    forEach("each", { items: () => [1, 2, 3], concurrency: 2 }, (each) => each.task("item", does, { save: append })),
    loop("twice", { until: (_, { index }) => index === 1 }, task("turn", does, undoes)),
    attempt("try", [task("wrong", does, undoes), fail("bad", { code: "BAD" })], {
      on: { BAD: task("right", does, undoes) },
    }),
    child("kid", kid, { input: () => undefined, compensate: add(({ path }) => `-${path}`) }),
    waitFor("never"),
  ],
  { taskPool: "main" },
);

/** What was written down; that of the items and of the child may come in another order. */
const done = [
  "each[0]/item",
  "each[1]/item",
  "each[2]/item",
  "k1",
  "k2",
  "try/BAD/right",
  "try/try/wrong",
  "twice[0]/turn",
  "twice[1]/turn",
];
const undone = ["-try/try/wrong", "-kid", "-try/BAD/right", "-twice[1]/turn", "-twice[0]/turn"];

/** From the start to the end: it is paused, resumed and cancelled where it waits. `w2` comes when `w1` is dead. */
async function play(faults: FaultPlan, isDead: () => boolean) {
  const clock = createSimulatedClock({ seed: 1 });
  const world = new MemoryWorld({ clock, faults });
  const ports = (name: string) => memoryPorts({ world, name });
  const actors = [...mixed.actors, ...kid.actors, book];
  const workers = [];
  const start = (name: string) =>
    clock.runFor(createWorker({ actors, partitions: 1, logger: silentLogger, ports: ports(name), name }));
  workers.push(await start("w1"));
  const client = await clock.runFor(connect({ ports: ports("client"), partitions: 1 }));
  const run = client.actor(mixed.run, "r");
  const patient = { timeoutMs: 120_000 };
  await clock.runFor(run.tell.start(undefined, patient));
  let isTold = false;
  for (let turns = 0; turns < 200; turns += 1) {
    if (isDead() && workers.length === 1) workers.push(await start("w2"));
    await clock.advance(500);
    const state = (await clock.runFor(run.get()))?.state;
    if (state?.phase === "cancelled") break;
    if (isTold || state?.marks.never?.is !== "waiting") continue;
    isTold = true;
    await clock.runFor(run.tell.pause(undefined, patient));
    await clock.runFor(run.tell.cancel({}, patient));
    await clock.runFor(run.tell.resume(undefined, patient));
  }
  if (isDead() && workers.length === 1) workers.push(await start("w2"));
  await clock.advance(20_000);
  const last = (await clock.runFor(run.get()))?.state;
  const lines = (await clock.runFor(client.actor(book, "b").get()))?.state.lines ?? [];
  const runs = (await clock.runFor(client.states())).of(workflowProgress);
  const shown = await clock.runFor(runs.get(workflowProgressId("mixed", "r")));
  await clock.runFor(client.close());
  for (const worker of workers) await clock.runFor(worker.close());
  return {
    phase: last?.phase,
    done: lines.filter((line) => !line.startsWith("-")).toSorted(),
    undone: lines.filter((line) => line.startsWith("-")),
    isShown: shown?.status === "cancelled" && shown.data.number === last?.changes,
  };
}

const isPoint = ({ kind, client, subject }: MemoryOperation): boolean =>
  client === "w1" && !subject.includes("_cluster") && ["kv-write", "append", "schedule", "cancel"].includes(kind);

test("every commit point of a run with items, a loop, an attempt, a child and tasks that are actors, cancelled while it is paused", async () => {
  const once = { phase: "cancelled", done, undone, isShown: true };
  const points: MemoryOperation[] = [];
  const quiet: FaultPlan = (operation) => void (isPoint(operation) && points.push(operation));
  expect(await play(quiet, () => false)).toEqual(once);
  expect(points.length).toBeGreaterThan(60);
  for (const [at, { kind, subject }] of points.entries()) {
    // The one half of the points before the server has it, the other after.
    const lose = at % 2 === 0 ? ("request" as const) : ("answer" as const);
    let seen = -1;
    let isDead = false;
    const killed: FaultPlan = (operation) => {
      if (operation.client !== "w1") return undefined;
      if (isDead) return { lose: "request" };
      if (!isPoint(operation)) return undefined;
      seen += 1;
      if (seen < at) return undefined;
      isDead = true;
      return { lose, cutForMs: 10_000_000 };
    };
    expect(await play(killed, () => isDead), `killed at ${at} (${kind} ${subject}), ${lose} lost`).toEqual(once);
  }
}, 300_000);
