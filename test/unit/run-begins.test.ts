// R6 of `cell-store.ts`: who begins a run does not look for it first, and yet nobody is told anything that is not so.

import { expect, test } from "vitest";
import type { MemoryOperation } from "../../src/runtime/memory-faults.ts";
import { append, listWorkflow } from "../contract/workflow-actors.ts";
import { opened } from "./errand-stage.ts";

const of = (kind: MemoryOperation["kind"], { kind: done, subject, client }: MemoryOperation) =>
  done === kind && subject === "troupe_state.workflow-work.r" && client !== "c";

/** A workflow that counts how often hooks were told of a beginning. */
function waiting() {
  let begun = 0;
  const work = listWorkflow("work", ({ task, waitFor }) => [task("t", () => "x", { save: append }), waitFor("go")], {
    progress: "none",
    hooks: {
      onTransition: (_ctx, { path, to }) => {
        if (path === "" && to === "running") begun += 1;
      },
    },
  });
  return { work, timesBegun: () => begun };
}

const codeOf = (asking: Promise<unknown>): Promise<string> =>
  asking.then(
    () => "ok",
    (thrown: { readonly code: string; readonly data?: { readonly code?: string } }) => thrown.data?.code ?? thrown.code,
  );

test("R6: a run that begins is not looked for", async () => {
  const { clock, plan, worker, client } = await opened();
  const { work } = waiting();
  await worker(work.actors, "w");
  let looks = 0;
  plan.faults = (operation) => {
    if (of("kv-read", operation)) looks += 1;
    return undefined;
  };
  const run = client.actor(work.run, "r");
  expect(await clock.runFor(run.ask.start())).toMatchObject({ phase: "running" });
  await clock.advance(1_000);
  expect(await clock.runFor(run.ask.status())).toMatchObject({ nodes: { go: { is: "waiting" } } });
  expect(looks).toBe(0);
});

test("R6: of a run that stands a second beginning says so and changes nothing, whoever has it, with its signals and queries", async () => {
  const { clock, worker, client } = await opened();
  const { work, timesBegun } = waiting();
  const first = await worker(work.actors, "w1");
  const run = client.actor(work.run, "r");
  await clock.runFor(run.ask.start());
  await clock.advance(1_000);
  await clock.runFor(first.close());
  await worker(work.actors, "w2");
  const before = await clock.runFor(run.get());
  const [again, status, early] = await clock.runFor(
    Promise.all([codeOf(run.ask.start()), run.ask.status(), codeOf(run.ask.signal({ name: "none" }))]),
  );
  expect(again).toBe("RUN_PHASE");
  expect(status).toMatchObject({ phase: "running", nodes: { go: { is: "waiting" } }, state: { list: ["x"] } });
  expect(early).toBe("SIGNAL_UNKNOWN");
  expect((await clock.runFor(run.get()))?.state).toEqual(before?.state);
  await clock.runFor(run.ask.signal({ name: "go" }));
  expect((await clock.runFor(run.get()))?.state).toMatchObject({ phase: "completed", result: "x" });
  expect(timesBegun()).toBe(2); // The second time by the turn that was undone (decision 0033).
});

test("R6: no query sees a run before it stands, also while its beginning is under way for long, or comes to nothing", async () => {
  const { clock, plan, worker, client } = await opened();
  const { work } = waiting();
  await worker(work.actors, "w");
  plan.faults = (operation) => (of("kv-write", operation) ? { delayMs: 600 } : undefined);
  const run = client.actor(work.run, "r");
  const seen: string[] = [];
  const started = run.ask.start().then(({ phase }) => seen.push(`start: ${phase}`));
  const asked = run.ask.status(undefined, { timeoutMs: 10_000 }).then(({ phase }) => seen.push(`status: ${phase}`));
  await clock.advance(500);
  expect(seen).toEqual([]);
  await clock.runFor(Promise.all([started, asked]));
  expect(seen.toSorted()).toEqual(["start: running", "status: running"]);

  plan.faults = () => undefined;
  const long = client.actor(work.run, "x".repeat(256));
  const [fails, status] = await clock.runFor(Promise.all([codeOf(long.ask.start()), long.ask.status()]));
  expect(fails).toBe("ID_INVALID");
  expect(status).toMatchObject({ phase: "new" });
  expect(await clock.runFor(long.get())).toBeUndefined();
});

test("R6: a beginning that fails leaves nothing of what it took for granted", async () => {
  const { clock, worker, client } = await opened();
  let isBroken = false;
  const initial = () => {
    if (isBroken) throw new Error("no state today");
    return { list: [] };
  };
  const work = listWorkflow("work", ({ waitFor }) => waitFor("go"), { initial, progress: "none" });
  const first = await worker(work.actors, "w1");
  const run = client.actor(work.run, "r");
  await clock.runFor(run.ask.start());
  await clock.runFor(first.close());
  await worker(work.actors, "w2");
  isBroken = true;
  const [again, gone] = await clock.runFor(
    Promise.all([codeOf(run.ask.start()), codeOf(run.ask.signal({ name: "go" }))]),
  );
  expect([again, gone]).toEqual(["RUN_PHASE", "ok"]);
});

test("R6: of many who begin one run at once, at two workers in turn, one does", async () => {
  const { clock, plan, worker, client } = await opened();
  const { work } = waiting();
  const first = await worker(work.actors, "w1");
  plan.faults = (operation) => (of("kv-write", operation) ? { delayMs: 500 } : undefined);
  const codes = Array.from({ length: 20 }, () => codeOf(client.actor(work.run, "r").ask.start()));
  await clock.advance(100);
  void clock.runFor(first.close()).catch(() => undefined);
  await worker(work.actors, "w2");
  const more = Array.from({ length: 20 }, () => codeOf(client.actor(work.run, "r").ask.start()));
  const all = await clock.runFor(Promise.all([...codes, ...more]));
  expect(all.filter((code) => code === "ok").length).toBe(1);
  expect(new Set(all)).toEqual(new Set(["ok", "RUN_PHASE"]));
});
