// The door of `startTelemetry`: what it refuses before anything is registered.

import { trace } from "@opentelemetry/api";
import { expect, test } from "vitest";
import { silentLogger } from "../../src/core/log.ts";
import { startTelemetry } from "../../src/monitoring/telemetry.ts";

const options = { otlpUrl: "http://127.0.0.1:1", serviceName: "test", logger: silentLogger };

test("what is no URL of a collector is refused, with what it should look like", async () => {
  for (const otlpUrl of ["", "localhost:4318", "4318", "grpc://localhost:4317", "file:///tmp", "http://"]) {
    await expect(startTelemetry({ ...options, otlpUrl }), otlpUrl).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message: expect.stringContaining("http://localhost:4318"),
    });
  }
});

test("a service without a name, a nonsensical deadline and a share that is none are refused", async () => {
  const deadlines = [{ shutdownMsMax: -1 }, { shutdownMsMax: Number.NaN }];
  const shares = [-0.1, 1.1, 10, Number.NaN].map((sampledShare) => ({ sampledShare }));
  for (const wrong of [{ serviceName: "" }, ...deadlines, ...shares]) {
    await expect(startTelemetry({ ...options, ...wrong })).rejects.toMatchObject({ code: "OPTION_INVALID" });
  }
});

test("a second SDK in a process is refused, and the first goes on", async () => {
  const telemetry = await startTelemetry({ ...options, shutdownMsMax: 0 });
  await expect(startTelemetry(options)).rejects.toMatchObject({
    code: "OPTION_INVALID",
    message: expect.stringContaining("already"),
  });
  expect(trace.getTracer("test").startSpan("a").isRecording()).toBe(true);
  await telemetry.shutdown();
  await telemetry.shutdown();
});
