// A real server with workers in this process, and a dashboard that looks at them: asked as a page asks.

import type { AnyActor } from "../../src/actors/definition.ts";
import { EventStream } from "../../src/core/events.ts";
import type { Logger } from "../../src/core/log.ts";
import { silentLogger } from "../../src/core/log.ts";
import type { Problem } from "../../src/monitoring/dashboard/api/page.ts";
import type { Dashboard } from "../../src/monitoring/dashboard/server.ts";
import { openDashboard } from "../../src/monitoring/dashboard/server.ts";
import type { Troupe } from "../../src/runtime/client.ts";
import { connect, TroupeClient } from "../../src/runtime/client.ts";
import { openInspector } from "../../src/runtime/inspect.ts";
import { natsPorts } from "../../src/runtime/nats-ports.ts";
import type { Worker } from "../../src/runtime/worker.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { partitions } from "../contract/runtime-support.ts";
import type { TestServer } from "./nats-server.ts";
import { startTestServer } from "./nats-server.ts";

/** What the dashboard has logged. */
export interface Logged {
  readonly level: "info" | "warn" | "error";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface Answer<Body> {
  readonly status: number;
  readonly body: Body;
}

const app = "desk";
const token = "a-token-of-the-tests";

export class DashboardStage implements AsyncDisposable {
  readonly server: TestServer;
  /** A client of the app beside the dashboard. */
  readonly client: Troupe;
  readonly logged: Logged[] = [];
  readonly #opened: AsyncDisposableStack;
  #dashboard: Dashboard | undefined;

  private constructor(server: TestServer, client: Troupe, opened: AsyncDisposableStack) {
    this.server = server;
    this.client = client;
    this.#opened = opened;
  }

  static async open(): Promise<DashboardStage> {
    await using opening = new AsyncDisposableStack();
    const server = opening.use(await startTestServer());
    const client = opening.use(await connect({ app, partitions, ports: natsPorts({ nats: { servers: server.url } }) }));
    return new DashboardStage(server, client, opening.move());
  }

  async worker(actors: readonly AnyActor[]): Promise<Worker> {
    const ports = natsPorts({ nats: { servers: this.server.url } });
    const worker = await createWorker({ app, actors, ports, partitions, logger: silentLogger, drainMsMax: 2_000 });
    this.#opened.defer(() => worker.close());
    return worker;
  }

  async look(): Promise<void> {
    const inspector = this.#opened.use(await openInspector({ nats: { servers: this.server.url }, app }));
    const ports = await inspector.openPorts({ app, pool: "main", partitionCount: undefined });
    const troupe = this.#opened.use(new TroupeClient(app, ports, new EventStream()));
    const options = { troupe, inspector, version: "0", port: 0, token, log: logInto(this.logged) };
    this.#dashboard = this.#opened.use(await openDashboard(options));
  }

  get url(): string {
    return this.#dashboard?.url ?? "";
  }

  async get<Body>(path: string): Promise<Answer<Body>> {
    return answerOf(await fetch(`${this.url}${path}`));
  }

  /** The body of an answer that is well. */
  async read<Body>(path: string): Promise<Body> {
    const { status, body } = await this.get<Body>(path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  /** `as`: undefined for nobody who has a token. */
  async post<Body = Problem & { readonly text: string }>(
    path: string,
    body?: unknown,
    as: string | undefined = token,
  ): Promise<Answer<Body>> {
    const headers = as === undefined || as === "" ? {} : { Authorization: `Bearer ${as}` };
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return answerOf(
      await fetch(`${this.url}${path}`, { method: "POST", headers, ...(body === undefined ? {} : { body: text }) }),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync();
  }
}

async function answerOf<Body>(response: Response): Promise<Answer<Body>> {
  return { status: response.status, body: (await response.json()) as Body };
}

function logInto(logged: Logged[]): Logger {
  const at = (level: Logged["level"]) => (fields: object, text: string) =>
    void logged.push({ level, fields: fields as Logged["fields"], text });
  const logger: Logger = {
    debug: () => {},
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => logger,
  };
  return logger;
}
