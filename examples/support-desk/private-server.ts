// The private nats-server of the example: found or fetched, started, and started again should it die meanwhile.

import { findServerBinary } from "../../src/cli/local-server/find.ts";
import type { LocalServer } from "../../src/cli/local-server/start.ts";
import { startLocalServer } from "../../src/cli/local-server/start.ts";
import { reasonOf } from "./text.ts";

/** A server that dies again and again is left alone. */
const restartsMax = 5;

export interface PrivateServer {
  readonly url: string;
  /** True: another process runs it now, and it lives on after this run. */
  readonly isShared: boolean;
  stop(): Promise<void>;
}

/** `tell` gets a line for each thing worth knowing. */
export async function openPrivateServer(dataDir: string, tell: (line: string) => void): Promise<PrivateServer> {
  const { path: binary, version } = await findServerBinary({ env: process.env, onProgress: tell });
  let server = await startLocalServer({ binary, dataDir });
  const how = server.isShared ? "joined the nats-server that another process runs" : `started nats-server ${version}`;
  tell(`${how} on ${dataDir}: ${server.url}`);
  const { url, port } = server;
  let isStopping = false;
  const keep = keepAlive(
    server,
    () => isStopping,
    async (why) => {
      tell(`nats-server has ended (${why}); starting it again`);
      server = await startLocalServer({ binary, dataDir, port });
      return server;
    },
  ).catch((thrown: unknown) => tell(`nats-server does not start again: ${reasonOf(thrown)}`));
  return {
    url,
    get isShared() {
      return server.isShared;
    },
    stop: async () => {
      isStopping = true;
      await server.stop();
      // A server that others use lives on; then there is nothing to wait for.
      if (!server.isShared) await keep;
    },
  };
}

async function keepAlive(
  first: LocalServer,
  isStopping: () => boolean,
  restart: (why: string) => Promise<LocalServer>,
): Promise<void> {
  let server = first;
  for (let restarts = 0; restarts < restartsMax; restarts += 1) {
    const why = await server.exited;
    if (isStopping()) return;
    server = await restart(why);
    // Stopped while it was starting: nobody else ends this one.
    if (isStopping()) return server.stop();
  }
}
