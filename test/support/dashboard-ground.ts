// A dashboard over a real server, with workers in processes of their own, and readers of its live stream.

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { EventStream } from "../../src/core/events.ts";
import type { LiveEvents } from "../../src/monitoring/dashboard/api/live.ts";
import type { Dashboard, DashboardOptions } from "../../src/monitoring/dashboard/server.ts";
import { openDashboard } from "../../src/monitoring/dashboard/server.ts";
import { TroupeClient } from "../../src/runtime/client.ts";
import { openInspector } from "../../src/runtime/inspect.ts";
import { waitUntilStopped } from "./stopped-process.ts";

const workerFile = fileURLToPath(new URL("dashboard-worker.ts", import.meta.url));
/** An event that does not come is a failure, not a test that waits for ever. Unit: ms. */
const waitMsMax = 60_000;

export interface WorkerProcess extends AsyncDisposable {
  readonly id: string;
  readonly pid: number;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** A worker of `dashboard-worker.ts`, that serves. */
export async function startDashboardWorker(url: string, name: string): Promise<WorkerProcess> {
  const child = spawn(process.execPath, [workerFile, url, name], { stdio: ["ignore", "pipe", "inherit"] });
  const [id] = (await once(createInterface(child.stdout), "line")) as [string];
  const kill = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    if (signal === "SIGSTOP") waitUntilStopped(child);
    else if (signal !== "SIGCONT") await exited;
  };
  return { id, pid: pidOf(child), kill, [Symbol.asyncDispose]: () => kill("SIGKILL") };
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error("the process did not start");
  return pid;
}

export interface OpenedDashboard extends Dashboard {
  /** GET; the parsed answer of a 200, else an error with what came. */
  get<Answer>(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Listens to topics; events are kept from now on. */
  listen(topics: string, pattern?: string): LiveReader;
}

export async function openTestDashboard(
  url: string,
  options: Partial<DashboardOptions> = {},
): Promise<OpenedDashboard> {
  const app = "desk";
  const inspector = await openInspector({ app, nats: { servers: url, reconnectTimeWait: 100 } });
  const ports = await inspector.openPorts({ app, pool: "main", partitionCount: 8 });
  const troupe = new TroupeClient(app, ports, new EventStream());
  const dashboard = await openDashboard({ troupe, inspector, version: "test", port: 0, ...options });
  const close = async () => {
    await dashboard.close();
    await troupe.close();
  };
  return {
    url: dashboard.url,
    token: dashboard.token,
    get: async <Answer>(path: string, headers: Readonly<Record<string, string>> = {}) => {
      const response = await fetch(dashboard.url + path, { headers });
      const text = await response.text();
      if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text}`);
      return JSON.parse(text) as Answer;
    },
    listen: (topics, pattern) => new LiveReader(dashboard.url, topics, pattern),
    close,
    [Symbol.asyncDispose]: close,
  };
}

type AnyEvent = {
  [Topic in keyof LiveEvents]: { readonly topic: Topic; readonly data: LiveEvents[Topic] };
}[keyof LiveEvents];

/** Reads a live stream as the page does. */
export class LiveReader implements AsyncDisposable {
  readonly events: AnyEvent[] = [];
  readonly #ended = new AbortController();
  readonly #reading: Promise<void>;
  #wake = Promise.withResolvers<void>();
  readonly #passed = new Map<string, number>();

  constructor(url: string, topics: string, pattern?: string, only: Readonly<Record<string, string>> = {}) {
    const query = new URLSearchParams({ topics, ...(pattern === undefined ? {} : { pattern }), ...only });
    this.#reading = this.#read(`${url}/api/live?${query}`);
  }

  /** The next event of the topic that fits, of those that `next` has not passed in this topic. */
  async next<Topic extends keyof LiveEvents>(
    topic: Topic,
    fits: (data: LiveEvents[Topic]) => boolean = () => true,
  ): Promise<LiveEvents[Topic]> {
    const late = AbortSignal.timeout(waitMsMax);
    const overdue = once(late, "abort");
    for (;;) {
      for (let at = this.#passed.get(topic) ?? 0; at < this.events.length; at += 1) {
        this.#passed.set(topic, at + 1);
        const event = this.events[at];
        if (event?.topic !== topic) continue;
        const data = event.data as LiveEvents[Topic];
        if (fits(data)) return data;
      }
      if (late.aborted) throw new Error(`no ${topic} that fits; last: ${this.#last(topic)}`);
      await Promise.race([this.#wake.promise, overdue]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#reading;
  }

  #last(topic: string): string {
    return JSON.stringify(this.events.findLast((event) => event.topic === topic))?.slice(0, 2_000) ?? "none";
  }

  async #read(url: string): Promise<void> {
    try {
      const { body } = await fetch(url, { signal: this.#ended.signal });
      if (body === null) return;
      let text = "";
      for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
          this.#take(text.slice(0, end));
          text = text.slice(end + 2);
        }
      }
    } catch (thrown) {
      if (!this.#ended.signal.aborted) throw thrown;
    }
  }

  #take(block: string): void {
    const [, topic, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
    if (topic === undefined || data === undefined) return; // A comment.
    this.events.push({ topic, data: JSON.parse(data) } as AnyEvent);
    const { resolve } = this.#wake;
    this.#wake = Promise.withResolvers();
    resolve();
  }
}
