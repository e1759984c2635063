// What users see of workflows, the same on every implementation of the ports.

import { expect, test } from "vitest";
import { z } from "zod";
import type { WorkflowOptions } from "../../src/workflow/define-workflow.ts";
import type { Transition } from "../../src/workflow/run.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import { committedState, eventOf, Gate, rejection, Stage } from "./runtime-support.ts";
import type { ListState } from "./workflow-actors.ts";
import { append, book, isAt, listWorkflow, runWhen } from "./workflow-actors.ts";
import { ownTaskContract } from "./workflow-own-task.contract.ts";
import { workflowVersionContract } from "./workflow-version.contract.ts";

export function workflowContract(name: string, open: OpenRuntime): void {
  for (const [where, options] of [
    [name, {}],
    [`${name}, tasks in actors of their own`, { taskPool: "main" }],
  ] as const) {
    taskContract(where, open, options);
    failingTaskContract(where, open, options);
    resultContract(where, open, options);
    signalContract(where, open, options);
    lateSignalContract(where, open, options);
    crashContract(where, open, options);
  }
  ownTaskContract(name, open);
  childContract(name, open);
  hookContract(name, open);
  workflowVersionContract(name, open);
}

/** Where tasks are carried out. */
type Where = Pick<WorkflowOptions<ListState, undefined, string>, "taskPool">;

function taskContract(name: string, open: OpenRuntime, where: Where): void {
  test(`${name}: a run goes through tasks, branches, items, repetitions and sleeps to its result`, async () => {
    await using stage = await Stage.open(open);
    const all = listWorkflow(
      "all",
      ({ task, branch, when, otherwise, forEach, loop, sleep, parallel, change }) => [
        task("first", async (ctx) => `first-${ctx.run}`, { save: append }),
        branch(
          "which",
          when(
            "wrong",
            ({ list }) => list.length > 7,
            change("no", (state) => append(state, "no")),
          ),
          otherwise(change("yes", (state) => append(state, "yes"))),
        ),
        forEach("each", { items: () => ["x"], concurrency: 2 }, (each) =>
          each.task("item", (ctx) => `${ctx.item}${ctx.index}`, { save: append }),
        ),
        parallel("both", { a: task("t", () => "p", { save: append }), b: task("t", () => "p", { save: append }) }),
        sleep("nap", 20),
        loop(
          "again",
          { until: ({ list }) => list.length >= 7 },
          task("t", (ctx) => `l${ctx.index}`, { save: append }),
        ),
      ],
      where,
    );
    const { client } = await stage.both(all.actors);
    const run = client.actor(all.run, "r/1");
    expect((await run.ask.start()).phase).toBe("running");
    const { phase, result } = await runWhen(run);
    expect({ phase, result }).toEqual({ phase: "completed", result: "first-r/1 yes x0 p p l0 l1" });
    // A query may be one commit behind whoever watches; behind the answer to a turn it is not (P4).
    expect((await rejection(run.ask.start(), "HANDLER_FAILED")).data).toMatchObject({ code: "RUN_PHASE" });
    expect((await run.ask.status()).result).toBe(result);
    expect(await stage.deadLetters()).toEqual([]);
  });
}

function failingTaskContract(name: string, open: OpenRuntime, where: Where): void {
  test(`${name}: K1, K2: a failing attempt sends nothing, its steps are kept, and the last attempt's tells arrive once`, async () => {
    await using stage = await Stage.open(open);
    let steps = 0;
    const flaky = listWorkflow(
      "flaky",
      ({ task }) =>
        task(
          "t",
          async (ctx) => {
            const number = await ctx.step("model", () => {
              steps += 1;
              return steps;
            });
            ctx.actor(book, "b").tell.add(`attempt ${ctx.attempt}, step ${number}`);
            if (ctx.attempt < 3) throw Object.assign(new Error("not yet"), { code: "BUSY" });
            return await ctx.actor(book, "b").ask.lines();
          },
          { retry: { attempts: 3, backoffMs: 1 }, save: (state, lines) => append(state, String(lines.length)) },
        ),
      where,
    );
    const { client } = await stage.both([...flaky.actors, book]);
    const run = client.actor(flaky.run, "r");
    await run.ask.start();
    expect((await runWhen(run)).result).toBe("0");
    const { lines } = await committedState(client.actor(book, "b"), (state) => state.lines.length > 0);
    expect(lines).toEqual(["attempt 3, step 1"]);
    expect(steps).toBe(1);
  });

  test(`${name}: K3: a task that takes too long has failed, its signal aborts, and the error path runs`, async () => {
    await using stage = await Stage.open(open);
    const aborted = new Gate();
    const slow = listWorkflow(
      "slow",
      ({ task, attempt }) =>
        attempt(
          "try",
          task(
            "hang",
            (ctx): Promise<void> => {
              ctx.signal.addEventListener("abort", () => void aborted.pass());
              return new Promise(() => {});
            },
            { timeoutMs: 20, retry: { attempts: 1 } },
          ),
          { on: { TASK_TIMEOUT: task("late", () => "late", { save: append }) } },
        ),
      where,
    );
    const { client } = await stage.both(slow.actors);
    const run = client.actor(slow.run, "r");
    await run.ask.start();
    expect((await runWhen(run)).result).toBe("late");
    await aborted.reached;
  });
}

