// A port of the loopback interface that nobody listens on.

import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { TroupeError } from "../../core/errors.ts";

// Below 32,768, where Linux begins to take the local ports of outgoing connections from: nobody else is given this
// port while the server is away for a moment, and no client that tries to reconnect can meet itself there.
const lowest = 12_000;
const highest = 32_000;
const triesMax = 200;

/** Free now, `preferred` if that is; another process may take it first, so whoever uses it tries again with another. */
export async function pickFreePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred))) return preferred;
  for (let tries = 0; tries < triesMax; tries += 1) {
    const port = randomInt(lowest, highest);
    if (await isFree(port)) return port;
  }
  throw new TroupeError("SERVER_UNREACHABLE", `no free port between ${lowest} and ${highest} in ${triesMax} tries`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
