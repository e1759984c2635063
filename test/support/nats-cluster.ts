// Servers that run from the files of deploy/nats, as they are: one, or a cluster of three. On the loopback, with free
// ports and folders of their own, and with everything that can happen to a server.
//
//   await using cluster = await startTestCluster();
//   const leader = await cluster.leaderOf("troupe_mail");
//   await leader.kill9();
//   await leader.restart();
//   await cluster.settled(); // every copy is current again

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pickFreePort } from "../../src/cli/local-server/free-port.ts";
import type { ServerRun } from "../../src/cli/local-server/launch.ts";
import { launchServer, within } from "../../src/cli/local-server/launch.ts";
import { endRun } from "../../src/cli/local-server/start.ts";
import { isTroupeError } from "../../src/core/errors.ts";
import type { ServerControls, TestServer } from "./nats-server.ts";
import { controlsOver, serverBinary } from "./nats-server.ts";

export interface DeployedOptions {
  /** Set besides or instead of what the files read, e.g. `{ TROUPE_NATS_SYNC: "always" }`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where the stores lie, one folder for each server; not removed. Default: a folder that goes with the servers. */
  readonly folder?: string;
  /** Each line of each server's log. */
  readonly onLog?: (server: string, line: string) => void;
}

export interface DeployedServer extends ServerControls {
  /** `single`, `n1`, `n2`, `n3`. */
  readonly name: string;
  readonly url: string;
  readonly port: number;
  readonly storeDir: string;
  /** For /varz and the like: `--monitor` of `troupe doctor`. */
  readonly monitorUrl: string;
  /** Lame duck mode, as in an upgrade: gives its leaders away, drops its clients, ends. Resolves when it is gone. */
  retire(): Promise<void>;
}

export interface TestCluster extends AsyncDisposable {
  /** n1, n2, n3. */
  readonly servers: readonly DeployedServer[];
  /** Of all three: what a client is given. */
  readonly urls: readonly string[];
  /** Waits until a majority of the servers agrees on who leads the stream, and that one says so too. */
  leaderOf(stream: string): Promise<DeployedServer>;
  /** The same for the cluster's own affairs: making streams, placing copies. */
  metaLeader(): Promise<DeployedServer>;
  /** Waits until all three are up, agree on a leader, and each copy of each stream is current. */
  settled(): Promise<void>;
}

const deployFolder = fileURLToPath(new URL("../../deploy/nats/", import.meta.url));
const names = ["n1", "n2", "n3"] as const;
const majority = 2;
const startTries = 5;
/** Ends a wait for a cluster that does not come to rest. An election takes up to 9 s. Unit: ms. */
const patienceMs = 60_000;
/** A server that is frozen does not answer; it is passed over. Unit: ms. */
const lookMsMax = 1_000;
/** The servers are asked again when one of them logs something, and at the latest after this. Unit: ms. */
const lookEveryMs = 200;

/** One server, from `single.conf`. */
export async function startSingleServer(options: DeployedOptions = {}): Promise<TestServer & DeployedServer> {
  const folder = await folderOf(options);
  const { servers, dispose } = await startAll(["single"], folder, options);
  const [server] = servers;
  if (server === undefined) throw new Error("unreachable: one name, one server");
  return Object.assign(server, { [Symbol.asyncDispose]: dispose });
}

/** Three servers, from `cluster/n1.conf` to `n3.conf`. Resolves when they are one cluster that takes streams. */
export async function startTestCluster(options: DeployedOptions = {}): Promise<TestCluster> {
  const news = new News();
  const folder = await folderOf(options);
  const onLog = (server: string, line: string) => {
    options.onLog?.(server, line);
    news.tell();
  };
  const { servers, dispose } = await startAll(names, folder, { ...options, onLog });
  const cluster: TestCluster = {
    servers,
    urls: servers.map(({ url }) => url),
    leaderOf: (stream) =>
      news.until(`a leader of ${stream}`, async () =>
        agreed(servers, await Promise.all(servers.map(leaderIn(stream)))),
      ),
    metaLeader: () =>
      news.until("a leader of the cluster", async () => agreed(servers, await Promise.all(servers.map(metaLeaderIn)))),
    settled: async () => {
      await cluster.metaLeader();
      await news.until("three servers that are current", async () => {
        const healthy = await Promise.all(servers.map(isHealthy));
        return healthy.every(Boolean) ? true : undefined;
      });
    },
    [Symbol.asyncDispose]: dispose,
  };
  try {
    await cluster.settled();
    return cluster;
  } catch (thrown) {
    await dispose();
    throw thrown;
  }
}

interface Folder {
  readonly path: string;
  readonly isOurs: boolean;
}

async function folderOf({ folder }: DeployedOptions): Promise<Folder> {
  if (folder !== undefined) return { path: folder, isOurs: false };
  return { path: await mkdtemp(join(tmpdir(), "troupe-test-cluster-")), isOurs: true };
}

interface Started {
  readonly servers: readonly DeployedServer[];
  readonly dispose: () => Promise<void>;
}

