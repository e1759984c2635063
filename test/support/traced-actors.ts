// The actors of the tracing tests.

import { trace } from "@opentelemetry/api";
import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";

export const supervisor = defineActor(
  "supervisor",
  { state: z.object({ notes: z.array(z.string()) }), initial: { notes: [] } },
  {
    note: handler(z.string(), (ctx, text) => {
      ctx.state.notes.push(text);
    }),
    notes: query((ctx) => ctx.state.notes),
  },
);

export const counter = defineActor(
  "counter",
  {
    state: z.object({ count: z.number() }),
    initial: { count: 0 },
    retry: { attempts: 2, backoffMs: 1, backoffMsMax: 2 },
  },
  {
    add: handler(z.number().int(), (ctx, n) => {
      ctx.log.info({ n }, "adding");
      ctx.state.count += n;
      ctx.actor(supervisor, "s1").tell.note(`${ctx.self.id} +${n}`);
      return ctx.state.count;
    }),
    bump: handler((ctx) => {
      ctx.state.count += 1;
    }),
    wind: handler((ctx) => {
      ctx.tellLater("bump", { name: "once", afterMs: 0 });
      ctx.every("bump", { name: "again", everyMs: 1_000 });
    }),
    fail: handler((): number => {
      throw new RangeError("not today");
    }),
    total: query((ctx) => ctx.state.count),
  },
);

/** Thinks in a span of its own, and asks and tells others from inside of it. */
export const thinker = defineActor(
  "thinker",
  { state: z.object({ thoughts: z.number() }), initial: { thoughts: 0 } },
  {
    think: handler(z.string(), async (ctx, id) => {
      const before = await ctx.actor(counter, id).ask.total();
      const thinking = trace.getTracer("test").startActiveSpan("thinking", async (span) => {
        const total = await ctx.actor(counter, id).ask.total();
        ctx.actor(supervisor, "s1").tell.note(`${id} has ${total}`);
        span.end();
        return total;
      });
      ctx.state.thoughts += 1;
      return before + (await thinking);
    }),
  },
);
