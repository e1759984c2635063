// What the page is looked at on: a real nats-server, real worker processes, the real dashboard, each a process of its own.
//
//   await using ground = await openGround({ workers: 2 });
//   ground.link                    where the page is, with the token in the fragment
//   ground.workers[0]?.kill9()     as if its machine had lost power
//   ground.server.restart()        NATS away and back
//   ground.troupe                  a client: for what the test does, and to ask for the truth

import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { pickFreePort } from "../../../src/cli/local-server/free-port.ts";
import type { Troupe } from "../../../src/index.ts";
import { connect } from "../../../src/index.ts";
import type { Running } from "../../support/cli.ts";
import { startCli, startProgram } from "../../support/cli.ts";
import type { TestServer } from "../../support/nats-server.ts";
import { startTestServer } from "../../support/nats-server.ts";
import { waitUntilStopped } from "../../support/stopped-process.ts";
import { tempFolder } from "../../support/temp-folder.ts";

export interface GroundOptions {
  /** Worker processes, named w1, w2, … Default 2. */
  readonly workers?: number;
  /** Further words of `troupe worker`. */
  readonly worker?: readonly string[];
  /** Further words of `troupe dashboard`. */
  readonly dashboard?: readonly string[];
}

export interface GroundWorker {
  readonly name: string;
  readonly pid: number;
  /** SIGKILL; resolves when the process is gone. */
  kill9(): Promise<void>;
}

export interface Ground extends AsyncDisposable {
  readonly server: TestServer;
  readonly troupe: Troupe;
  readonly workers: readonly GroundWorker[];
  readonly url: string;
  readonly token: string;
  readonly link: string;
  addWorker(): Promise<GroundWorker>;
  /** Starts load (traffic.ts), `scale` times as much as it is by itself. Returns what ends it. */
  startTraffic(scale?: number): Promise<() => Promise<void>>;
  /** So many actors of type `crowd` (crowd.ts), and so many changes of them a second. Returns what ends it. */
  startCrowd(actors: number, changesPerS: number): Promise<() => Promise<void>>;
  /** SIGSTOP and SIGCONT: its connections stay open, and it says nothing, from when this returns. */
  freezeDashboard(): void;
  thawDashboard(): void;
  stopDashboard(): Promise<void>;
  /** At the same address as before. */
  startDashboard(): Promise<void>;
}

const actorsFile = fileURLToPath(new URL("./actors.ts", import.meta.url));
const crowdFile = fileURLToPath(new URL("./crowd.ts", import.meta.url));
const trafficFile = fileURLToPath(new URL("./traffic.ts", import.meta.url));
/** Nothing that a test starts lives longer. Unit: ms. */
const runMsMax = 900_000;
const portTriesMax = 5;

export async function openGround(options: GroundOptions = {}): Promise<Ground> {
  const closing = new AsyncDisposableStack();
  try {
    return await fillGround(options, closing);
  } catch (thrown) {
    await closing.disposeAsync();
    throw thrown;
  }
}

async function fillGround(options: GroundOptions, closing: AsyncDisposableStack): Promise<Ground> {
  const folder = closing.use(await tempFolder());
  const server = closing.use(await startTestServer());
  const place = { cwd: folder.path, env: { NATS_URL: server.url, TROUPE_LOG: "warn" }, runMsMax };
  const keep = (running: Running) => {
    closing.defer(() => end(running));
    return running;
  };
  const workers: GroundWorker[] = [];
  const addWorker = async () => {
    const name = `w${workers.length + 1}`;
    const running = keep(startCli(["worker", actorsFile, "--name", name, ...(options.worker ?? [])], place));
    await running.line("out", (line) => line.includes("serv"));
    const worker = { name, pid: running.pid, kill9: () => end(running, "SIGKILL") };
    workers.push(worker);
    return worker;
  };
  for (let nth = 0; nth < (options.workers ?? 2); nth += 1) await addWorker();

  const token = "a-token-for-the-test-ground";
  const openDashboard = async (port: number) => {
    const words = ["dashboard", "--json", "--port", String(port), "--token", token, ...(options.dashboard ?? [])];
    const running = keep(startCli(words, place));
    const { url } = JSON.parse(await running.line("out", (line) => line.startsWith("{"))) as { url: string };
    return { running, url };
  };
  let dashboard = await onFreePort(openDashboard);
  const { url } = dashboard;

  const start = async (words: readonly string[], sign: string) => {
    const running = keep(startProgram(process.execPath, words, place));
    await running.line("out", (line) => line === sign);
    return () => end(running);
  };
  const troupe = await connect({ servers: server.url });
  closing.defer(() => troupe.close());
  return {
    ...{ server, troupe, workers, url, token, link: `${url}/#token=${token}`, addWorker },
    startTraffic: (scale = 1) => start([trafficFile, server.url, String(scale)], "flowing"),
    startCrowd: (actors, changesPerS) =>
      start([crowdFile, server.url, String(actors), String(changesPerS)], "changing"),
    freezeDashboard: () => {
      dashboard.running.kill("SIGSTOP");
      waitUntilStopped(dashboard.running);
    },
    thawDashboard: () => dashboard.running.kill("SIGCONT"),
    stopDashboard: () => end(dashboard.running),
    startDashboard: async () => {
      dashboard = await openDashboard(Number(new URL(url).port));
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** Not any that the system gives: while the dashboard is away that may become the local port of somebody's connection. */
async function onFreePort<Opened>(open: (port: number) => Promise<Opened>): Promise<Opened> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await open(await pickFreePort());
    } catch (thrown) {
      // Another one was quicker.
      if (tries === portTriesMax || !String(thrown).includes("PORT_TAKEN")) throw thrown;
    }
  }
}

async function end(running: Running, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  const ended = running.ended.then(() => undefined);
  running.kill(signal);
  const patience = AbortSignal.timeout(10_000);
  await Promise.race([ended, once(patience, "abort")]);
  if (patience.aborted) running.kill("SIGKILL");
  await ended;
}
