// A worker of its own process, to be killed: `node tally-worker.ts URL`. Prints a line when it serves.

import { z } from "zod";
import { createWorker, defineActor, handler, query, silentLogger } from "../../src/index.ts";

const Tally = defineActor(
  "tally",
  { state: z.object({ seen: z.array(z.number()), text: z.string() }), initial: { seen: [], text: "" } },
  {
    see: handler(z.number(), (ctx, n) => {
      ctx.state.seen.push(n);
    }),
    all: query((ctx) => [...ctx.state.seen]),
  },
);

const [, , servers = ""] = process.argv;
await createWorker({ servers, actors: [Tally], logger: silentLogger });
console.log("serving");
