// The server of an earlier holder of the folder, which was killed an instant ago: two servers must not share one store.
//
//   L1. Who cannot be heard is not gone: it may be frozen, or this process stood still while it spoke. It is asked again for as
//       long as a guard takes, and several times. Then it is some other program that took the port and waits to be spoken to.
//   L2. One that was heard is gone with its process: a server that ends takes no clients any more while it still writes.

import { once } from "node:events";
import { connect } from "node:net";
import { delay, systemClock } from "../../core/clock.ts";
import { TroupeError } from "../../core/errors.ts";
import { isRunning } from "./process-running.ts";

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
/** A process that stood still hears of the end of its wait before what was said meanwhile. */
const silencesMin = 3;

/** Resolves when no server of that name answers on that port. Rejects with STORE_FAILED when it does not go away. */
export async function waitUntilGone({ port, pid, name }: Leftover): Promise<void> {
  const startedAtMs = systemClock.monotonicMs();
  let silences = 0;
  let wasHeard = false;
  let wasAsked = false;
  for (;;) {
    const who = await whoAnswers(name, port);
    const waitedMs = systemClock.monotonicMs() - startedAtMs;
    silences = who === "silence" ? silences + 1 : 0;
    wasHeard ||= who === "it";
    const isSilent = silences >= silencesMin && waitedMs > guardMsMax; // L1
    if (who !== "it" && (wasHeard ? !isRunning(pid) : who === "nobody" || isSilent)) return; // L2
    if (waitedMs > endMsMax) {
      throw new TroupeError("STORE_FAILED", `the nats-server of an earlier run (process ${pid}) does not end; end it`);
    }
    if (who === "it" && waitedMs > guardMsMax && !wasAsked) {
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

/** A NATS server says its name first, before it is asked anything. "nobody": no server of that name is there. */
async function whoAnswers(name: string, port: number): Promise<"it" | "nobody" | "silence"> {
  const socket = connect(port, "127.0.0.1");
  try {
    const [hello] = await once(socket, "data", { signal: AbortSignal.timeout(helloMsMax) });
    return String(hello).includes(`"server_name":"${name}"`) ? "it" : "nobody";
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === "ECONNREFUSED" ? "nobody" : "silence";
  } finally {
    socket.destroy();
  }
}
