// A run that meets code which it did not begin with, for long: it stops, and loses nothing.

import { expect, test } from "vitest";
import { z } from "zod";
import { silentLogger } from "../../src/core/log.ts";
import { connect } from "../../src/runtime/client.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { defineWorkflow } from "../../src/workflow/define-workflow.ts";

const pinned = (last: string) =>
  defineWorkflow("pinned", { state: z.object({}), initial: () => ({}) }, ({ waitFor, task }) => [
    waitFor("go"),
    task(last, () => last),
  ]);

test("A3: a run that is told what this code cannot deal with is stopped, keeps its mail, and goes on where its code is back", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  const world = new MemoryWorld({ clock });
  const ports = memoryPorts({ world });
  const open = (last: string) =>
    clock.runFor(createWorker({ actors: pinned(last).actors, partitions: 1, logger: silentLogger, ports }));
  const client = await clock.runFor(connect({ ports, partitions: 1 }));
  const run = client.actor(pinned("one").run, "r");
  const first = await open("one");
  await clock.runFor(run.ask.start());
  await clock.runFor(first.close());
  const other = await open("other");
  await clock.runFor(run.tell.signal({ name: "go" }));
  await clock.advance(30_000);
  expect((await clock.runFor(run.get()))?.stopped, "code that is being rolled out").toBeUndefined();
  await clock.advance(180_000);
  expect((await clock.runFor(run.get()))?.stopped?.message).toContain("began with version 1");
  await clock.runFor(other.close());
  const again = await open("one");
  await clock.runFor(run.resume());
  await clock.advance(5_000);
  expect((await clock.runFor(run.get()))?.state).toMatchObject({ phase: "completed", marks: { one: { is: "done" } } });
  await clock.runFor(client.close());
  await clock.runFor(again.close());
});
