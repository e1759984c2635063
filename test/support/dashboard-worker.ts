// A worker of its own process, to be killed and frozen: `node dashboard-worker.ts URL NAME`. Prints its id when it serves.

import { createWorker, silentLogger } from "../../src/index.ts";
import { Counter, Fragile } from "./dashboard-actors.ts";

const [, , servers = "", name = ""] = process.argv;
const app = "desk";
const worker = await createWorker({ app, servers, name, actors: [Counter, Fragile], logger: silentLogger });
// Before the line: whoever has read it may send the signal.
process.once("SIGTERM", () => {
  void worker.drain().then(() => process.exit(0));
});
console.log(worker.id);
