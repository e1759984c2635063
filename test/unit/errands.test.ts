// Errands and mirrors of one worker, on a memory world whose faults are chosen: what begins when, and what is left to whom.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler } from "../../src/actors/definition.ts";
import type { Errand, Mirror } from "../../src/actors/errand.ts";
import { ownTurn, withErrands } from "../../src/actors/errand.ts";
import { TroupeError } from "../../src/core/errors.ts";
import { workflowProgress, workflowProgressId } from "../../src/workflow/progress.ts";
import { append, book, listWorkflow } from "../contract/workflow-actors.ts";
import type { Faults } from "./errand-stage.ts";
import { isCommitOf, oneTask, opened } from "./errand-stage.ts";

test("E1: a task does not begin before the commit that orders it stands, however long that takes", async () => {
  const { clock, plan, worker, client } = await opened();
  const { work, begun, actors } = oneTask();
  await worker(actors, "w");
  plan.faults = (operation) => (isCommitOf("workflow-work.r", operation) ? { delayMs: 2_000 } : undefined);
  await clock.runFor(client.actor(work.run, "r").tell.start());
  await clock.advance(1_900);
  expect(begun.length).toBe(0);
  await clock.advance(200);
  expect(begun.length).toBe(1);
});

test("E2, E3: an end whose commit is refused is taken later; the task does not run again, and what it told arrives once", async () => {
  const { clock, plan, worker, client } = await opened();
  const { work, begun, actors } = oneTask();
  await worker(actors, "w");
  const run = client.actor(work.run, "r");
  await clock.runFor(run.tell.start());
  await clock.advance(100);
  let refused = 0;
  plan.faults = (operation) => {
    if (!isCommitOf("workflow-work.r", operation) || refused === 3) return undefined;
    refused += 1;
    return { refuse: "disk full" };
  };
  begun[0]?.();
  await clock.advance(30_000);
  expect((await clock.runFor(run.get()))?.state).toMatchObject({ phase: "completed", result: "run 1 after" });
  expect({ refused, begun: begun.length }).toEqual({ refused: 3, begun: 1 });
  expect((await clock.runFor(client.actor(book, "b").get()))?.state.lines).toEqual(["t"]);
});

test("E2: an end that is taken again is as it was, whatever the turn before has made of it", async () => {
  const { clock, plan, worker, client } = await opened();
  const seen: string[] = [];
  const keeping = listWorkflow("keeping", ({ task }) => [
    task("t", () => ({ words: ["one"] }), {
      save: (state, result) => {
        seen.push(JSON.stringify(result));
        (result.words as string[]).push("more");
        state.list.push(...result.words);
      },
    }),
  ]);
  await worker(keeping.actors, "w");
  let writes = 0;
  // The first orders the task, the second takes its end.
  plan.faults = (operation) => {
    if (!isCommitOf("workflow-keeping.r", operation)) return undefined;
    writes += 1;
    return writes === 2 || writes === 3 ? { refuse: "disk full" } : undefined;
  };
  const run = client.actor(keeping.run, "r");
  await clock.runFor(run.tell.start());
  await clock.advance(30_000);
  expect(seen).toEqual(Array(3).fill('{"words":["one"]}'));
  expect((await clock.runFor(run.get()))?.state).toMatchObject({ phase: "completed", result: "one more" });
});

test("an end that is refused for a passing reason first, and then is too large, ends its task as failed", async () => {
  const { clock, plan, worker, client } = await opened();
  let end = () => {};
  const big = listWorkflow("big", ({ task }) => [
    task("t", () => new Promise<string>((resolve) => (end = () => resolve("x".repeat(700_000)))), {
      save: (state, text) => {
        state.list.push(text, text);
      },
      retry: { attempts: 1 },
    }),
  ]);
  await worker(big.actors, "w");
  const run = client.actor(big.run, "r");
  await clock.runFor(run.tell.start());
  await clock.advance(100);
  let refused = 0;
  plan.faults = (operation) => {
    if (!isCommitOf("workflow-big.r", operation) || refused === 1) return undefined;
    refused += 1;
    return { refuse: "disk full" };
  };
  end();
  await clock.advance(30_000);
  expect((await clock.runFor(run.get()))?.state).toMatchObject({
    phase: "failed",
    failure: { code: "PAYLOAD_TOO_LARGE" },
  });
});

