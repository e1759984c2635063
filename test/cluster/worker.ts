// A worker in a process of its own: `node worker.ts SETTINGS`, as JSON. Prints a line when it serves; drains on SIGTERM.

import { once } from "node:events";
import { stopOnSignals } from "../../src/cli/stop.ts";
import { createLogger, createWorker, isTroupeError } from "../../src/index.ts";
import { natsPorts } from "../../src/runtime/nats-ports.ts";
import type { OpenPorts } from "../../src/runtime/ports.ts";
import { actors } from "./actors.ts";
import type { Sabotage } from "./sabotage.ts";
import { sabotaged } from "./sabotage.ts";

export interface WorkerSettings {
  readonly name: string;
  readonly servers: readonly string[];
  readonly replicas: number;
  readonly sabotage: Sabotage | undefined;
}

/** What a worker prints. */
export type WorkerLine = { readonly kind: "serving"; readonly worker: string };

/** Exit code of a worker that could not start since its server was away: whoever runs it starts it again. */
export const tryAgainCode = 75;

async function main({ name, servers, replicas, sabotage }: WorkerSettings): Promise<number> {
  const stop = stopOnSignals();
  const nats = { name, ignoreClusterUpdates: true };
  const open = natsPorts({ nats: { ...nats, servers: [...servers] }, replicas });
  const broken: OpenPorts | undefined =
    sabotage === undefined ? undefined : async (request) => sabotaged(await open(request), sabotage);
  try {
    const worker = await createWorker({
      ...{ servers, replicas, nats, actors, signal: stop, logger: createLogger({ level: "info" }) },
      ...(broken === undefined ? {} : { ports: broken }),
    });
    print({ kind: "serving", worker: worker.id });
    if (!stop.aborted) await once(stop, "abort");
    await worker.drain();
    return 0;
  } catch (thrown) {
    if (isTroupeError(thrown) && thrown.code === "CLOSED" && stop.aborted) return 0;
    if (!isTroupeError(thrown) || thrown.retry === "never") throw thrown;
    console.error(thrown);
    return tryAgainCode;
  }
}

function print(line: WorkerLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

if (import.meta.main) process.exitCode = await main(JSON.parse(process.argv[2] ?? "") as WorkerSettings);
