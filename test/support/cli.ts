// The `troupe` command as a person runs it: a process of its own.

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const binFile = fileURLToPath(new URL("../../src/cli/bin.ts", import.meta.url));
/** A command that takes longer is ended, so that a test never waits for it in vain. Unit: ms. */
const runMsMaxDefault = 110_000;

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly pid: number;
  /** Resolves when the process is gone. Never rejects. */
  readonly ended: Promise<Ended>;
  /** The first line of the stream for which `wanted` is true; `at` counts from 0. Rejects when it ends before. */
  line(stream: "out" | "err", wanted: (line: string, at: number) => boolean): Promise<string>;
  kill(signal: NodeJS.Signals): void;
}

export interface CliOptions {
  /** Where it looks for `.troupe`. */
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** For one that serves several tests. Unit: ms. Default 110,000. */
  readonly runMsMax?: number;
}

export function startCli(args: readonly string[], options: CliOptions): Running {
  return startProgram(process.execPath, [binFile, ...args], options);
}

export async function runCli(args: readonly string[], options: CliOptions): Promise<Ended> {
  return startCli(args, options).ended;
}

export function startProgram(program: string, args: readonly string[], options: CliOptions): Running {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, NATS_URL: "", NO_COLOR: "1", TROUPE_DEBUG: "", ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: options.runMsMax ?? runMsMaxDefault,
    killSignal: "SIGKILL",
  });
  // What is written to a process that is gone is lost; its exit code tells the test.
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  const texts = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    texts.out += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    texts.err += chunk;
  });
  const ended = once(child, "close").then(() => ({ code: child.exitCode, ...texts }));
  const streams: Record<"out" | "err", Readable> = { out: child.stdout, err: child.stderr };
  return {
    pid: pidOf(child),
    ended,
    line: async (stream, wanted) => {
      const isOver = ended.then(() => true);
      for (;;) {
        const found = texts[stream].split("\n").slice(0, -1).find(wanted);
        if (found !== undefined) return found;
        const more = once(streams[stream], "data").then(() => false);
        if (!(await Promise.race([more, isOver]))) continue;
        const last = texts[stream].split("\n").find(wanted);
        if (last !== undefined) return last;
        throw new Error(`it ended (code ${child.exitCode}) without the line; out: ${texts.out}\nerr: ${texts.err}`);
      }
    },
    kill: (signal) => void child.kill(signal),
  };
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error("the process did not start");
  return pid;
}

/** Whether a process of that id runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** What a user writes: a counter, in a file of its own that imports another one. Returns the file's path. */
export async function writeActors(folder: string): Promise<string> {
  const [zod, troupe] = [import.meta.resolve("zod"), new URL("../../src/index.ts", import.meta.url).href];
  await writeFile(join(folder, "step.ts"), "export const step: number = 1;\n");
  const file = join(folder, "actors.ts");
  await writeFile(
    file,
    `import { z } from "${zod}";
import { defineActor, handler, query } from "${troupe}";
import { step } from "./step.ts";

export const Counter = defineActor(
  "counter",
  { state: z.object({ count: z.number() }), initial: { count: 0 }, retry: { attempts: 1 } },
  {
    add: handler(z.number().int(), (ctx, n) => { ctx.state.count += n * step; return ctx.state.count; }),
    fail: handler(z.string(), (_ctx, why) => { throw new RangeError(why); }),
    nothing: handler(() => {}),
    setTimers: handler((ctx) => {
      ctx.tellLater("add", { name: "later", afterMs: 3_600_000, input: 1 });
      ctx.cron("add", { name: "nightly", cron: "30 2 * * *", timeZone: "Europe/Berlin", input: 2 });
    }),
    total: query((ctx) => ctx.state.count),
  },
);
export const notAnActor = { type: "nothing" };
`,
  );
  return file;
}