test("J1: a task under way holds the cursor, so that it is begun anew after a death long after its run was last told something", async () => {
  const { clock, worker, client } = await opened();
  const { work, begun, actors } = oneTask();
  const first = await worker(actors, "w1");
  const run = client.actor(work.run, "r");
  await clock.runFor(run.ask.start());
  // Others are told meanwhile: what they were told is behind the cursor, were it not held.
  for (let line = 0; line < 5; line += 1) await clock.runFor(client.actor(book, "other").tell.add("x"));
  await clock.advance(20_000);
  await clock.runFor(first.close());
  await worker(actors, "w2");
  await clock.advance(5_000);
  expect(begun.length).toBe(2);
  begun[1]?.();
  await clock.advance(5_000);
  expect((await clock.runFor(run.get()))?.state).toMatchObject({ phase: "completed", result: "run 2 after" });
  expect((await clock.runFor(client.actor(book, "b").get()))?.state.lines).toEqual(["t"]);
});

test("J1, H3: so does the task of a run that is stopped, and started again long after", async () => {
  const { clock, worker, client } = await opened();
  const { work, begun, actors } = oneTask();
  const stopper = defineActor(
    "stopper",
    { state: z.object({}), initial: {} },
    { stop: handler((ctx) => ctx.stop(work.run, "r")) },
  );
  const first = await worker([...actors, stopper], "w1");
  const run = client.actor(work.run, "r");
  await clock.runFor(run.ask.start());
  await clock.runFor(client.actor(stopper, "s").ask.stop());
  await clock.advance(10_000);
  expect(await clock.runFor(run.resume())).toBe("resumed");
  await clock.advance(10_000);
  expect(begun.length).toBe(2);
  await clock.runFor(first.close());
  await worker([...actors, stopper], "w2");
  await clock.advance(5_000);
  begun[2]?.();
  await clock.advance(5_000);
  expect((await clock.runFor(run.get()))?.state).toMatchObject({ phase: "completed", result: "run 3 after" });
});

/** A run of a task that waits, met by a worker whose code has another one: it can neither be carried out nor end. */
async function changed() {
  const world = await opened();
  const { clock, worker, client } = world;
  const version = (last: string, isOver: boolean) =>
    listWorkflow(
      "changed",
      ({ task }) => [
        task(last, () => (isOver ? "over" : new Promise<string>(() => {})), { save: append, retry: { attempts: 1 } }),
      ],
      { progress: "none", onFailure: "hold" },
    );
  const { run: runs, actors } = version("t", false);
  const first = await worker([...actors, book], "w1");
  const run = client.actor(runs, "r");
  await clock.runFor(run.ask.start());
  await clock.advance(1_000);
  await clock.runFor(first.close());
  const other = await worker([...version("other", true).actors, book], "w2");
  return { ...world, run, other, back: () => worker([...version("t", true).actors, book], "w3") };
}

test("E5: an errand that comes to no end stops its actor, once what passes by itself would have; where its code is back it goes on", async () => {
  const { clock, run, other, back, client } = await changed();
  const stopped: string[] = [];
  other.events.listen((event) => {
    if (event.kind === "actor-stopped") stopped.push(`${event.actor.id} ${event.code}`);
  });
  await clock.advance(60_000);
  expect((await clock.runFor(run.get()))?.stopped, "code that is being rolled out").toBeUndefined();
  await clock.advance(120_000);
  const { stopped: why } = (await clock.runFor(run.get())) ?? {};
  expect(why).toMatchObject({ code: "WORKFLOW_CHANGED" });
  expect(stopped).toEqual(["r WORKFLOW_CHANGED"]);
  // What it is told meanwhile waits, and others are served.
  await clock.runFor(run.tell.pause());
  expect(await clock.runFor(client.actor(book, "b").ask.add("x"))).toBe(1);
  await clock.runFor(other.close());
  await back();
  expect(await clock.runFor(run.resume())).toBe("resumed");
  await clock.advance(5_000);
  expect((await clock.runFor(run.get()))?.state).toMatchObject({ phase: "completed", paused: true, result: "over" });
});

