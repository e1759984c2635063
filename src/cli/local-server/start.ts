// The private nats-server of a folder: on the loopback, with its store in the folder, ended with whoever started it.

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isTroupeError, TroupeError } from "../../core/errors.ts";
import type { HeldClaim, TakenClaim } from "./folder-claim.ts";
import { askHolder, claimFolder } from "./folder-claim.ts";
import { pickFreePort } from "./free-port.ts";
import type { ServerRun } from "./launch.ts";
import { launchServer, within } from "./launch.ts";
import { waitUntilGone } from "./leftover.ts";

export interface LocalServerOptions {
  /** The nats-server to run: `findServerBinary`. */
  readonly binary: string;
  /** The folder; the store is in `nats/` below it. Default `.troupe` in the working directory. */
  readonly dataDir?: string;
  /** Each line of the server's log. */
  readonly onLog?: (line: string) => void;
  /** Told, in words, what it waits for when that takes long. */
  readonly onWaiting?: (line: string) => void;
  /** Default: the port of the last time if it is free, else any. */
  readonly port?: number;
}

export interface LocalServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** True: another process runs it for this folder; `stop` leaves it alone, and it ends with that process. */
  readonly isShared: boolean;
  /** Resolves when the server has ended, with what ended it. Never rejects. */
  readonly exited: Promise<string>;
  /** Ends it in peace, by force after 10 s. Idempotent. */
  stop(): Promise<void>;
}

export const dataDirDefault = ".troupe";
const stopMsMax = 10_000;
const startTries = 5;

/**
 * Starts the server of a folder, or joins the one that another process runs there. Rejects with SERVER_UNREACHABLE when
 * it ends before it is ready; the message holds the end of its log.
 */
export async function startLocalServer(options: LocalServerOptions): Promise<LocalServer> {
  const dataDir = resolve(options.dataDir ?? dataDirDefault);
  await mkdir(dataDir, { recursive: true });
  // Nobody wants to commit the store by accident.
  await writeFile(join(dataDir, ".gitignore"), "*\n");
  const { onWaiting } = options;
  const claim = await claimFolder(dataDir, { onWaiting: () => onWaiting?.(waitingLine(dataDir)) });
  if (claim.kind === "taken") return sharedServer(claim);
  try {
    const run = await launchHere(options, dataDir);
    const state: ServerState = { version: 1, port: run.port, pid: run.pid };
    await writeFile(stateFile(dataDir), `${JSON.stringify(state)}\n`);
    claim.announce(JSON.stringify(state));
    return ownServer(run, claim);
  } catch (thrown) {
    await claim.release();
    throw thrown;
  }
}

/** The server that some process runs, or is just starting, for this folder; undefined when there is none. */
export async function findLocalServer(
  dataDir: string = dataDirDefault,
  onWaiting: (line: string) => void = () => {},
): Promise<LocalServer | undefined> {
  const claim = await askHolder(resolve(dataDir), { onWaiting: () => onWaiting(waitingLine(dataDir)) });
  return claim === undefined ? undefined : sharedServer(claim);
}

function waitingLine(dataDir: string): string {
  return `another command is just starting or ending the nats-server of ${dataDir}; waiting for it`;
}

/** What the holder of the folder tells others, and what is kept of it for the next time. */
interface ServerState {
  readonly version: 1;
  readonly port: number;
  readonly pid: number;
}

const stateFile = (dataDir: string) => join(dataDir, "server.json");

function parseState(text: string): ServerState | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    const { version, port, pid } = value as Partial<Record<keyof ServerState, unknown>>;
    return version === 1 && typeof port === "number" && typeof pid === "number" ? { version, port, pid } : undefined;
  } catch {
    // Cut off by a crash, or not ours.
    return undefined;
  }
}

async function launchHere(options: LocalServerOptions, dataDir: string): Promise<ServerRun> {
  const { binary, onLog } = options;
  const store = join(dataDir, "nats");
  const last = parseState(await readFile(stateFile(dataDir), "utf8").catch(() => ""));
  const name = `troupe-${createHash("sha256").update(dataDir).digest("hex").slice(0, 12)}`;
  if (last !== undefined) await waitUntilGone({ ...last, name });
  const launch = (port: number) =>
    launchServer({
      binary,
      args: ["-a", "127.0.0.1", "-p", String(port), "-n", name, "-js", "-sd", store],
      ...(onLog === undefined ? {} : { onLog }),
    });
  return options.port === undefined ? launchOnFreePort(launch, last?.port) : launch(options.port);
}

/** Launches on a free port; on another one when somebody takes that port between the look and the launch. */
export async function launchOnFreePort(
  launch: (port: number) => Promise<ServerRun>,
  preferred?: number,
): Promise<ServerRun> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await launch(await pickFreePort(tries === 1 ? preferred : undefined));
    } catch (thrown) {
      const isTaken = isTroupeError(thrown) && thrown.message.includes("address already in use");
      if (!isTaken || tries === startTries) throw thrown;
    }
  }
}

function ownServer(run: ServerRun, claim: HeldClaim): LocalServer {
  // A server that died by itself leaves the folder to the next one who starts it.
  const released = run.exited.then(() => claim.release());
  const stop = async () => {
    await endRun(run);
    await released;
  };
  return {
    url: `nats://127.0.0.1:${run.port}`,
    port: run.port,
    pid: run.pid,
    isShared: false,
    exited: run.exited,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Ends a server in peace, also a frozen one; by force when it takes longer than 10 s. */
export async function endRun(run: ServerRun): Promise<void> {
  run.signal("SIGTERM");
  run.signal("SIGCONT");
  if ((await within(stopMsMax, run.exited)) !== "late") return;
  run.signal("SIGKILL");
  await run.exited;
}

function sharedServer(claim: TakenClaim): LocalServer {
  const state = parseState(claim.line);
  if (state === undefined) {
    throw new TroupeError("LAYOUT_MISMATCH", `another version of Troupe runs the server of this folder: ${claim.line}`);
  }
  const stop = async () => {};
  return {
    url: `nats://127.0.0.1:${state.port}`,
    port: state.port,
    pid: state.pid,
    isShared: true,
    exited: claim.released.then(() => "the process that ran it has ended"),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