function resultContract(name: string, open: OpenRuntime, where: Where): void {
  test(`${name}: a result that JSON cannot carry, or that is too large to be told, and a step that comes twice, are the task's failure`, async () => {
    await using stage = await Stage.open(open);
    const odd = listWorkflow(
      "odd",
      ({ task, attempt }) => [
        attempt(
          "big",
          task("t", () => "x".repeat(2_000_000), { retry: { attempts: 1 } }),
          {
            on: { PAYLOAD_TOO_LARGE: task("note", () => "large", { save: append }) },
          },
        ),
        attempt(
          "bad",
          task("t", () => 1n, { retry: { attempts: 1 } }),
          {
            on: { RESULT_INVALID: task("note", () => "bad", { save: append }) },
          },
        ),
        attempt(
          "twice",
          task("t", async (ctx) => [await ctx.step("a", () => 1), await ctx.step("a", () => 2)], {
            retry: { attempts: 1 },
          }),
          {
            on: { STEP_REPEATED: task("note", () => "twice", { save: append }) },
          },
        ),
      ],
      where,
    );
    const { client } = await stage.both(odd.actors);
    const run = client.actor(odd.run, "r");
    await run.ask.start();
    expect((await runWhen(run)).result).toBe("large bad twice");
  });
}

function signalContract(name: string, open: OpenRuntime, where: Where): void {
  test(`${name}: a long task holds up neither status, nor signals, nor pause and cancel; what it did is compensated`, async () => {
    await using stage = await Stage.open(open);
    const gate = new Gate();
    const long = listWorkflow(
      "long",
      ({ task, parallel, waitFor }) =>
        parallel("p", {
          slow: task("t", () => gate.pass(), {
            compensate: (ctx) => ctx.actor(book, "b").tell.add(`took back ${ctx.path}`),
          }),
          asked: waitFor("go", { schema: z.object({ by: z.string() }), save: (state, { by }) => append(state, by) }),
        }),
      where,
    );
    const { client } = await stage.both([...long.actors, book]);
    const run = client.actor(long.run, "r");
    await run.ask.start();
    await gate.reached;
    const status = await run.ask.status();
    expect(status).toMatchObject({ phase: "running", waitsFor: ["go"] });
    expect((await rejection(run.ask.signal({ name: "go", data: { by: 7 } }), "HANDLER_FAILED")).data).toMatchObject({
      code: "INPUT_INVALID",
    });
    expect((await rejection(run.ask.signal({ name: "stop" }), "HANDLER_FAILED")).data).toMatchObject({
      code: "SIGNAL_UNKNOWN",
    });
    expect((await run.ask.signal({ name: "go", data: { by: "ada" } })).state.list).toEqual(["ada"]);
    expect((await run.ask.pause()).isPaused).toBe(true);
    expect((await run.ask.resume()).isPaused).toBe(false);
    expect((await rejection(run.ask.retry(), "HANDLER_FAILED")).data).toMatchObject({ code: "RUN_PHASE" });
    expect((await run.ask.cancel({ reason: "enough" })).phase).toBe("compensating");
    gate.open();
    expect((await runWhen(run)).phase).toBe("cancelled");
    const taken = await committedState(client.actor(book, "b"), ({ lines }) => lines.length > 0);
    expect(taken.lines).toEqual(["took back p/slow/t"]);
    expect((await rejection(run.ask.signal({ name: "go", data: { by: "x" } }), "HANDLER_FAILED")).data).toMatchObject({
      code: "RUN_PHASE",
    });
  });
}

function lateSignalContract(name: string, open: OpenRuntime, where: Where): void {
  test(`${name}: a run waits while no worker is alive, and goes on with a signal that came meanwhile`, async () => {
    await using stage = await Stage.open(open);
    const patient = listWorkflow(
      "patient",
      ({ waitFor, task }) => [
        waitFor("go", { schema: z.string(), save: append }),
        task("t", () => "done", { save: append }),
      ],
      where,
    );
    const { worker, client } = await stage.both(patient.actors);
    const run = client.actor(patient.run, "r");
    await run.ask.start();
    await worker.close();
    await run.tell.signal({ name: "go", data: "now" });
    await stage.worker(patient.actors);
    expect((await runWhen(run)).result).toBe("now done");
  });

  test(`${name}: a signal told that makes no sense is a dead letter, and the run goes on`, async () => {
    await using stage = await Stage.open(open);
    const plain = listWorkflow("plain", ({ waitFor }) => waitFor("go"), where);
    const { worker, client } = await stage.both(plain.actors);
    const run = client.actor(plain.run, "r");
    await run.ask.start();
    const buried = eventOf(worker, "dead-lettered");
    await run.tell.signal({ name: "nonsense" });
    expect((await buried).message).toContain("nonsense");
    await run.ask.signal({ name: "go" });
    expect((await runWhen(run)).phase).toBe("completed");
  });
}