test("E5: an end that its actor does not take, and never will, stops it", async () => {
  const { clock, worker, client } = await opened();
  let runs = 0;
  const deaf = defineActor(
    "deaf",
    { state: z.object({}), initial: {} },
    {
      begin: handler((ctx) => ownTurn(ctx).errand("work", null)),
      ended: handler((): void => {
        throw new Error("no");
      }),
    },
  );
  const work: Errand = {
    run: async () => {
      runs += 1;
      return { method: "ended", input: null };
    },
    refused: () => ({ method: "ended", input: null }),
    eventOf: () => ({ kind: "task-ended", workflow: "w", task: "t", run: "r", durationMs: 0 }),
  };
  await worker([withErrands(deaf, { errands: { work } })], "w");
  const actor = client.actor(deaf, "d");
  await clock.runFor(actor.tell.begin());
  await clock.advance(180_000);
  expect((await clock.runFor(actor.get()))?.stopped).toMatchObject({ code: "HANDLER_FAILED" });
  expect(runs).toBe(1);
});

test("E5: resumed with skip, an errand that came to no end ends as failed, and no message is skipped", async () => {
  const { clock, run, other, back } = await changed();
  await clock.advance(180_000);
  await clock.runFor(run.tell.pause());
  await clock.runFor(other.close());
  await back();
  expect(await clock.runFor(run.resume({ skip: true }))).toBe("resumed");
  await clock.advance(5_000);
  expect((await clock.runFor(run.get()))?.state).toMatchObject({
    ...{ phase: "held", paused: true, failure: { code: "WORKFLOW_CHANGED", path: "t" } },
  });
});

test("E5: an end that the server does not take is waited for, however long that takes", async () => {
  const { clock, plan, worker, client } = await opened();
  const { work, begun, actors } = oneTask();
  await worker(actors, "w");
  const run = client.actor(work.run, "r");
  await clock.runFor(run.tell.start());
  await clock.advance(100);
  plan.faults = (operation) => (isCommitOf("workflow-work.r", operation) ? { refuse: "disk full" } : undefined);
  begun[0]?.();
  await clock.advance(300_000);
  plan.faults = () => undefined;
  await clock.advance(10_000);
  expect((await clock.runFor(run.get()))?.state).toMatchObject({ phase: "completed", result: "run 1 after" });
});

/** Numbers of the changes that were shown of a run. */
function shownNumbers(plan: { faults: Faults }): number[] {
  const at: number[] = [];
  plan.faults = ({ kind, subject, number }) => {
    if (kind === "kv-write" && subject.startsWith("troupe_central.")) at.push(number);
    return undefined;
  };
  return at;
}

test("Y1, Y2: a quick run is shown once, when it is over; a slow one with each of its steps", async () => {
  const { clock, plan, worker, client } = await opened();
  const quick = listWorkflow("quick", ({ task }) => Array.from({ length: 8 }, (_, at) => task(`t${at}`, () => "x")));
  const slow = listWorkflow("slow", ({ sleep, change }) => [
    sleep("a", 300),
    sleep("b", 300),
    change("c", () => {}),
    sleep("d", 300),
  ]);
  await worker([...quick.actors, ...slow.actors], "w");
  const written = shownNumbers(plan);
  await clock.runFor(client.actor(quick.run, "r").ask.start());
  await clock.advance(1_000);
  const runs = (await clock.runFor(client.states())).of(workflowProgress);
  expect(await clock.runFor(runs.get("quick/r"))).toMatchObject({ status: "completed", data: { number: 9, done: 8 } });
  expect(written.length).toBe(1);
  await clock.runFor(client.actor(slow.run, "r").ask.start());
  await clock.advance(5_000);
  expect(await clock.runFor(runs.get("slow/r"))).toMatchObject({ status: "completed", data: { number: 4 } });
  expect(written.length).toBe(5);
});

