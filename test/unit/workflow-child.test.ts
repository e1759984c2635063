// A run and its children, on a clock that stands still until it is told to go on.

import { expect, test } from "vitest";
import type { AnyActor } from "../../src/actors/definition.ts";
import { silentLogger } from "../../src/core/log.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { createTestTroupe } from "../../src/runtime/test-troupe.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { givingUp } from "../../src/workflow/child-run.ts";
import type { Run, RunParent } from "../../src/workflow/run.ts";
import { append, listWorkflow } from "../contract/workflow-actors.ts";

async function stage(actors: readonly AnyActor[]) {
  const clock = createSimulatedClock({ seed: 1 });
  const soon = clock.runFor.bind(clock);
  const troupe = await soon(createTestTroupe({ actors, clock }));
  return { clock, soon, troupe };
}

const kid = listWorkflow("kid", ({ waitFor }) => waitFor("go", { save: (state) => append(state, "went") }));
const parentOf = (name: string) =>
  listWorkflow(name, ({ child }) => child("k", kid, { input: () => undefined, save: append }));
const phaseOf = (run: { readonly state: Run } | undefined) => run?.state.phase;

test("C1: two workflows whose runs have one id have a child each, and the cancel of one leaves the other's alone", async () => {
  const [a, b] = [parentOf("pa"), parentOf("pb")];
  const { clock, soon, troupe } = await stage([...a.actors, ...b.actors]);
  const [ofA, ofB] = [troupe.actor(a.run, "order-17"), troupe.actor(b.run, "order-17")];
  await soon(ofA.ask.start());
  await soon(ofB.ask.start());
  await clock.advance(1_000);
  await soon(ofB.ask.cancel());
  await clock.advance(1_000);
  expect([phaseOf(await soon(ofA.get())), phaseOf(await soon(ofB.get()))]).toEqual(["running", "cancelled"]);
  await soon(troupe.actor(kid.run, "pa.order-17.1.1").ask.signal({ name: "go" }));
  await clock.advance(1_000);
  expect((await soon(ofA.get()))?.state).toMatchObject({ phase: "completed", result: "went" });
  expect(troupe.deadLetters()).toEqual([]);
  await soon(troupe.close());
});

test("C2: a run that somebody else began under a child's id is left alone when the parent is cancelled", async () => {
  const one = parentOf("one");
  const { clock, soon, troupe } = await stage(one.actors);
  const others = troupe.actor(kid.run, "one.r.1.1");
  await soon(others.ask.start());
  const run = troupe.actor(one.run, "r");
  await soon(Promise.all([run.ask.start(), run.ask.cancel()]));
  await clock.advance(1_000);
  expect([phaseOf(await soon(run.get())), phaseOf(await soon(others.get()))]).toEqual(["cancelled", "running"]);
  await soon(troupe.close());
});

test("C3: a child that has ended in the moment in which it is given up is no dead letter", async () => {
  const race = listWorkflow("race", ({ parallel, child, waitFor }) =>
    parallel("p", { k: child("k", kid, { input: () => undefined }), w: waitFor("win") }, { join: "any" }),
  );
  const { clock, soon, troupe } = await stage(race.actors);
  const run = troupe.actor(race.run, "r");
  await soon(run.ask.start());
  await clock.advance(1_000);
  const child = troupe.actor(kid.run, "race.r.1.1");
  await soon(Promise.all([child.ask.signal({ name: "go" }), run.ask.signal({ name: "win" })]));
  await clock.advance(10_000);
  expect([phaseOf(await soon(run.get())), phaseOf(await soon(child.get()))]).toEqual(["completed", "completed"]);
  expect(troupe.deadLetters()).toEqual([]);
  await soon(troupe.close());
});

test("C3: a parent whose child never began is cancelled all the same, and says so again when it is asked again", async () => {
  const undone: string[] = [];
  const lost = listWorkflow("lost", ({ task, child }) => [
    task("t", () => "x", { compensate: () => void undone.push("t") }),
    child("k", kid, { input: () => undefined }),
  ]);
  const own = lost.actors.filter(({ type }) => !type.startsWith("workflow-kid"));
  const { clock, soon, troupe } = await stage(own);
  const run = troupe.actor(lost.run, "r");
  await soon(run.ask.start());
  await clock.advance(60_000);
  expect(troupe.deadLetters().map(({ method, code }) => [method, code])).toEqual([["startAsChild", "TYPE_UNKNOWN"]]);
  await soon(run.ask.cancel({ reason: "it hangs" }));
  await clock.advance(60_000);
  expect([phaseOf(await soon(run.get())), undone]).toEqual(["compensating", []]);
  await soon(troupe.worker.close());
  const ports = memoryPorts({ world: troupe.world });
  const worker = await soon(createWorker({ actors: lost.actors, partitions: 4, logger: silentLogger, ports }));
  await soon(run.ask.cancel());
  await clock.advance(1_000);
  expect([phaseOf(await soon(run.get())), undone]).toEqual(["cancelled", ["t"]]);
  expect(phaseOf(await soon(troupe.actor(kid.run, "lost.r.2.1").get()))).toBe("cancelled");
  await soon(worker.close());
  await soon(troupe.close());
});

test("ids of runs leave room for those of their children", async () => {
  const one = parentOf("one");
  const { clock, soon, troupe } = await stage(one.actors);
  const longest = 256 - "one..9999999.99999".length;
  const refused = await soon(
    troupe
      .actor(one.run, "r".repeat(longest + 1))
      .ask.start()
      .catch((thrown) => thrown),
  );
  expect(refused.data).toMatchObject({ code: "ID_INVALID" });
  expect(refused.message).toContain(`at most ${longest} bytes`);
  const run = troupe.actor(one.run, "r".repeat(longest));
  await soon(run.ask.start());
  await clock.advance(1_000);
  await soon(troupe.actor(kid.run, `one.${"r".repeat(longest)}.1.1`).ask.signal({ name: "go" }));
  await clock.advance(1_000);
  expect(phaseOf(await soon(run.get()))).toBe("completed");
  await soon(troupe.close());
});

test("C2, C3: what a child does about being given up, by what it is at and who its parent is", () => {
  const parent: RunParent = { type: "workflow-one", id: "r", path: "k", order: 1, attempt: 1 };
  const child = (more: Partial<Run>): Run => ({ state: {}, phase: "running", marks: {}, parent, ...more });
  const undone = { "": { is: "compensating", failure: { code: "CANCELLED", message: "" } } } as const;
  const table: readonly [what: string, by: RunParent, run: Run][] = [
    ["cancel", parent, child({})],
    ["cancel", parent, child({ phase: "held" })],
    ["nothing", parent, child({ phase: "compensating", marks: undone })],
    // What it could not undo is for a person to decide about, not for its parent.
    ["nothing", parent, child({ phase: "held", marks: undone })],
    ["over", parent, child({ phase: "completed" })],
    ["never-begun", parent, { state: {}, phase: "new", marks: {} }],
    ["nothing", { ...parent, type: "workflow-two" }, child({})],
    ["nothing", { ...parent, id: "s" }, child({})],
    ["nothing", { ...parent, order: 2 }, child({})],
    ["nothing", { ...parent, attempt: 2 }, child({ phase: "completed" })],
  ];
  for (const [what, by, run] of table) expect(givingUp(run, by)).toBe(what);
});
