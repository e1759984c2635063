// The worker processes of a run. As an orchestrator would, it starts another one for each that ended.

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { guardProcess } from "../../src/cli/local-server/guard.ts";
import type { Clock } from "../../src/index.ts";
import { waitUntilStopped } from "../support/stopped-process.ts";
import type { Journal } from "./journal.ts";
import type { Route } from "./route.ts";
import { openRoute } from "./route.ts";
import type { Sabotage } from "./sabotage.ts";
import type { WorkerLine, WorkerSettings } from "./worker.ts";
import { tryAgainCode } from "./worker.ts";

export interface FleetOptions {
  readonly serverPorts: readonly number[];
  readonly replicas: number;
  readonly sabotage: Sabotage | undefined;
  /** How many there are when nothing is wrong. */
  readonly size: number;
  /** Where their logs go. */
  readonly folder: string;
  readonly journal: Journal;
  readonly clock: Clock;
}

export interface WorkerProcess {
  readonly name: string;
  readonly route: Route;
  /** The id by which it is known on the server; undefined until it serves. */
  readonly worker: string | undefined;
  /** It was told to end, or was killed. */
  readonly isLeaving: boolean;
  readonly exited: Promise<unknown>;
  kill(): void;
  drain(): void;
  freeze(): void;
  thaw(): void;
}

/** A process that was lost is replaced after this. Unit: ms. */
const replaceAfterMs = 700;
/** A drained process that is still there then is stuck. Beyond the worker's own patience of 10 s. Unit: ms. */
const drainMsMax = 20_000;
const script = fileURLToPath(new URL("./worker.ts", import.meta.url));

export class Fleet implements AsyncDisposable {
  readonly #options: FleetOptions;
  readonly #processes = new Set<Process>();
  readonly #all: Process[] = [];
  readonly #faults: string[] = [];
  readonly #cancels = new Set<() => void>();
  #count = 0;
  #isEnding = false;
  /** What is being started in the place of what was lost. */
  #replacing: Promise<void> = Promise.resolve();

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** Those that run and were not told to end, in the order in which they were started. */
  get present(): readonly WorkerProcess[] {
    return [...this.#processes].filter(({ isLeaving }) => !isLeaving);
  }

  /** All that ever were. */
  get all(): readonly WorkerProcess[] {
    return this.#all;
  }

  /** What processes did that nobody did to them: they broke down, or did not end when they were told to. */
  get faults(): readonly string[] {
    return this.#faults;
  }

  async start(): Promise<WorkerProcess> {
    const { serverPorts, replicas, sabotage, folder, journal } = this.#options;
    this.#count += 1;
    const name = `worker-${this.#count}`;
    const route = await openRoute(serverPorts);
    const settings: WorkerSettings = { name, servers: route.urls, replicas, sabotage };
    const started = new Process(name, route, settings, join(folder, `${name}.log`), journal);
    this.#processes.add(started);
    this.#all.push(started);
    void started.exited.then(async (code) => {
      this.#processes.delete(started);
      journal.note(`${name} is gone (${code ?? "killed"})`);
      // Told to end before it listened for that, it is ended by the signal itself (no code).
      const hasLeft = started.isLeaving && (code === 0 || code === null);
      const isExpected = started.isKilled || code === tryAgainCode || hasLeft;
      if (!isExpected) this.#faults.push(`${name} broke down by itself (exit code ${code}); its log is in the folder`);
      await route[Symbol.asyncDispose]();
      this.#replaceLater();
    });
    return started;
  }

  /** Starts what is missing. */
  async fill(): Promise<void> {
    const missing = this.#options.size - this.present.length;
    await Promise.all(Array.from({ length: Math.max(0, missing) }, () => this.start()));
  }

  /** Ends all in peace; what does not end is a fault. */
  async end(): Promise<void> {
    await this.#startNoMore();
    const late = AbortSignal.timeout(drainMsMax);
    const isLate = once(late, "abort").then(() => "late" as const);
    const ending = [...this.#processes].map(async (each) => {
      each.route.heal();
      each.thaw();
      each.drain();
      if ((await Promise.race([each.exited, isLate])) !== "late") return;
      this.#faults.push(`${each.name} was told to end and still ran ${drainMsMax} ms later`);
      each.kill();
      await each.exited;
    });
    await Promise.all(ending);
  }

  /** Ends all at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#startNoMore();
    for (const each of this.#processes) each.kill();
    await Promise.all(this.#all.map(({ exited }) => exited));
  }

  async #startNoMore(): Promise<void> {
    this.#isEnding = true;
    for (const cancel of this.#cancels) cancel();
    await this.#replacing;
  }

  #replaceLater(): void {
    if (this.#isEnding) return;
    const cancel = this.#options.clock.after(replaceAfterMs, () => {
      this.#cancels.delete(cancel);
      if (!this.#isEnding) this.#replacing = Promise.all([this.#replacing, this.fill()]).then(() => undefined);
    });
    this.#cancels.add(cancel);
  }
}

class Process implements WorkerProcess {
  readonly name: string;
  readonly route: Route;
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  worker: string | undefined;
  isKilled = false;
  #isDraining = false;

  constructor(name: string, route: Route, settings: WorkerSettings, logPath: string, journal: Journal) {
    this.name = name;
    this.route = route;
    const child = spawn(process.execPath, [script, JSON.stringify(settings)], { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    const endGuard = child.pid === undefined ? undefined : guardProcess(child.pid);
    child.stderr.pipe(createWriteStream(logPath));
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line = JSON.parse(text) as WorkerLine;
      this.worker = line.worker;
      journal.note(`${name} serves as ${line.worker}`);
    });
    this.exited = once(child, "close").then(([code]) => {
      endGuard?.();
      return code as number | null;
    });
    journal.note(`${name} starts (process ${child.pid})`);
  }

  get isLeaving(): boolean {
    return this.isKilled || this.#isDraining || this.#child.exitCode !== null;
  }
  kill(): void {
    this.isKilled = true;
    this.#child.kill("SIGKILL");
  }
  drain(): void {
    this.#isDraining = true;
    this.#child.kill("SIGTERM");
  }
  freeze(): void {
    this.#child.kill("SIGSTOP");
    waitUntilStopped(this.#child);
  }
  thaw(): void {
    this.#child.kill("SIGCONT");
  }
}
