// Actors for figures to be told of: they count, fail, are slow, send, set timers, and are soon gone from memory.

import { z } from "zod";
import { defineActor, handler, query } from "../../src/index.ts";

export const Brief = defineActor(
  "brief",
  { state: z.object({ seen: z.number() }), initial: { seen: 0 }, idleMsMax: 1 },
  {
    see: handler((ctx) => {
      ctx.state.seen += 1;
    }),
  },
);

export const Tally = defineActor(
  "tally",
  { state: z.object({ count: z.number(), rung: z.number() }), initial: { count: 0, rung: 0 } },
  {
    add: handler(z.number(), (ctx, by) => {
      ctx.state.count += by;
      return ctx.state.count;
    }),
    note: handler(z.string(), (ctx, text) => {
      ctx.state.count += text.length;
    }),
    /** Until its asker has had enough. Its witness sees when it runs. */
    hang: handler(async (ctx) => {
      await ctx.actor(Brief, "witness").ask.see();
      ctx.signal.throwIfAborted();
      await new Promise((_, reject) => ctx.signal.addEventListener("abort", reject));
    }),
    ringIn: handler(z.number(), (ctx, afterMs) => {
      ctx.tellLater("ring", { afterMs });
    }),
    ring: handler((ctx) => {
      ctx.state.rung += 1;
    }),
    total: query((ctx) => ctx.state.count),
  },
);

export const longNote = "x".repeat(2_000);

/** Tells tallies something long. */
export const Herald = defineActor(
  "herald",
  { state: z.object({ told: z.number() }), initial: { told: 0 } },
  {
    tell: handler(z.array(z.string()), (ctx, ids) => {
      for (const id of ids) ctx.actor(Tally, id).tell.note(longNote);
      ctx.state.told += ids.length;
    }),
  },
);
