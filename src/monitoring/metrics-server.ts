// Answers GET /metrics with a process's own figures, for Prometheus.

import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { messageOf } from "../core/errors.ts";
import { listen, urlOf } from "./listen.ts";
import { metricsContentType } from "./metrics-text.ts";

export interface MetricsServerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Asked for each time that somebody reads. */
  readonly text: () => Promise<string>;
}

export interface MetricsServer extends AsyncDisposable {
  /** As `http://127.0.0.1:9464/metrics`. */
  readonly url: string;
  close(): Promise<void>;
}

/** A reader that sends its question slowly or not at all is given up on. Unit: ms. */
const requestMsMax = 10_000;
const readersMax = 64;

/** Rejects with PORT_TAKEN, OPTION_INVALID. */
export async function openMetricsServer({ host, port, text }: MetricsServerOptions): Promise<MetricsServer> {
  const server = createServer((request, response) => void answer(request, response, text));
  server.requestTimeout = requestMsMax;
  server.headersTimeout = requestMsMax;
  server.maxConnections = readersMax;
  const listening = await listen(server, host, port);
  // Asking for figures keeps no process alive that has nothing else to do.
  server.unref();
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    return closing;
  };
  return { url: `${urlOf(listening)}/metrics`, close, [Symbol.asyncDispose]: close };
}

async function answer(request: IncomingMessage, response: ServerResponse, text: () => Promise<string>): Promise<void> {
  const path = (request.url ?? "").split("?", 1)[0];
  if (path !== "/metrics") return end(response, 404, "the figures are at /metrics\n");
  if (request.method !== "GET" && request.method !== "HEAD") return end(response, 405, "only GET\n");
  try {
    end(response, 200, await text(), metricsContentType);
  } catch (thrown) {
    // Prometheus then marks the target as down, which is what it is.
    end(response, 503, `the figures cannot be read: ${messageOf(thrown)}\n`);
  }
}

function end(response: ServerResponse, status: number, body: string, type = "text/plain; charset=utf-8"): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
  response.end(response.req.method === "HEAD" ? undefined : body);
}
