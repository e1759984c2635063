// A worker of its own process, to be killed and frozen: `node figures-worker.ts URL APP`. Prints its id when it serves.

import { createWorker, silentLogger } from "../../src/index.ts";
import { Brief, Herald, Tally } from "./figures-actors.ts";

const [, , servers = "", app = ""] = process.argv;
const worker = await createWorker({ app, servers, actors: [Tally, Herald, Brief], logger: silentLogger });
console.log(worker.id);
