// A worker of its own process, to be killed: `node talker-worker.ts URL`. Prints a line when it serves.

import { createWorker, silentLogger } from "../../src/index.ts";
import { talkerWith } from "./agent-crowd.ts";

const [, , servers = ""] = process.argv;
await createWorker({ servers, actors: [talkerWith()], logger: silentLogger });
console.log("serving");
