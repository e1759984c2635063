// What workflows write to the central state store, and what they read of it, the same on every implementation of the ports.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineState } from "../../src/memory/state-model.ts";
import type { Troupe } from "../../src/runtime/client.ts";
import { defineWorkflow } from "../../src/workflow/define-workflow.ts";
import type { WorkflowProgress } from "../../src/workflow/progress.ts";
import { workflowProgress, workflowProgressId } from "../../src/workflow/progress.ts";
import type { Phase } from "../../src/workflow/run.ts";
import { isOver } from "../../src/workflow/run.ts";
import { within } from "./mail-support.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import { Stage } from "./runtime-support.ts";
import { append, listWorkflow, runWhen } from "./workflow-actors.ts";

const customer = defineState("customer", {
  schema: z.object({ tier: z.string() }),
  initial: "known",
  transitions: { known: { block: "blocked" }, blocked: {} },
});

interface Seen {
  readonly status: string;
  readonly data: WorkflowProgress;
  readonly cause: string | undefined;
  readonly actor: string | undefined;
}

const isEnded = ({ status }: { readonly status: string }) => isOver(status as Phase);

/** What a watcher sees of a run until it is over, or as soon as it `fits`. */
async function watched(
  troupe: Troupe,
  workflow: string,
  run: string,
  fits: (seen: Seen) => boolean = isEnded,
): Promise<readonly Seen[]> {
  const id = workflowProgressId(workflow, run);
  const stop = new AbortController();
  const seen: Seen[] = [];
  const look = async () => {
    for await (const news of (await troupe.states()).of(workflowProgress).watch({ id, signal: stop.signal })) {
      if (news.kind !== "changed") continue;
      seen.push(news.state);
      if (fits(news.state)) return seen;
    }
    throw new Error("the watch ended");
  };
  return within(`the end of ${id}`, look()).finally(() => stop.abort());
}

export function workflowProgressContract(name: string, open: OpenRuntime): void {
  test(`${name}: G1, G2, Y1: watchers of the central state store see each phase of a run, in order, and what it came to`, async () => {
    await using stage = await Stage.open(open);
    const work = listWorkflow("work", ({ task, waitFor }) => [
      task("first", () => "a", { save: append, compensate: () => undefined }),
      waitFor("go"),
      task("second", () => "b", { save: append }),
    ]);
    const { client } = await stage.both(work.actors);
    const [good, bad] = [client.actor(work.run, "r.1"), client.actor(work.run, "r/2")];
    const ends = [watched(client, "work", "r.1"), watched(client, "work", "r/2")] as const;
    await good.ask.start();
    await watched(client, "work", "r.1", ({ data }) => data.waiting.length > 0);
    await good.ask.signal({ name: "go" });
    await bad.ask.start();
    // Steps within a phase follow each other at a distance: the next would overtake it.
    await watched(client, "work", "r/2", ({ data }) => data.waiting.length > 0);
    await bad.ask.cancel({ reason: "not needed" });
    const [of1, of2] = await Promise.all(ends);
    const own = await runWhen(good);
    const last = of1.at(-1);
    expect(last?.status).toBe("completed");
    expect(last?.data).toMatchObject({
      workflow: "work",
      run: "r.1",
      result: "a b",
      done: 3,
      running: [],
      waiting: [],
    });
    expect(last?.data.number).toBe(own.changes);
    expect(of1.map(({ status }) => status)).toEqual([...Array(of1.length - 1).fill("running"), "completed"]);
    const numbers = of1.map(({ data }) => data.number);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    // The first may be shown before the first task has ended (Y2).
    expect(of1.find(({ data }) => data.waiting.length > 0)?.data).toMatchObject({
      running: [],
      waiting: ["go"],
      done: 1,
    });
    expect(of1.every(({ cause, actor }) => cause !== undefined && actor === "workflow-work.r=2E1")).toBe(true);
    expect([...new Set(of2.map(({ status }) => status))]).toEqual(["running", "compensating", "cancelled"]);
    expect(of2.find(({ data }) => data.waiting.length > 0)?.data).toMatchObject({ waiting: ["go"], done: 1 });
    expect(of2.at(-1)?.data.failure).toMatchObject({ code: "CANCELLED", message: "not needed" });
    const page = await (await client.states()).of(workflowProgress).query({ prefix: "work/" });
    expect(page.states.map(({ data }) => data.run).sort()).toEqual(["r.1", "r/2"]);
    expect((await client.list("workflow-work-task.*")).length).toBe(0);
  });

  test(`${name}: a run reads a state of the central store once for each decision, and branches on what it read`, async () => {
    await using stage = await Stage.open(open);
    const state = z.object({ who: z.string(), blocked: z.boolean().optional(), looks: z.number() });
    const order = defineWorkflow(
      "order",
      {
        state,
        input: z.string(),
        initial: (who) => ({ who, looks: 0 }),
        result: ({ blocked, looks }) => ({ blocked, looks }),
        progress: "none",
      },
      ({ read, loop, branch, when, otherwise, waitFor, fail }) => [
        loop(
          "until-known",
          { until: ({ blocked }) => blocked !== undefined },
          read("customer", customer, {
            id: ({ who }) => who,
            save: (draft, found) => {
              draft.looks += 1;
              if (found !== undefined) draft.blocked = found.status === "blocked";
            },
          }),
          branch(
            "absent",
            when("yes", ({ blocked }) => blocked === undefined, waitFor("again")),
          ),
        ),
        branch(
          "which",
          when("blocked", ({ blocked }) => blocked === true, fail("no", { code: "BLOCKED" })),
          otherwise(),
        ),
      ],
    );
    const { client } = await stage.both(order.actors);
    const customers = (await client.states("test")).of(customer);
    await customers.create("ada", { tier: "free" });
    await customers.create("bob", { tier: "free" });
    await customers.transition("bob", "block");
    const startOf = async (who: string) => {
      const run = client.actor(order.run, who);
      await run.ask.start(who);
      return run;
    };
    expect(await runWhen(await startOf("ada"))).toMatchObject({
      phase: "completed",
      result: { blocked: false, looks: 1 },
    });
    expect((await runWhen(await startOf("bob"))).failure?.code).toBe("BLOCKED");
    const late = await startOf("eve");
    await runWhen(late, ({ marks }) => Object.values(marks).some(({ is }) => is === "waiting"));
    await customers.create("eve", { tier: "free" });
    await late.ask.signal({ name: "again" });
    expect(await runWhen(late)).toMatchObject({ phase: "completed", result: { blocked: false, looks: 2 } });
    expect(await (await client.states()).of(workflowProgress).get("order/ada")).toBeUndefined();
  });
}
