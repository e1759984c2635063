// Tasks that a run's own worker carries out, the same on every implementation of the ports.

import { expect, test } from "vitest";
import { defineActor, handler } from "../../src/actors/definition.ts";
import type { Schema } from "../../src/core/schema.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import { committedState, eventOf, eventsOf, Gate, Stage, untilCount } from "./runtime-support.ts";
import { append, book, isAt, listWorkflow, runWhen } from "./workflow-actors.ts";

export function ownTaskContract(name: string, open: OpenRuntime): void {
  test(`${name}: E4, K2: the worker dies between two steps of a task: the next one runs the task again, and the second step alone`, async () => {
    await using stage = await Stage.open(open);
    const gate = new Gate();
    const steps: string[] = [];
    let runs = 0;
    const stepping = listWorkflow("stepping", ({ task }) =>
      task(
        "t",
        async (ctx) => {
          const step = (step: string) => ctx.step(step, () => `${step}${steps.push(step)}`);
          runs += 1;
          const first = await step("a");
          if (runs === 1) await gate.pass();
          return `${first} ${await step("b")}`;
        },
        { save: append },
      ),
    );
    const { worker, client } = await stage.both(stepping.actors);
    const run = client.actor(stepping.run, "r");
    await run.ask.start();
    await gate.reached;
    await worker.close();
    await stage.worker(stepping.actors);
    expect((await runWhen(run)).result).toBe("a1 b2");
    expect(steps).toEqual(["a", "b"]);
    expect(await client.list("workflow-stepping-task.*")).toEqual([]);
  });

  test(`${name}: each attempt of a task is told of, with its place in the definition and how it ended`, async () => {
    await using stage = await Stage.open(open);
    const looped = listWorkflow("looped", ({ loop, task }) =>
      loop(
        "again",
        { until: ({ list }) => list.length === 2 },
        task(
          "t",
          ({ index, attempt }) => {
            if (index === 1 && attempt === 1) throw Object.assign(new Error("not yet"), { code: "BUSY" });
            return "x";
          },
          { save: append, retry: { backoffMs: 1 } },
        ),
      ),
    );
    const { worker, client } = await stage.both(looped.actors);
    const told = eventsOf(worker, "task-ended");
    const run = client.actor(looped.run, "r");
    await run.ask.start();
    await runWhen(run);
    await untilCount(told, 3, worker);
    const about = { workflow: "looped", task: "again[]/t", run: "r" };
    expect(told).toMatchObject([about, { ...about, code: "BUSY" }, about]);
    expect(told.map(({ code }) => code)).toEqual([undefined, "BUSY", undefined]);
  });

  test(`${name}: each wait that has ended is told of, with what for and how long`, async () => {
    await using stage = await Stage.open(open);
    const patient = listWorkflow("patient", ({ sleep, waitFor }) => [
      sleep("nap", 30),
      waitFor("go"),
      waitFor("never", { timeoutMs: 20, late: [] }),
    ]);
    const { worker, client } = await stage.both(patient.actors);
    const told = eventsOf(worker, "waiting-ended");
    const run = client.actor(patient.run, "r");
    await run.ask.start();
    await runWhen(run, isAt("go", "waiting"));
    await run.ask.signal({ name: "go" });
    await runWhen(run);
    await untilCount(told, 3, worker);
    const about = { workflow: "patient", run: "r" };
    expect(told).toMatchObject([
      { ...about, for: "sleep" },
      { ...about, for: "signal" },
      { ...about, for: "signal" },
    ]);
    expect(told[0]?.durationMs).toBeGreaterThanOrEqual(30);
    expect(told[2]?.durationMs).toBeGreaterThanOrEqual(20);
  });

  test(`${name}: T3: tasks of one run are carried out side by side, and may ask and signal their own run`, async () => {
    await using stage = await Stage.open(open);
    const both = [new Gate(), new Gate()];
    const talking = listWorkflow("talking", ({ task, parallel, waitFor }) =>
      parallel("p", {
        a: task("t", () => both[0]?.pass()),
        b: task("t", async (ctx) => {
          await both[1]?.pass();
          const own = ctx.actor(talking.run as never, ctx.run) as unknown as {
            ask: { signal(signal: { name: string }): Promise<{ phase: string }>; status(): Promise<{ phase: string }> };
          };
          await own.ask.signal({ name: "go" });
          return (await own.ask.status()).phase;
        }),
        c: waitFor("go"),
      }),
    );
    const { client } = await stage.both(talking.actors);
    const run = client.actor(talking.run, "r");
    await run.ask.start();
    await Promise.all(both.map((gate) => gate.reached));
    for (const gate of both) gate.open();
    expect((await runWhen(run)).phase).toBe("completed");
  });

  test(`${name}: a run that is stopped in a task, and started again on another worker, carries the task out again`, async () => {
    await using stage = await Stage.open(open);
    const gates = [new Gate(), new Gate()];
    let begun = 0;
    const long = listWorkflow("long", ({ task }) =>
      task("t", async (ctx) => {
        begun += 1;
        ctx.actor(book, "b").tell.add(`run ${begun}`);
        await gates[begun - 1]?.pass();
      }),
    );
    const stopper = defineActor(
      "stopper",
      { state: anything, initial: {} },
      { stop: handler(anything as Schema<unknown, string>, (ctx, id) => ctx.stop(long.run, id)) },
    );
    const actors = [...long.actors, book, stopper];
    const { worker, client } = await stage.both(actors);
    const run = client.actor(long.run, "r");
    await run.ask.start();
    await gates[0]?.reached;
    const stopped = eventOf(worker, "actor-stopped");
    await client.actor(stopper, "s").ask.stop("r");
    await stopped;
    gates[0]?.open();
    await worker.close();
    await stage.worker(actors);
    expect(await run.resume()).toBe("resumed");
    await gates[1]?.reached;
    gates[1]?.open();
    expect((await runWhen(run)).phase).toBe("completed");
    const { lines } = await committedState(client.actor(book, "b"), (state) => state.lines.length > 0);
    expect(lines).toEqual(["run 2"]);
  });

  test(`${name}: a run whose task is under way is not passivated, one that waits for a signal is`, async () => {
    await using stage = await Stage.open(open);
    const gate = new Gate();
    const still = listWorkflow("still", ({ task, waitFor }) => [task("t", () => gate.pass()), waitFor("go")]);
    const worker = await stage.worker(still.actors, undefined, { activationsMax: 1 });
    const client = await stage.client();
    const busy = client.actor(still.run, "busy");
    await busy.ask.start();
    await gate.reached;
    const other = client.actor(still.run, "other");
    await other.ask.start();
    const passivated = eventOf(worker, "passivated");
    gate.open();
    await runWhen(other, isAt("go", "waiting"));
    await runWhen(busy, isAt("go", "waiting"));
    await passivated;
    for (const run of [busy, other]) expect((await run.ask.signal({ name: "go" })).phase).toBe("completed");
  });
}

const anything: Schema = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } };
