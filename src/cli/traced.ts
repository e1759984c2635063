// Traces of a command or a worker, when it is told where to send them. The SDK is loaded only then.

import type { Settings } from "./settings.ts";

/** Runs `work`; with `--otlp` its spans are sent, the last of them before this resolves. */
export async function traced<Result>(
  { otlpUrl }: Pick<Settings, "otlpUrl">,
  serviceName: string,
  work: () => Promise<Result>,
): Promise<Result> {
  if (otlpUrl === undefined) return work();
  const { startTelemetry } = await import("../monitoring/telemetry.ts");
  const telemetry = await startTelemetry({ otlpUrl, serviceName });
  try {
    return await work();
  } finally {
    await telemetry.shutdown();
  }
}
