// Logs two lines as a worker would, and then ends in the way that it is told.

import { createLogger } from "../../src/core/log.ts";

const log = createLogger();
log.info({ actor: "counter/c1", message: "m-1", trace: "abc" }, "first");
log.child({ actor: "counter/c2" }).warn({ reason: "no" }, "second");
switch (process.argv[2]) {
  case "exit":
    process.exit(3);
    break;
  case "throw":
    throw new Error("boom");
  case "on-stdin": // Somebody takes its standard error away first.
    process.stdin.once("data", () => {
      log.info({}, "third");
      process.stdin.destroy();
      console.log(JSON.stringify("still here"));
    });
}
