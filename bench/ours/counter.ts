// The actor that the bench loads: the same counter that `raw` and `limit` write by hand.

import { z } from "zod";
import { defineActor, handler, query } from "../../src/index.ts";

/** Turns that this process has run, so that the bench need not ask while it measures. */
export const turns = { count: 0, goal: Number.POSITIVE_INFINITY, onGoal: () => {} };

export const Counter = defineActor(
  "counter",
  { state: z.object({ count: z.number() }), initial: { count: 0 } },
  {
    add: handler(z.number().int(), (ctx, n) => {
      turns.count += 1;
      if (turns.count === turns.goal) turns.onGoal();
      ctx.state.count += n;
      return ctx.state.count;
    }),
    /** Adds 1, and answers with the process that it lives in. */
    touch: handler((ctx) => {
      ctx.state.count += 1;
      return process.pid;
    }),
    total: query((ctx) => ctx.state.count),
  },
);