test("Y2: a run that is over soon is written once; one that goes on is seen a moment after it began, and each says since when", async () => {
  const { clock, worker, client } = await opened();
  const work = listWorkflow("work", ({ task, waitFor }) => [task("a", () => "a", { save: append }), waitFor("go")]);
  await worker(work.actors, "w");
  const runs = (await clock.runFor(client.states())).of(workflowProgress);
  const historyOf = (run: string) => clock.runFor(runs.history(workflowProgressId("work", run)));

  const [quick, slow] = [client.actor(work.run, "quick"), client.actor(work.run, "slow")];
  const quickMs = clock.now();
  await clock.runFor(quick.ask.start());
  await clock.runFor(quick.ask.signal({ name: "go" }));
  await clock.advance(1_000);
  const [only, ...none] = await historyOf("quick");
  expect(none).toEqual([]);
  expect(only).toMatchObject({ kind: "changed", state: { status: "completed", event: "complete" } });
  const startedAtMs = only?.kind === "changed" ? only.state.data.startedAtMs : 0;
  expect(startedAtMs).toBeGreaterThanOrEqual(quickMs);
  expect(startedAtMs).toBeLessThan(quickMs + 100);

  await clock.runFor(slow.ask.start());
  const slowMs = clock.now();
  expect(await historyOf("slow")).toEqual([]);
  await clock.advance(150);
  expect(await historyOf("slow")).toMatchObject([{ state: { status: "running", data: { waiting: ["go"] } } }]);
  await clock.advance(5_000);
  await clock.runFor(slow.ask.cancel({ reason: "no" }));
  await clock.advance(50);
  const last = (await historyOf("slow")).at(-1);
  expect(last).toMatchObject({ state: { status: "cancelled" } });
  expect(last?.kind === "changed" && Math.abs(last.state.data.startedAtMs - slowMs)).toBeLessThan(100);
});

test("Y1: what a dead worker could not show, the next one does, though nothing more happens to the run", async () => {
  const { clock, plan, worker, client } = await opened();
  const work = listWorkflow("work", ({ task }) => task("t", () => "x", { save: append }));
  const first = await worker(work.actors, "w1");
  plan.faults = ({ subject }) => (subject.startsWith("troupe_central") ? { lose: "request" } : undefined);
  const run = client.actor(work.run, "r");
  await clock.runFor(run.ask.start());
  await clock.advance(20_000);
  expect((await clock.runFor(run.get()))?.state.phase).toBe("completed");
  await clock.runFor(first.close());
  plan.faults = () => undefined;
  await worker(work.actors, "w2");
  await clock.advance(20_000);
  const runs = (await clock.runFor(client.states())).of(workflowProgress);
  expect(await clock.runFor(runs.get("work/r"))).toMatchObject({ status: "completed", data: { result: "x" } });
});

test("Y1: a run whose id is as long as it may be is shown to its end, in whatever script that is written", async () => {
  const { clock, worker, client } = await opened();
  const work = listWorkflow("work", ({ task }) => task("t", () => "x", { save: append }));
  await worker(work.actors, "w");
  const runs = (await clock.runFor(client.states())).of(workflowProgress);
  for (const id of ["order-".repeat(41), "注文番号".repeat(20)]) {
    await clock.runFor(client.actor(work.run, id).ask.start(undefined, { idempotencyKey: "k".repeat(256) }));
    await clock.advance(5_000);
    expect(await clock.runFor(runs.get(workflowProgressId("work", id)))).toMatchObject({ status: "completed" });
  }
});

test("Y3: what can never be shown is let go: it does not hold the mail of its partition", async () => {
  const { clock, worker, client } = await opened();
  let tries = 0;
  const plain = defineActor(
    "plain",
    { state: z.object({ n: z.number() }), initial: { n: 0 } },
    {
      count: handler((ctx) => {
        ctx.state.n += 1;
      }),
    },
  );
  const mirror: Mirror = {
    statusOf: () => "on",
    isFirst: () => false,
    write: () => {
      tries += 1;
      return Promise.reject(new TroupeError("STATE_INVALID", "never"));
    },
  };
  const cursors: number[] = [];
  const { events } = await worker([withErrands(plain, { mirror })], "w");
  events.listen((event) => event.kind === "cursor-saved" && cursors.push(event.cursor));
  await clock.runFor(client.actor(plain, "p").tell.count());
  await clock.advance(60_000);
  expect({ tries, saved: cursors.length }).toEqual({ tries: 1, saved: 1 });
});
