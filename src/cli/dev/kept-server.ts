// The private nats-server of `troupe dev`: found or fetched, started, and started again should it die meanwhile.

import { isTroupeError, messageOf } from "../../core/errors.ts";
import { CommandFailure } from "../failure.ts";
import type { FoundBinary } from "../local-server/find.ts";
import { findServerBinary } from "../local-server/find.ts";
import { startLocalServer } from "../local-server/start.ts";

/** A server that dies again and again is left alone. */
const restartsMax = 5;

export interface KeptServer extends AsyncDisposable {
  readonly url: string;
}

/** A server that can be used from now on. */
export interface ServerStart {
  readonly url: string;
  readonly version: string;
  /** Another process runs it; it ends with that one. */
  readonly isShared: boolean;
}

export interface KeptServerOptions {
  readonly dataDir: string;
  readonly env: NodeJS.ProcessEnv;
  /** Gets a line for each thing worth knowing. */
  readonly tell: (line: string) => void;
  /** Hears of the first server, and of each one that takes the place of the one before, at the same address. */
  readonly onStart: (start: ServerStart) => void;
}

export async function openKeptServer({ dataDir, env, tell, onStart }: KeptServerOptions): Promise<KeptServer> {
  const { path: binary, version } = await findBinary(env, tell);
  let server = await startLocalServer({ binary, dataDir, onWaiting: tell });
  const { url, port } = server;
  let isStopping = false;
  const keep = async () => {
    for (let restarts = 0; restarts < restartsMax; restarts += 1) {
      const why = await server.exited;
      if (isStopping) return;
      tell(`nats-server has ended (${why}); starting it again`);
      server = await startLocalServer({ binary, dataDir, port, onWaiting: tell });
      // Stopped while it was starting: nobody else ends this one.
      if (isStopping) return server.stop();
      onStart({ url, version, isShared: server.isShared });
    }
  };
  onStart({ url, version, isShared: server.isShared });
  const keeping = keep().catch((thrown: unknown) => tell(`nats-server does not start again: ${messageOf(thrown)}`));
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      isStopping = true;
      await server.stop();
      // A server that others use lives on; then there is nothing to wait for.
      if (!server.isShared) await keeping;
    },
  };
}

async function findBinary(env: NodeJS.ProcessEnv, tell: (line: string) => void): Promise<FoundBinary> {
  try {
    return await findServerBinary({ env, onProgress: tell });
  } catch (thrown) {
    if (!isTroupeError(thrown) || thrown.code !== "SERVER_NOT_FOUND") throw thrown;
    const { tried = [] } = thrown.data as { tried?: readonly string[] };
    const list = tried.map((reason) => `  - ${reason}`).join("\n");
    throw new CommandFailure(
      "SERVER_NOT_FOUND",
      `no usable nats-server was found, and none could be fetched:\n${list}`,
      "Install nats-server 2.14 or newer, set NATS_SERVER to its path, or name a server that runs with --server.",
      thrown,
    );
  }
}
