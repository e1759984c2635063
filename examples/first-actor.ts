// Your first actor: `npm run troupe -- dev examples/first-actor.ts` runs it, and in another terminal:
//
//   npm run troupe -- ask counter c1 add 5      asks the actor c1, which answers when its new state is stored
//   npm run troupe -- tell counter c1 add 1     sends a message that is handled once, whoever dies meanwhile
//   npm run troupe -- get counter c1            shows its state
//   npm run troupe -- watch 'counter.*'         shows each change as it comes

import { z } from "zod";
import { defineActor, handler, query } from "../src/index.ts";

export const Counter = defineActor(
  "counter",
  { state: z.object({ count: z.number() }), initial: { count: 0 } },
  {
    add: handler(z.number().int(), (ctx, amount) => {
      ctx.state.count += amount;
      return ctx.state.count;
    }),
    total: query((ctx) => ctx.state.count),
  },
);