function crashContract(name: string, open: OpenRuntime, where: Where): void {
  test(`${name}: the worker dies in a task: the next one runs it again, and no task that had ended`, async () => {
    await using stage = await Stage.open(open);
    const gates = [new Gate(), new Gate()];
    const ran: string[] = [];
    const work = listWorkflow(
      "work",
      ({ task }) => [
        task(
          "first",
          (ctx) => {
            ran.push("first");
            ctx.actor(book, "b").tell.add("first");
          },
          {},
        ),
        task("second", async (ctx) => {
          ran.push("second");
          ctx.actor(book, "b").tell.add("second");
          await gates[ran.length - 2]?.pass();
        }),
        task("third", (ctx) => ctx.actor(book, "b").tell.add("third")),
      ],
      where,
    );
    const { worker, client } = await stage.both([...work.actors, book]);
    const run = client.actor(work.run, "r");
    await run.ask.start();
    await gates[0]?.reached;
    await worker.close();
    await stage.worker([...work.actors, book]);
    await gates[1]?.reached;
    gates[1]?.open();
    expect((await runWhen(run)).phase).toBe("completed");
    expect(ran).toEqual(["first", "second", "second"]);
    const { lines } = await committedState(client.actor(book, "b"), (state) => state.lines.length >= 3);
    expect(lines).toEqual(["first", "second", "third"]);
  });
}

function childContract(name: string, open: OpenRuntime): void {
  test(`${name}: a child gives its result to its parent, and fails or is cancelled with its failure`, async () => {
    await using stage = await Stage.open(open);
    const inner = listWorkflow("inner", ({ task, waitFor, branch, when, fail }) => [
      task("t", () => "inner", { save: append }),
      branch(
        "ends",
        when("badly", () => false, fail("no", { code: "NO" })),
      ),
      waitFor("go"),
    ]);
    const outer = listWorkflow("outer", ({ child, attempt, change }) =>
      attempt(
        "try",
        child("sub", inner, { input: () => undefined, save: (state, result) => append(state, `got ${result}`) }),
        { on: { CANCELLED: change("note", (state) => append(state, "cancelled")) } },
      ),
    );
    const { client } = await stage.both(outer.actors);
    const start = async (id: string) => {
      const run = client.actor(outer.run, id);
      await run.ask.start();
      const child = client.actor(inner.run, `outer.${id}.1.1`);
      await runWhen(child, isAt("go", "waiting"));
      return { run, child };
    };
    const good = await start("good");
    await good.child.ask.signal({ name: "go" });
    expect((await runWhen(good.run)).result).toBe("got inner");
    const stopped = await start("stopped");
    await stopped.child.ask.cancel({ reason: "a person" });
    expect((await runWhen(stopped.run)).result).toBe("cancelled");
    const given = await start("given");
    await given.run.ask.cancel();
    expect((await runWhen(given.child)).phase).toBe("cancelled");
    expect((await runWhen(given.run)).phase).toBe("cancelled");
  });
}

function hookContract(name: string, open: OpenRuntime): void {
  test(`${name}: hooks hear of each transition, and one that fails does the run no harm`, async () => {
    await using stage = await Stage.open(open);
    const heard: string[] = [];
    const phases: string[] = [];
    const hear = (what: string) => {
      heard.push(what);
      throw new Error("a hook fails");
    };
    const heardOf = listWorkflow(
      "heard",
      ({ task, attempt }) =>
        attempt(
          "a",
          task("t", (ctx) => ctx.actor(book, "none").ask.add(null as never), { retry: { attempts: 1 } }),
          { otherwise: [] },
        ),
      {
        hooks: {
          beforeTask: (_, { path, attempt }) => hear(`before ${path} ${attempt}`),
          afterTask: (_, { path, failure }) => hear(`after ${path} ${failure?.code}`),
          onFailure: (ctx, { code }, path) => {
            ctx.actor(book, "b").tell.add(`${path} ${code}`);
          },
          onTransition: (_, { path, from, to }: Transition) => hear(`${path} ${from}-${to}`),
        },
        progress: { write: (_, { phase }) => phases.push(phase) },
      },
    );
    const { client } = await stage.both([...heardOf.actors, book]);
    const run = client.actor(heardOf.run, "r");
    await run.ask.start();
    expect((await runWhen(run)).phase).toBe("completed");
    expect(heard).toEqual([
      " new-running",
      "a absent-open",
      "before a/try/t 1",
      "a/try/t absent-running",
      "after a/try/t INPUT_INVALID",
      "a/try/t running-failed",
      "a open-compensating",
      "a compensating-open",
      "a open-done",
      " running-completed",
    ]);
    expect(phases).toEqual(["running", "completed"]);
    const { lines } = await committedState(client.actor(book, "b"), (state) => state.lines.length >= 2);
    expect(lines).toEqual(["a/try/t INPUT_INVALID", "a INPUT_INVALID"]);
  });
}
