// Who lives on the test ground: the support desk, incidents, and what makes figures that one can count.

import { once } from "node:events";
import { z } from "zod";
import { Notes, Service, triage } from "../../../examples/incident-triage/triage.ts";
import { agents } from "../../../examples/support-desk/agents.ts";
import { defineActor, defineState, handler, query } from "../../../src/index.ts";
import { Diary } from "../../support/dashboard-actors.ts";
import { passGate } from "./gate.ts";

export const Tally = defineActor(
  "tally",
  { state: z.object({ count: z.number(), last: z.string() }), initial: { count: 0, last: "" }, retry: { attempts: 1 } },
  {
    add: handler(z.object({ by: z.number().int(), note: z.string() }), (ctx, { by, note }) => {
      ctx.state.count += by;
      ctx.state.last = note;
      return ctx.state.count;
    }),
    /** Never succeeds: what is told so becomes a dead letter. */
    fail: handler(z.string(), (_ctx, why) => {
      throw new RangeError(why);
    }),
    /** Fails until the count has come so far: what is sent again after that succeeds. */
    expect: handler(z.number().int(), (ctx, count) => {
      if (ctx.state.count < count) throw new RangeError(`only ${ctx.state.count} of ${count}`);
    }),
    /** Takes so many ms, and changes nothing. */
    work: handler(z.number().int(), async (_ctx, ms) => void (await once(AbortSignal.timeout(ms), "abort"))),
    /** Ends when the gate at that port lets it go (gate.ts), and is given up on then: until then what comes after it waits. */
    hold: handler(z.number().int(), async (ctx, port) => {
      await passGate(port, ctx.signal);
      throw new RangeError("it was held up");
    }),
    remind: handler((ctx) => {
      ctx.tellLater("add", { name: "soon", afterMs: 3_600_000, input: { by: 1, note: "reminded" } });
      ctx.cron("add", {
        name: "nightly",
        cron: "30 2 * * *",
        timeZone: "Europe/Berlin",
        input: { by: 1, note: "night" },
      });
    }),
    total: query((ctx) => ctx.state.count),
  },
);

/** A state that many want at once. */
export const Prize = defineState("prize", {
  schema: z.object({ claims: z.number() }),
  initial: "open",
  transitions: { open: {} },
});
export const thePrize = "the-only-one";

/** Who wants it: each claim is a compare-and-set, and of two at once one has to begin again. */
export const Rival = defineActor(
  "rival",
  { state: z.object({ claimed: z.number() }), initial: { claimed: 0 } },
  {
    claim: handler(z.number().int(), async (ctx, times) => {
      const prizes = (await ctx.states()).of(Prize);
      for (let nth = 0; nth < times; nth += 1) {
        await prizes.update(thePrize, ({ claims }) => ({ claims: claims + 1 }));
      }
      ctx.state.claimed += times;
    }),
  },
);

export default [...agents, Notes, Service, triage, Tally, Rival, Diary];
