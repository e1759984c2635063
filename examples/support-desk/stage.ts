// What the example runs on: a server that is there, a private one, or memory; a worker with the agents; a client.

import type { TroupeOptions, Worker } from "../../src/index.ts";
import { connect, createLogger, createWorker, isTroupeError } from "../../src/index.ts";
import { memoryPorts } from "../../src/testing.ts";
import { agents, Customer, Intake, Supervisor, theOne } from "./agents.ts";
import type { Message } from "./message.ts";
import type { Options } from "./options.ts";
import { openPrivateServer } from "./private-server.ts";
import { printable, reasonOf } from "./text.ts";
import type { Floor } from "./totals.ts";
import { emptyFloor } from "./totals.ts";

export interface HandedOn {
  readonly run: string;
  readonly number: number;
  readonly message: Message;
}

export interface Stage extends AsyncDisposable {
  readonly app: string;
  /** null: no server, everything in memory. */
  readonly server: string | null;
  /** True: the server is this run's own and ends with it. */
  readonly endsServer: boolean;
  /** Resolves when the message is stored. */
  send(handedOn: HandedOn): Promise<unknown>;
  /** The supervisor's state as it stands now. */
  floor(): Promise<Floor>;
  /** The trace of what a customer's agent has committed last; undefined when that was not traced. */
  traceOf(customer: string): Promise<string | undefined>;
  /** The supervisor's state each time that it has changed, until `signal` aborts. */
  floors(signal: AbortSignal): AsyncIterable<Floor>;
}

const appDefault = "troupe";
/** How long it may take until somebody serves the desk. A worker that was killed is replaced sooner. Unit: ms. */
const servedMsMax = 30_000;

/** Opens everything, in the order in which it is closed the other way round. `tell` gets lines about progress. */
export async function openStage(options: Options, tell: (line: string) => void): Promise<Stage> {
  const app = options.app ?? (options.fresh && !options.memory ? freshApp(new Date()) : appDefault);
  const closers: Closer[] = [];
  try {
    return await fillStage(app, options, closers, tell);
  } catch (thrown) {
    await closeAll(closers);
    throw thrown;
  }
}

type Closer = () => Promise<unknown>;

async function fillStage(
  app: string,
  options: Options,
  closers: Closer[],
  tell: (line: string) => void,
): Promise<Stage> {
  const server = await openServer(options, closers, tell);
  const place = { app, ...(server === null ? { ports: memoryPorts() } : { servers: server.url }) };
  const troupe = await connect(place);
  closers.push(() => troupe.close());
  const working = startWorker(place, closers);
  const supervisor = troupe.actor(Supervisor, theOne);
  const intake = troupe.actor(Intake, theOne);
  // When another process serves this desk too, the two share its agents.
  await Promise.race([working, supervisor.ask.summary(undefined, { timeoutMs: servedMsMax })]);
  // From here on nobody waits for the worker.
  working.catch((thrown: unknown) => {
    if (!isTroupeError(thrown) || thrown.code !== "CLOSED") tell(`no worker here: ${printable(reasonOf(thrown))}`);
  });
  return {
    app,
    server: server?.url ?? null,
    get endsServer() {
      return server?.isShared === false;
    },
    send: (handedOn) => intake.tell.message(handedOn),
    floor: async () => (await supervisor.get())?.state ?? emptyFloor(),
    traceOf: async (customer) => (await troupe.actor(Customer, customer).get())?.traceId,
    floors: async function* (signal) {
      for await (const change of supervisor.watch({ signal })) if (change.kind === "committed") yield change.state;
    },
    [Symbol.asyncDispose]: () => closeAll(closers),
  };
}

/** Resolves when the worker serves. */
function startWorker(place: TroupeOptions, closers: Closer[]): Promise<Worker> {
  const standby = new AbortController();
  // Only what needs attention, so that it stands out in the live view.
  const logger = createLogger({ level: "warn" });
  const working = createWorker({ ...place, actors: agents, logger, signal: standby.signal });
  const worker = working.catch(() => undefined);
  closers.push(async () => {
    standby.abort();
    await (await worker)?.drain();
  });
  return working;
}

interface Server {
  readonly url: string;
  /** False: this run's own, which ends with it. */
  readonly isShared: boolean;
}

async function openServer(options: Options, closers: Closer[], tell: (line: string) => void): Promise<Server | null> {
  if (options.memory) return null;
  if (options.serverUrl !== undefined) return { url: options.serverUrl, isShared: true };
  const server = await openPrivateServer(options.dataDir, tell);
  closers.push(() => server.stop());
  return server;
}

/** The last opened first; all of them, whatever one of them throws. */
async function closeAll(closers: Closer[]): Promise<void> {
  const failures: unknown[] = [];
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
    await close().catch((thrown: unknown) => failures.push(thrown));
  }
  if (failures.length > 0) throw failures[0];
}

/** `desk-20260302-080415`: unlike any that was used before on this server. */
function freshApp(now: Date): string {
  return `desk-${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-")}`;
}
