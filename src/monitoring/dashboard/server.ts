// The dashboard's server: one process reads the app, and any number of pages look at it.

import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import type { Clock } from "../../core/clock.ts";
import { delay, systemClock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import type { TroupeClient } from "../../runtime/client.ts";
import type { Inspector } from "../../runtime/inspect.ts";
import { listen, urlOf } from "../listen.ts";
import type { Door } from "./door.ts";
import { checkDoor, keepData, keepHost } from "./door.ts";
import { servePage } from "./page-files.ts";
import { prepareSources } from "./prepare-sources.ts";
import { notFound, Refusal, refusalOf } from "./problem.ts";
import { addActorRoutes } from "./routes/actors.ts";
import { addAppRoutes } from "./routes/app.ts";
import { addLiveRoutes } from "./routes/live.ts";
import { addMemoryRoutes } from "./routes/memory.ts";
import { addMessageRoutes } from "./routes/messages.ts";
import { addMetricsRoute } from "./routes/metrics.ts";
import { addNowRoutes } from "./routes/now.ts";
import { addWorkflowRoutes } from "./routes/workflows.ts";
import type { AddRoutes, DashboardSources } from "./sources.ts";

export interface DashboardOptions {
  /** Both are closed by who has opened them, after the dashboard. */
  readonly troupe: TroupeClient;
  readonly inspector: Inspector;
  /** Of this package. */
  readonly version: string;
  /** Default 127.0.0.1. Another address than one of loopback needs a `token`. */
  readonly host?: string;
  /** Default 4270; 0: any that is free. */
  readonly port?: number;
  /** Who has it may act. At least 16 characters. Default: one is made. */
  readonly token?: string;
  /** Where traces are looked at: `{trace}` stands for the trace id. Default: nowhere. */
  readonly traceUrl?: string;
  /** Told what goes wrong in the dashboard itself. Default: nobody is. */
  readonly log?: Logger;
  readonly clock?: Clock;
}

export const portDefault = 4270;
export const hostDefault = "127.0.0.1";

/**
 * How long what is being read may take to end when the dashboard is closed. It only reads: what a server that says nothing would still
 * have answered is given up, and ends with the connection. Unit: ms.
 */
const closeMsMax = 1_000;

export interface Dashboard extends AsyncDisposable {
  /** As `http://127.0.0.1:4270`. */
  readonly url: string;
  readonly token: string;
  close(): Promise<void>;
}

/** In this order: what the live stream can be asked for is known when all others have been added. */
const routes: readonly AddRoutes[] = [
  ...[
    addAppRoutes,
    addNowRoutes,
    addActorRoutes,
    addMemoryRoutes,
    addWorkflowRoutes,
    addMessageRoutes,
    addMetricsRoute,
  ],
  addLiveRoutes,
];

/** Rejects with OPTION_INVALID (host, token), PORT_TAKEN, and as reading the app does. */
export async function openDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { host = hostDefault, port = portDefault, clock = systemClock } = options;
  checkDoor(host, options.token);
  const token = options.token ?? clock.uniqueId();
  const { sources, start, close } = prepareSources(options, clock);
  const { app, closings } = appOf({ host, token }, sources);
  const server = createAdaptorServer({ fetch: app.fetch, hostname: host }) as Server;
  const end = async () => {
    sources.live.close();
    const over = new AbortController();
    const closed = Promise.all([...closings.map((each) => each()), close()]);
    await Promise.race([closed, delay(clock, closeMsMax, over.signal)]).finally(() => over.abort());
  };
  try {
    const listening = await listen(server, host, port);
    await start();
    return new OpenDashboard(server, urlOf(listening), token, end);
  } catch (thrown) {
    server.close();
    await end();
    throw thrown;
  }
}

function appOf(
  door: Door,
  sources: DashboardSources,
): { readonly app: Hono; readonly closings: readonly (() => Promise<void>)[] } {
  const app = new Hono();
  app.use(keepHost(door));
  for (const path of ["/api/*", "/metrics"]) app.use(path, keepData(door));
  const closings = routes.flatMap((add) => add(app, sources) ?? []);
  app.all("/api/*", ({ req }) => {
    throw notFound(`${req.method} ${req.path.slice(0, 200)}`, "Look at the page, which asks for what there is.");
  });
  app.get("*", servePage);
  app.onError((thrown, context) => {
    const { status, problem } = refusalOf(thrown);
    if (status === 500) sources.log.error({ error: problem.message, path: context.req.path }, "the dashboard failed");
    return context.json(problem, status);
  });
  app.notFound(({ req }) => {
    const text = `${req.method} ${req.path.slice(0, 200)} does nothing`;
    throw new Refusal(405, "NOT_FOUND", text, "Look at the page, which asks for what there is.");
  });
  return { app, closings };
}

class OpenDashboard implements Dashboard {
  readonly url: string;
  readonly token: string;
  readonly #server: Server;
  readonly #end: () => Promise<void>;
  #closing: Promise<void> | undefined;

  constructor(server: Server, url: string, token: string, end: () => Promise<void>) {
    this.url = url;
    this.token = token;
    this.#server = server;
    this.#end = end;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    await this.#end();
    this.#server.closeAllConnections();
    await closed;
  }
}
