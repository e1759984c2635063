// The servers of a run: one, or a cluster of three, from the files of deploy/nats.

import type { DeployedServer } from "../support/nats-cluster.ts";
import { startSingleServer, startTestCluster } from "../support/nats-cluster.ts";

export interface Servers extends AsyncDisposable {
  readonly all: readonly DeployedServer[];
  readonly ports: readonly number[];
  readonly urls: readonly string[];
  /** Copies of each stream. */
  readonly replicas: 1 | 3;
  /** Who leads one of the streams that commits and mail depend on; `which` in [0, 1) chooses. */
  leader(which: number): Promise<DeployedServer>;
  /** Resolves when all of them are up and current. */
  settled(): Promise<void>;
}

const streams = ["KV_troupe_state", "troupe_mail", "KV_troupe_cluster"];

export async function startServers(count: 1 | 3, folder: string): Promise<Servers> {
  if (count === 1) {
    const server = await startSingleServer({ folder });
    return {
      ...describe([server], 1),
      leader: async () => server,
      settled: async () => undefined,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  }
  const cluster = await startTestCluster({ folder });
  return {
    ...describe(cluster.servers, 3),
    leader: (which) => cluster.leaderOf(streams[Math.floor(which * streams.length)] ?? "troupe_mail"),
    settled: () => cluster.settled(),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

const describe = (all: readonly DeployedServer[], replicas: 1 | 3) => ({
  all,
  replicas,
  ports: all.map(({ port }) => port),
  urls: all.map(({ url }) => url),
});
