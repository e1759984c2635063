// A real nats-server for one test: on the loopback, with JetStream, and with everything that can happen to a server.
//
//   await using server = await startTestServer();
//   await server.kill9();      // as if the machine had lost power (what the disk holds stays)
//   await server.restart();    // the same port, the same store

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findServerBinary } from "../../src/cli/local-server/find.ts";
import type { ServerRun } from "../../src/cli/local-server/launch.ts";
import { launchServer } from "../../src/cli/local-server/launch.ts";
import { endRun, launchOnFreePort } from "../../src/cli/local-server/start.ts";
import { waitUntilStopped } from "./stopped-process.ts";

export interface TestServerOptions {
  /**
   * Text of a server configuration, e.g. `jetstream { max_file_store: 10MB }` or `max_payload: 65536`. Port, address and
   * store folder are given as flags, which win over it.
   */
  readonly config?: string;
  /** Where the store lies, for a server over the store of another one. It is not removed. Default: a folder of its own. */
  readonly storeDir?: string;
}

/** What can be done to a server that runs. */
export interface ServerControls {
  /** The process now; another one after `restart`. */
  readonly pid: number;
  /** SIGKILL; resolves when the process is gone. */
  kill9(): Promise<void>;
  /** Starts it again on the same port and store; stops it first if it still runs. Resolves when it is ready. */
  restart(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing is answered, from when this returns. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
  /** Ends it in peace. Idempotent. */
  stop(): Promise<void>;
}

export interface TestServer extends ServerControls, AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly storeDir: string;
}

let binary: Promise<string> | undefined;

/** The path of nats-server, found once for each test process. */
export function serverBinary(): Promise<string> {
  binary ??= findServerBinary({ env: process.env, onProgress: (line) => console.error(line) }).then(({ path }) => path);
  return binary;
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const path = await serverBinary();
  const folder = await mkdtemp(join(tmpdir(), "troupe-test-nats-"));
  const storeDir = options.storeDir ?? join(folder, "store");
  const configFile = join(folder, "nats.conf");
  await writeFile(configFile, options.config ?? "");
  const launch = (port: number) =>
    launchServer({
      binary: path,
      args: ["-c", configFile, "-a", "127.0.0.1", "-p", String(port), "-js", "-sd", storeDir],
    });
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  try {
    const first = await launchOnFreePort(launch);
    const controls = controlsOver(first, () => launch(first.port));
    const dispose = async () => {
      await controls.stop();
      await removeFolder();
    };
    return Object.assign(controls, {
      ...{ url: `nats://127.0.0.1:${first.port}`, port: first.port, storeDir },
      [Symbol.asyncDispose]: dispose,
    });
  } catch (thrown) {
    await removeFolder();
    throw thrown;
  }
}

/** `relaunch` starts it again where it was. */
export function controlsOver(first: ServerRun, relaunch: () => Promise<ServerRun>): ServerControls {
  let run = first;
  return {
    get pid() {
      return run.pid;
    },
    kill9: async () => {
      run.signal("SIGKILL");
      await run.exited;
    },
    restart: async () => {
      await endRun(run);
      run = await relaunch();
    },
    freeze: () => {
      run.signal("SIGSTOP");
      waitUntilStopped(run);
    },
    thaw: () => run.signal("SIGCONT"),
    stop: () => endRun(run),
  };
}
