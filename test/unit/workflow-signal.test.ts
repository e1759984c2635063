// What signals bring to a run, when they come early, late and more than once.

import { expect, test } from "vitest";
import { z } from "zod";
import type { AnyActor } from "../../src/actors/definition.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { createTestTroupe } from "../../src/runtime/test-troupe.ts";
import { keptSignalsMax } from "../../src/workflow/run-actor.ts";
import { append, listWorkflow } from "../contract/workflow-actors.ts";

async function stage(actors: readonly AnyActor[]) {
  const clock = createSimulatedClock({ seed: 1 });
  const soon = clock.runFor.bind(clock);
  return { clock, soon, troupe: await soon(createTestTroupe({ actors, clock })) };
}

test("what `save` is given of a signal is what JSON carries of it, whether it came early or in time", async () => {
  const dated = listWorkflow("dated", ({ waitFor }) => [
    waitFor("first"),
    waitFor("at", { schema: z.object({ day: z.coerce.date() }), save: (state, { day }) => append(state, day) }),
  ]);
  const { soon, troupe } = await stage(dated.actors);
  const results = [];
  for (const order of [
    ["at", "first"],
    ["first", "at"],
  ]) {
    const run = troupe.actor(dated.run, order.join("-"));
    await soon(run.ask.start());
    for (const name of order) {
      await soon(run.ask.signal(name === "at" ? { name, data: { day: "2026-01-02" } } : { name }));
      await soon(troupe.restart({ isAbrupt: true }));
    }
    results.push((await soon(run.ask.status())).result);
  }
  expect(results).toEqual(["2026-01-02T00:00:00.000Z", "2026-01-02T00:00:00.000Z"]);
  await soon(troupe.close());
});

test("a signal that says for which wait it is counts for that one, once, and not for the next of its name", async () => {
  const approved = listWorkflow("approved", ({ loop, waitFor, task }) =>
    loop(
      "round",
      { until: ({ list }) => list.length >= 2 },
      waitFor("ok", { timeoutMs: 60_000, late: task("remind", () => "late", { save: append }) }),
      task("pay", () => "paid", { save: append }),
    ),
  );
  const { clock, soon, troupe } = await stage(approved.actors);
  const run = troupe.actor(approved.run, "r");
  const refusalOf = (at: string) =>
    soon(run.ask.signal({ name: "ok", at }).then(String, ({ data, message }) => `${data.code} ${message}`));
  await soon(run.ask.start());
  expect(await refusalOf("round[1]/ok"), "too early").toContain("RUN_PHASE");
  expect((await soon(run.ask.signal({ name: "ok", at: "round[0]/ok" }))).state.list).toEqual([]);
  await clock.advance(1_000);
  expect(await refusalOf("round[0]/ok"), "a second time").toContain("nothing waits for the signal ok at round[0]/ok");
  expect((await soon(run.get()))?.state).toMatchObject({
    state: { list: ["paid"] },
    marks: { "round[1]/ok": { is: "waiting" } },
  });
  await clock.advance(61_000);
  expect(await refusalOf("round[1]/ok"), "too late").toContain("RUN_PHASE");
  expect((await soon(run.get()))?.state).toMatchObject({ phase: "completed", result: "paid late paid" });
  await soon(troupe.close());
});

test("so many signals are kept that nothing waits for, and no more: SIGNALS_FULL", async () => {
  const busy = listWorkflow("busy", ({ waitFor, loop }) => [
    waitFor("first"),
    loop(
      "all",
      { until: ({ list }) => list.length >= keptSignalsMax },
      waitFor("go", { schema: z.string(), save: append }),
    ),
  ]);
  const { soon, troupe } = await stage(busy.actors);
  const run = troupe.actor(busy.run, "r");
  await soon(run.ask.start());
  for (let at = 0; at < keptSignalsMax; at += 1) await soon(run.ask.signal({ name: "go", data: `${at}` }));
  const refused = await soon(run.ask.signal({ name: "go", data: "more" }).catch((thrown) => thrown));
  expect(refused.data).toMatchObject({ code: "SIGNALS_FULL" });
  // What something waits for is taken all the same.
  const { phase, result } = await soon(run.ask.signal({ name: "first" }));
  expect([phase, result]).toEqual(["completed", [...Array(keptSignalsMax).keys()].join(" ")]);
  await soon(troupe.close());
});
