// A caller that sends its spans to OTLP_URL: asks and tells as a user would, and says what it knows of it.

import { trace } from "@opentelemetry/api";
import { isTroupeError } from "../../src/core/errors.ts";
import { startTelemetry } from "../../src/monitoring/telemetry.ts";
import { connect } from "../../src/runtime/client.ts";
import { counter, thinker } from "./traced-actors.ts";

const telemetry = await startTelemetry({ otlpUrl: process.env.OTLP_URL ?? "", serviceName: "caller" });
const tracer = trace.getTracer("test");
const troupe = await connect();

await troupe.actor(counter, "asked").ask.add(5);

const checkout = await tracer.startActiveSpan("checkout", async (span) => {
  await troupe.actor(counter, "bought").ask.add(1);
  await troupe.actor(counter, "bought").tell.bump();
  span.end();
  return span.spanContext();
});

await troupe.actor(thinker, "t1").ask.think("asked");

const failure = await troupe
  .actor(counter, "failing")
  .ask.fail()
  .catch((thrown) => (isTroupeError(thrown) ? thrown.code : String(thrown)));

await troupe.actor(counter, "doomed").tell.fail();

const busy = troupe.actor(counter, "busy");
await Promise.all(Array.from({ length: 40 }, () => busy.ask.bump()));

console.log(JSON.stringify({ checkout: { traceId: checkout.traceId, spanId: checkout.spanId }, failure }));
await troupe.close();
await telemetry.shutdown();
