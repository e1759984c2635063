// Makes spans for OTLP_URL in several batches, shuts down and says how long that took.

import { trace } from "@opentelemetry/api";
import { startTelemetry } from "../../src/monitoring/telemetry.ts";

const telemetry = await startTelemetry({ otlpUrl: process.env.OTLP_URL ?? "", serviceName: "script" });
const tracer = trace.getTracer("test");
for (let number = 0; number < 2_000; number += 1) tracer.startSpan(`span ${number}`).end();
const startedMs = performance.now();
await telemetry.shutdown();
console.log(JSON.stringify({ shutdownMs: performance.now() - startedMs }));
