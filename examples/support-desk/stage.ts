// What the example runs on: a server that is there, a private one, or memory; a worker with the agents; a client.

import { connect, createLogger, createWorker } from "../../src/index.ts";
import { memoryPorts } from "../../src/testing.ts";
import { agents, Intake, Supervisor, theOne } from "./agents.ts";
import type { Message } from "./message.ts";
import type { Options } from "./options.ts";
import { openPrivateServer } from "./private-server.ts";
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
  /** The supervisor's state each time that it has changed, until `signal` aborts. */
  floors(signal: AbortSignal): AsyncIterable<Floor>;
}

const appDefault = "troupe";

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
  // Only what needs attention, so that it stands out in the live view.
  const worker = await createWorker({ ...place, actors: agents, logger: createLogger({ level: "warn" }) });
  closers.push(() => worker.drain());
  const troupe = await connect(place);
  closers.push(() => troupe.close());
  const supervisor = troupe.actor(Supervisor, theOne);
  const intake = troupe.actor(Intake, theOne);
  return {
    app,
    server: server?.url ?? null,
    endsServer: server?.endsWithRun === true,
    send: (handedOn) => intake.tell.message(handedOn),
    floor: async () => (await supervisor.get())?.state ?? emptyFloor(),
    floors: async function* (signal) {
      for await (const change of supervisor.watch({ signal })) if (change.kind === "committed") yield change.state;
    },
    [Symbol.asyncDispose]: () => closeAll(closers),
  };
}

interface Server {
  readonly url: string;
  readonly endsWithRun: boolean;
}

async function openServer(options: Options, closers: Closer[], tell: (line: string) => void): Promise<Server | null> {
  if (options.memory) return null;
  if (options.serverUrl !== undefined) return { url: options.serverUrl, endsWithRun: false };
  const { url, isShared, stop } = await openPrivateServer(options.dataDir, tell);
  closers.push(stop);
  return { url, endsWithRun: !isShared };
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
