// Runs are pinned to the definition that they began with.

import { expect, test } from "vitest";
import { eventOf, type OpenRuntime, rejection, Stage } from "./runtime-support.ts";
import { append, isAt, listWorkflow, runWhen } from "./workflow-actors.ts";

export function workflowVersionContract(name: string, open: OpenRuntime): void {
  const first = listWorkflow("pinned", ({ waitFor, task }) => [
    waitFor("go"),
    task("t", () => "one", { save: append }),
  ]);

  test(`${name}: V1: other code under the same version does not touch a run; its mail waits until that code is back`, async () => {
    await using stage = await Stage.open(open);
    const other = listWorkflow("pinned", ({ waitFor, task }) => [waitFor("go"), task("other", () => "x")]);
    const { worker, client } = await stage.both(first.actors);
    const run = client.actor(first.run, "r");
    await run.ask.start();
    await worker.close();
    const second = await stage.worker(other.actors);
    expect((await rejection(run.ask.signal({ name: "go" }), "HANDLER_FAILED")).data).toMatchObject({
      code: "WORKFLOW_CHANGED",
    });
    expect((await run.ask.status()).phase).toBe("running");
    const retried = eventOf(second, "turn-retried");
    await run.tell.signal({ name: "go" });
    expect((await retried).message).toContain("began with version 1");
    await second.close();
    await stage.worker(first.actors);
    expect((await runWhen(run)).result).toBe("one");
  });

  test(`${name}: V2: a newer version with a migration takes a run over, where its nodes are still there`, async () => {
    await using stage = await Stage.open(open);
    const migrations = { 1: ({ list }: { list: string[] }) => ({ list: [...list, "migrated"] }) };
    const second = listWorkflow(
      "pinned",
      ({ waitFor, task }) => [
        waitFor("go"),
        task("t", () => "two", { save: append }),
        task("u", () => "more", { save: append }),
      ],
      { version: 2, migrations },
    );
    const third = listWorkflow("pinned", ({ waitFor, task }) => [waitFor("gone"), task("t", () => "three")], {
      version: 3,
      migrations: { ...migrations, 2: migrations[1] },
    });
    const { worker, client } = await stage.both(first.actors);
    const run = client.actor(first.run, "r");
    await run.ask.start();
    await runWhen(run, isAt("go", "waiting"));
    await worker.close();
    const lost = await stage.worker(third.actors);
    expect((await rejection(run.ask.signal({ name: "gone" }), "HANDLER_FAILED")).message).toContain("is at go");
    await lost.close();
    await stage.worker(second.actors);
    await run.ask.signal({ name: "go" });
    const { result, version } = await runWhen(run);
    expect({ result, version }).toEqual({ result: "migrated two more", version: 2 });
  });
}
