// What goes when runs are pruned, and what stays, on a memory world.

import { expect, test } from "vitest";
import { z } from "zod";
import type { AnyActor } from "../../src/actors/definition.ts";
import { defineActor, handler } from "../../src/actors/definition.ts";
import type { Pruned } from "../../src/cli/runs/prune-runs.ts";
import { pruneRuns } from "../../src/cli/runs/prune-runs.ts";
import { silentLogger } from "../../src/core/log.ts";
import { loadCursors } from "../../src/monitoring/read-cluster.ts";
import { connect } from "../../src/runtime/client.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { workflowProgress, workflowProgressId } from "../../src/workflow/progress.ts";
import { append, listWorkflow } from "../contract/workflow-actors.ts";

const overMs = 660_000;

async function opened(actors: readonly AnyActor[]) {
  const clock = createSimulatedClock({ seed: 1 });
  const world = new MemoryWorld({ clock });
  const ports = (name: string) => memoryPorts({ world, name });
  const start = (name: string) =>
    clock.runFor(
      createWorker({ actors: [...actors, stopper], partitions: 1, logger: silentLogger, ports: ports(name), name }),
    );
  const worker = await start("w1");
  const client = await clock.runFor(connect({ ports: ports("c"), partitions: 1 }));
  const prune = async (workflow?: string): Promise<Pruned> => {
    const { pool, partitionCount } = client.ports;
    const cursorOf = await clock.runFor(loadCursors(client, { [pool]: partitionCount }));
    return clock.runFor(pruneRuns(client, { workflow, overForMs: overMs, cursorOf, isApplied: true }));
  };
  const keys = async () => await clock.runFor(client.list(">"));
  const runs = (await clock.runFor(client.states())).of(workflowProgress);
  return { clock, client, worker, start, prune, keys, runs };
}

/** Stops the run that is called as it is. */
const stopper = defineActor(
  "stopper",
  { state: z.object({}), initial: {} },
  {
    stop: handler(z.string(), (ctx, type) =>
      ctx.stop(defineActor(type, { state: z.object({}), initial: {} }, {}), ctx.self.id),
    ),
  },
);

const nothing: Pruned = { runs: 0, tasks: 0, alive: 0, young: 0, unsettled: 0 };

test("X1: runs that have been over for long go with their progress and the actors of their tasks; what is alive, or young, is not touched", async () => {
  const quick = listWorkflow("quick", ({ task }) => task("t", () => "x", { save: append }), { taskPool: "main" });
  const long = listWorkflow("long", ({ waitFor, task }) => [task("t", () => "x"), waitFor("go")], { taskPool: "main" });
  const { clock, client, prune, keys, runs } = await opened([...quick.actors, ...long.actors]);
  // `a` is over, `a:t` is another run: its tasks begin with the id of the first.
  for (const id of ["a", "b"]) await clock.runFor(client.actor(quick.run, id).ask.start());
  await clock.runFor(client.actor(long.run, "a").ask.start());
  await clock.advance(overMs);
  for (const id of ["a:t", "young"]) await clock.runFor(client.actor(quick.run, id).ask.start());
  await clock.advance(10_000);
  const before = await keys();
  expect(await prune("none")).toEqual(nothing);
  expect(await keys()).toEqual(before);
  expect(await prune()).toEqual({ ...nothing, runs: 2, tasks: 2, alive: 1, young: 2 });
  const gone = ["workflow-quick.a", "workflow-quick-task.a=3At", "workflow-quick.b", "workflow-quick-task.b=3At"];
  expect(await keys()).toEqual(before.filter((key) => !gone.includes(key)));
  const shown = async (name: string, id: string) =>
    (await clock.runFor(runs.get(workflowProgressId(name, id))))?.status;
  expect([await shown("quick", "a"), await shown("quick", "a:t"), await shown("long", "a")]).toEqual([
    undefined,
    "completed",
    "running",
  ]);
  // The id is free: another run of it is one like any other, and is seen.
  await clock.runFor(client.actor(quick.run, "a").ask.start());
  await clock.advance(10_000);
  expect((await clock.runFor(client.actor(quick.run, "a").get()))?.state).toMatchObject({ phase: "completed" });
  expect(await shown("quick", "a")).toBe("completed");
});

test("X1: a run whose messages are not behind the cursor stays: whoever takes the partition over would begin it anew", async () => {
  const ran: string[] = [];
  const quick = listWorkflow("quick", ({ task }) => task("t", (ctx) => void ran.push(ctx.run)));
  const stuck = listWorkflow("stuck", ({ waitFor }) => waitFor("go"));
  const { clock, client, worker, start, prune, keys } = await opened([...quick.actors, ...stuck.actors]);
  // A stopped actor holds the cursor before what it was told (H3).
  await clock.runFor(client.actor(stuck.run, "s").ask.start());
  await clock.runFor(client.actor(stopper, "s").ask.stop("workflow-stuck"));
  await clock.advance(1_000);
  await clock.runFor(client.actor(stuck.run, "s").tell.pause());
  await clock.runFor(client.actor(quick.run, "q").tell.start());
  await clock.advance(2 * overMs);
  expect(await prune("quick")).toEqual({ ...nothing, unsettled: 1 });
  await clock.runFor(worker.close());
  await start("w2");
  await clock.advance(10_000);
  expect(ran).toEqual(["q"]);
  expect(await clock.runFor(client.actor(stuck.run, "s").resume())).toBe("resumed");
  await clock.advance(2 * overMs);
  expect(await prune("quick")).toEqual({ ...nothing, runs: 1 });
  expect(await keys()).not.toContain("workflow-quick.q");
});

test("X1, X2: a stopped run stays though it is over, and a child as long as its parent is not", async () => {
  const kid = listWorkflow("kid", ({ task }) => task("t", () => "x"));
  const parent = listWorkflow("parent", ({ child, waitFor }) => [
    child("k", kid, { input: () => undefined }),
    waitFor("go"),
  ]);
  const { clock, client, prune, keys } = await opened([...kid.actors, ...parent.actors]);
  const run = client.actor(parent.run, "p");
  await clock.runFor(run.ask.start());
  await clock.runFor(client.actor(kid.run, "stopped").ask.start());
  await clock.advance(1_000);
  await clock.runFor(client.actor(stopper, "stopped").ask.stop("workflow-kid"));
  await clock.advance(2 * overMs);
  expect(await prune("kid")).toEqual({ ...nothing, unsettled: 2 });
  await clock.runFor(run.ask.signal({ name: "go" }));
  await clock.advance(2 * overMs);
  expect(await prune("kid")).toEqual({ ...nothing, runs: 1, unsettled: 1 });
  expect(await keys()).toEqual(["stopper.stopped", "workflow-kid.stopped", "workflow-parent.p"]);
});