/** All at once, since each knows the others' addresses; all again when somebody took one of the ports meanwhile. */
async function startAll(wanted: readonly string[], folder: Folder, options: DeployedOptions): Promise<Started> {
  const removeFolder = () => (folder.isOurs ? rm(folder.path, { recursive: true, force: true }) : Promise.resolve());
  for (let tries = 1; ; tries += 1) {
    const places = await placesOf(wanted, folder.path);
    const settled = await Promise.allSettled(places.map((place) => startOne(place, places, options)));
    const servers = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const stopAll = () => Promise.all(servers.map((server) => server.stop()));
    const failed = settled.find((one) => one.status === "rejected");
    if (failed === undefined) {
      const dispose = async () => {
        await stopAll();
        await removeFolder();
      };
      return { servers, dispose };
    }
    await stopAll();
    const isTaken = isTroupeError(failed.reason) && failed.reason.message.includes("address already in use");
    if (isTaken && tries < startTries) continue;
    await removeFolder();
    throw failed.reason;
  }
}

interface Place {
  readonly name: string;
  readonly storeDir: string;
  readonly port: number;
  readonly monitorPort: number;
  readonly routePort: number;
}

async function placesOf(wanted: readonly string[], folder: string): Promise<readonly Place[]> {
  const taken = new Set<number>();
  const port = async () => {
    let found = await pickFreePort();
    while (taken.has(found)) found = await pickFreePort();
    taken.add(found);
    return found;
  };
  const places: Place[] = [];
  for (const name of wanted) {
    const storeDir = join(folder, name);
    places.push({ name, storeDir, port: await port(), monitorPort: await port(), routePort: await port() });
  }
  return places;
}

async function startOne(place: Place, places: readonly Place[], options: DeployedOptions): Promise<DeployedServer> {
  const { name, storeDir, port, monitorPort, routePort } = place;
  const binary = await serverBinary();
  const env = {
    ...process.env,
    TROUPE_NATS_LISTEN: `127.0.0.1:${port}`,
    TROUPE_NATS_MONITORING: `127.0.0.1:${monitorPort}`,
    TROUPE_NATS_STORE: JSON.stringify(storeDir),
    TROUPE_NATS_STORE_MAX: "1GB",
    TROUPE_NATS_SYNC: "120s",
    TROUPE_NATS_CLUSTER_LISTEN: `127.0.0.1:${routePort}`,
    TROUPE_NATS_ROUTES: `[${places.map((one) => `nats://127.0.0.1:${one.routePort}`).join(", ")}]`,
    ...options.env,
  };
  const file = name === "single" ? "single.conf" : `cluster/${name}.conf`;
  let run: ServerRun;
  const launch = async () => {
    run = await launchServer({
      ...{ binary, env, args: ["-c", join(deployFolder, file)] },
      onLog: (line) => options.onLog?.(name, line),
    });
    return run;
  };
  const controls = controlsOver(await launch(), launch);
  const retire = async () => {
    run.signal("SIGUSR2");
    if ((await within(patienceMs, run.exited)) !== "late") return;
    await endRun(run);
    throw new Error(`${name} was in lame duck mode for ${patienceMs} ms and did not end`);
  };
  return Object.assign(controls, {
    ...{ name, url: `nats://127.0.0.1:${port}`, port, storeDir },
    ...{ monitorUrl: `http://127.0.0.1:${monitorPort}`, retire },
  });
}

/** Looks again and again, woken by what the servers log. */
class News {
  #next = Promise.withResolvers<void>();

  tell(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }

  async until<Value>(what: string, look: () => Promise<Value | undefined>): Promise<Value> {
    const patience = AbortSignal.timeout(patienceMs);
    while (!patience.aborted) {
      const { promise } = this.#next;
      const seen = await look();
      if (seen !== undefined) return seen;
      await within(lookEveryMs, promise);
    }
    throw new Error(`the cluster had not ${what} after ${patienceMs} ms`);
  }
}

interface RaftView {
  readonly leader?: string;
}

interface JetStreamView {
  readonly meta_cluster?: RaftView;
  readonly account_details?: readonly {
    readonly stream_detail?: readonly { readonly name: string; readonly cluster?: RaftView }[];
  }[];
}

/** Who leads the stream, as this server sees it. */
const leaderIn =
  (stream: string) =>
  async (server: DeployedServer): Promise<string | undefined> => {
    const view = await look<JetStreamView>(server, "/jsz?streams=true");
    const streams = view?.account_details?.flatMap((account) => account.stream_detail ?? []) ?? [];
    return streams.find(({ name }) => name === stream)?.cluster?.leader;
  };

async function metaLeaderIn(server: DeployedServer): Promise<string | undefined> {
  return (await look<JetStreamView>(server, "/jsz"))?.meta_cluster?.leader;
}

async function isHealthy(server: DeployedServer): Promise<boolean> {
  return (await look<{ readonly status: string }>(server, "/healthz"))?.status === "ok";
}

/** The server that a majority names, itself included: one that was cut off may still take itself for the leader. */
function agreed(
  servers: readonly DeployedServer[],
  views: readonly (string | undefined)[],
): DeployedServer | undefined {
  return servers.find(({ name }, at) => views[at] === name && views.filter((view) => view === name).length >= majority);
}

/** Undefined when the server does not answer, or not in time. */
async function look<View>(server: DeployedServer, path: string): Promise<View | undefined> {
  try {
    const answer = await fetch(`${server.monitorUrl}${path}`, { signal: AbortSignal.timeout(lookMsMax) });
    return (await answer.json()) as View;
  } catch {
    // Killed, frozen, or on its way up: the caller looks again.
    return undefined;
  }
}
