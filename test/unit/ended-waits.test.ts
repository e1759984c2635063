import { expect, test } from "vitest";
import type { RuntimeEvent } from "../../src/core/events.ts";
import { silentLogger } from "../../src/core/log.ts";
import { connect } from "../../src/runtime/client.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { endedWaits } from "../../src/workflow/ended-waits.ts";
import type { Mark, Run } from "../../src/workflow/run.ts";
import { append, listWorkflow } from "../contract/workflow-actors.ts";

const runWith = (marks: Readonly<Record<string, Mark>>): Run => ({ marks }) as unknown as Run;

test("a wait that is over is told of with its length, one that goes on or is of an older form is not", () => {
  const before = runWith({
    a: { is: "waiting", signal: "yes", sinceMs: 1_000 },
    b: { is: "sleeping", dueMs: 3_000, sinceMs: 2_000 },
    c: { is: "waiting", signal: "no", sinceMs: 1_000 },
    d: { is: "waiting", signal: "old" },
  });
  const after = runWith({
    a: { is: "done" },
    b: { is: "failed", failure: { code: "X", message: "x" } },
    c: before.marks.c as Mark,
  });
  expect(endedWaits("w", { type: "workflow-w", id: "r" }, before, after, 3_500)).toEqual([
    { kind: "waiting-ended", workflow: "w", run: "r", for: "signal", durationMs: 2_500 },
    { kind: "waiting-ended", workflow: "w", run: "r", for: "sleep", durationMs: 1_500 },
  ]);
});

test("a run that slept and one that waited for a signal tell so once, when the commit stands that goes on", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  const world = new MemoryWorld({ clock });
  const ports = memoryPorts({ world });
  const nap = listWorkflow("nap", (flow) => [
    flow.sleep("nap", 60_000),
    flow.task("get-up", () => "up", { save: append }),
    flow.waitFor("go"),
  ]);
  const events: RuntimeEvent[] = [];
  await clock.runFor(
    (async () => {
      await using worker = await createWorker({ actors: [...nap.actors], ports, partitions: 1, logger: silentLogger });
      worker.events.listen((event) => events.push(event));
      await using troupe = await connect({ ports, partitions: 1 });
      const run = troupe.actor(nap.run, "r1");
      await run.ask.start(undefined);
      await new Promise<void>((resolve) => clock.after(90_000, resolve));
      await run.ask.signal({ name: "go" });
      expect((await run.ask.status()).phase).toBe("completed");
    })(),
    600_000,
  );
  const waits = events.flatMap((event) => (event.kind === "waiting-ended" ? [event] : []));
  expect(waits.map((wait) => wait.for)).toEqual(["sleep", "signal"]);
  const [slept, waited] = waits.map(({ durationMs }) => durationMs / 1_000);
  expect(slept).toBeGreaterThanOrEqual(60);
  expect(slept).toBeLessThan(62);
  expect(waited).toBeGreaterThan(27);
  expect(waited).toBeLessThan(31);
  expect(events.filter(({ kind }) => kind === "task-ended").length).toBe(1);
});
