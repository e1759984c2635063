// The times that a run waits for, on a clock that stands still until it is told to go on.

import { expect, test } from "vitest";
import { silentLogger } from "../../src/core/log.ts";
import { connect } from "../../src/runtime/client.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import type { Flow, Steps } from "../../src/workflow/flow.ts";
import { type ListState, listWorkflow } from "../contract/workflow-actors.ts";

/** The run after ten minutes; the worker's clock differs from the server's by so much. */
async function runOf(build: (flow: Flow<ListState>) => Steps, differsByMs = 0) {
  const clock = createSimulatedClock({ seed: 1 });
  const world = new MemoryWorld({ clock });
  const own = Object.assign(Object.create(clock) as typeof clock, {
    now: () => clock.now() + differsByMs,
    ...{ monotonicMs: () => clock.monotonicMs(), uniqueId: () => clock.uniqueId() },
    after: (ms: number, fn: () => void) => clock.after(ms, fn),
  });
  const { actors, run } = listWorkflow("timed", build);
  const ports = memoryPorts({ world, processClock: own });
  const worker = await clock.runFor(createWorker({ actors, partitions: 1, logger: silentLogger, ports }));
  const client = await clock.runFor(connect({ ports: memoryPorts({ world }), partitions: 1 }));
  await clock.runFor(client.actor(run, "r").ask.start());
  await clock.advance(600_000);
  const stored = await clock.runFor(client.actor(run, "r").get());
  await clock.runFor(client.close());
  await clock.runFor(worker.close());
  return stored?.state;
}

const naps = ({ sleep }: Flow<ListState>) => [sleep("first", 1_000), sleep("none", 0), sleep("last", 1_000)];

test.each([0, -5_000, 5_000])(
  "A2: a run's timer is set anew for the time at which it fired, by a worker whose clock differs by %i ms",
  async (differsByMs) => {
    const { phase, changes } = (await runOf(naps, differsByMs)) ?? {};
    expect({ phase, changes }).toEqual({ phase: "completed", changes: 4 });
  },
);
