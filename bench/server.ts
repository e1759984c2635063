// The bench's own nats-server: private, on the loopback interface, with file storage in a folder of its own.

import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FoundBinary } from "../src/cli/local-server/find.ts";
import { findServerBinary } from "../src/cli/local-server/find.ts";
import { startLocalServer } from "../src/cli/local-server/start.ts";

export function findBinary(onProgress: (line: string) => void): Promise<FoundBinary> {
  return findServerBinary({ env: process.env, onProgress });
}

export interface BenchServer extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

/** Starts a server on an empty folder. Closing it, or the end of this process, ends the server and removes the folder. */
export async function startServer(binary: string): Promise<BenchServer> {
  const folder = await mkdtemp(join(tmpdir(), "troupe-bench-"));
  try {
    const server = await startLocalServer({ binary, dataDir: folder });
    const onExit = (): void => {
      process.kill(server.pid, "SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    };
    process.once("exit", onExit);
    return {
      url: server.url,
      pid: server.pid,
      async [Symbol.asyncDispose]() {
        process.off("exit", onExit);
        await server.stop();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (thrown) {
    await rm(folder, { recursive: true, force: true });
    throw thrown;
  }
}
