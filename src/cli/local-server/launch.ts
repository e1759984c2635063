// One run of a nats-server process: from its start, over its readiness, to its end.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { messageOf, TroupeError } from "../../core/errors.ts";
import { guardProcess } from "./guard.ts";

export interface LaunchOptions {
  readonly binary: string;
  readonly args: readonly string[];
  /** Default: this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** Each line of the server's log. */
  readonly onLog?: (line: string) => void;
  /** How long the server may take until it is ready. A large store is read first. Unit: ms. Default 60,000. */
  readonly readyMsMax?: number;
}

export interface ServerRun {
  readonly pid: number;
  readonly port: number;
  /** Resolves when the process has exited, with what ended it. Never rejects. */
  readonly exited: Promise<string>;
  /** The last lines of the log. */
  tail(): string;
  signal(name: NodeJS.Signals): void;
}

const tailLines = 30;
const listening = /Listening for client connections on \S*:(\d+)$/;

/**
 * Starts the server and waits until it says that it is ready: only then does it accept clients, with JetStream up.
 * It ends with this process, but not by a Ctrl-C in the terminal: whoever started it drains first.
 * Rejects with SERVER_UNREACHABLE when it ends before, with the end of its log in the message.
 */
export async function launchServer(options: LaunchOptions): Promise<ServerRun> {
  const { binary, args, env = process.env, readyMsMax = 60_000 } = options;
  const child = spawn(binary, args, { stdio: ["ignore", "ignore", "pipe"], detached: true, env });
  const log: string[] = [];
  const lines = createInterface({ input: child.stderr });
  let port: number | undefined;
  let endedBy: string | undefined;
  const ready = new Promise<void>((resolve) => {
    lines.on("line", (line) => {
      log.push(line);
      if (log.length > tailLines) log.shift();
      options.onLog?.(line);
      port ??= toPort(listening.exec(line)?.[1]);
      if (port !== undefined && line.endsWith("Server is ready")) resolve();
    });
  });
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(messageOf(error)));
    child.once("close", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  const endGuard = child.pid === undefined ? undefined : guardProcess(child.pid);
  void exited.then((how) => {
    endedBy = how;
    endGuard?.();
  });

  const outcome = await within(readyMsMax, Promise.race([ready, exited]));
  const tail = () => log.join("\n");
  if (endedBy === undefined && outcome === "late") child.kill("SIGKILL");
  const { pid } = child;
  if (endedBy !== undefined || outcome === "late" || port === undefined || pid === undefined) {
    const what = endedBy === undefined ? `was not ready after ${readyMsMax} ms` : `ended at once (${endedBy})`;
    throw new TroupeError("SERVER_UNREACHABLE", `${binary} ${what}; it was run with ${args.join(" ")}\n${tail()}`);
  }
  return {
    pid,
    port,
    exited,
    tail,
    signal: (name) => {
      if (endedBy === undefined) child.kill(name);
    },
  };
}

/** Waits at most `timeoutMs`; "late" when that is over first. */
export async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T | "late"> {
  const stop = new AbortController();
  const late = once(AbortSignal.any([stop.signal, AbortSignal.timeout(timeoutMs)]), "abort").then(
    () => "late" as const,
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    stop.abort();
  }
}

function toPort(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
