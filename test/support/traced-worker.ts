// A worker that sends its spans to OTLP_URL (if there is one). Says "ready"; drains and ends on SIGTERM.

import { once } from "node:events";
import { trace } from "@opentelemetry/api";
import { startTelemetry } from "../../src/monitoring/telemetry.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { counter, supervisor, thinker } from "./traced-actors.ts";

const { OTLP_URL: otlpUrl } = process.env;
const telemetry =
  otlpUrl === undefined
    ? undefined
    : await startTelemetry({ otlpUrl, serviceName: "worker", serviceVersion: "1.2.3", resource: { "test.run": true } });
// In a span, as a user may do: nothing that comes over the connection which is opened here is part of it.
const worker = await trace.getTracer("test").startActiveSpan("startup", async (span) => {
  const started = await createWorker({ actors: [counter, supervisor, thinker] });
  span.end();
  return started;
});
// Before the line: whoever has read it may send the signal.
const isToEnd = once(process, "SIGTERM");
console.log(JSON.stringify("ready"));
await isToEnd;
await worker.drain();
await telemetry?.shutdown();
