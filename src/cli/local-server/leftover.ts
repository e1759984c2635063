// The server of an earlier holder of the folder, which was killed an instant ago: two servers must not share one store.

import { once } from "node:events";
import { connect } from "node:net";
import { delay, systemClock } from "../../core/clock.ts";
import { TroupeError } from "../../core/errors.ts";

export interface Leftover {
  readonly port: number;
  readonly pid: number;
  /** The name that the server was given, which no other folder's server has. */
  readonly name: string;
}

const lookEveryMs = 25;
/** Its guard ends it when its holder has died. After this it is asked to end. Unit: ms. */
const guardMsMax = 3_000;
const endMsMax = 15_000;
const helloMsMax = 1_000;

/** Resolves when no server of that name answers on that port. Rejects with STORE_FAILED when it does not go away. */
export async function waitUntilGone(leftover: Leftover): Promise<void> {
  const { port, pid, name } = leftover;
  const startedAtMs = Date.now();
  let wasAsked = false;
  while (await answersAs(name, port)) {
    const waitedMs = Date.now() - startedAtMs;
    if (waitedMs > endMsMax) {
      throw new TroupeError("STORE_FAILED", `the nats-server of an earlier run (process ${pid}) does not end; end it`);
    }
    if (waitedMs > guardMsMax && !wasAsked) {
      wasAsked = true;
      askToEnd(pid);
    }
    await delay(systemClock, lookEveryMs);
  }
}

function askToEnd(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch (thrown) {
    // It has ended since.
    if ((thrown as NodeJS.ErrnoException).code !== "ESRCH") throw thrown;
  }
}

/** A NATS server says its name first, before it is asked anything. */
async function answersAs(name: string, port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    const [hello] = await once(socket, "data", { signal: AbortSignal.timeout(helloMsMax) });
    return String(hello).includes(`"server_name":"${name}"`);
  } catch {
    // Nobody there, or somebody who speaks otherwise: not ours.
    return false;
  } finally {
    socket.destroy();
  }
}
