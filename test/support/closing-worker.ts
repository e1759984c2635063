// A worker in memory that is closed while runs are under way: `node closing-worker.ts`. Prints `"closed"`, and at the end of the process,
// which has to come by itself, how many tasks were begun after that: `{"late":0}`.

import { z } from "zod";
import { defineWorkflow } from "../../src/index.ts";
import { createTestTroupe } from "../../src/testing.ts";

let isClosed = false;
let late = 0;
let begun = 0;
const one = () => {
  begun += 1;
  if (isClosed) late += 1;
  return 1;
};
const five = defineWorkflow("five", { state: z.object({}), initial: () => ({}) }, ({ task }) =>
  ["a", "b", "c", "d", "e"].map((name) => task(name, one)),
);
const troupe = await createTestTroupe({ actors: five.actors });
let started = 0;

async function keepStarting(): Promise<void> {
  try {
    for (;;) await troupe.worker.actor(five.run, `r${started++}`).ask.start();
  } catch {
    // The worker is closed.
  }
}

const lanes = Array.from({ length: 32 }, keepStarting);
while (begun < 500) await new Promise(setImmediate);
await troupe.worker.close();
isClosed = true;
console.log(JSON.stringify("closed"));
await Promise.all(lanes);
await troupe.close();
process.on("exit", () => console.log(JSON.stringify({ late })));
