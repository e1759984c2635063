// What a turn can do with its time, and with what it has told already.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler } from "../../src/actors/definition.ts";
import { TurnHarness } from "./turn-harness.ts";

const patient = defineActor(
  "patient",
  { state: z.object({ at: z.number() }), initial: { at: 0 } },
  {
    note: handler(z.number(), (ctx, at) => {
      ctx.state.at = at;
    }),
    delayed: handler(z.number(), async (ctx, ms) => {
      const before = ctx.now();
      await ctx.delay(ms);
      return ctx.now() - before;
    }),
    withdrawn: handler(async (ctx) => {
      const stop = new AbortController();
      const late = ctx.delay(1_000_000, stop.signal);
      stop.abort();
      await late;
      return "at once";
    }),
    takeBack: handler((ctx) => {
      ctx.actor(patient, "b").tell.note(1);
      ctx.tellLater("note", { afterMs: 5, input: 1 });
      ctx.takeBack();
      ctx.actor(patient, "c").tell.note(2);
    }),
  },
);

test("a turn that is delayed goes on when that much time has passed, or when its signal says so", async () => {
  const harness = new TurnHarness(patient);
  const ended = await harness.clock.runFor(Promise.resolve(harness.run("delayed", 250)));
  expect(ended).toMatchObject({ kind: "done", resultText: "250" });
  const withdrawn = await harness.clock.runFor(Promise.resolve(harness.run("withdrawn")));
  expect(withdrawn).toMatchObject({ kind: "done", resultText: '"at once"' });
});

test("what was told and timed before `takeBack` is not sent; what comes after it is", async () => {
  const outcome = await new TurnHarness(patient).run("takeBack");
  if (outcome.kind !== "done") throw outcome.error;
  expect(outcome.sendings).toMatchObject([{ to: "patient.c", method: "note", inputText: "2" }]);
});
