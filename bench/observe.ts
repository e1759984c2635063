// How much a process of the bench sees of itself: what `observe` compares.
//
// `off`: no figures, no spans. `metrics`: figures, as every worker has. `traces10`, `traces100`: figures, and a tenth or all
// of the traces are made, batched and sent to a receiver in a process of its own, which reads them and throws them away.

import { startTelemetry } from "../src/index.ts";

export type ObserveMode = "off" | "metrics" | "traces10" | "traces100";

export interface Observe {
  readonly mode: ObserveMode;
  /** Where spans go. */
  readonly otlpUrl: string;
}

/** Shares of the traces that are made. */
const shares: Readonly<Record<ObserveMode, number>> = { off: 0, metrics: 0, traces10: 0.1, traces100: 1 };

/** Starts what a user would start; returns what ends it. */
export async function startObserving({ mode, otlpUrl }: Observe): Promise<() => Promise<void>> {
  const share = shares[mode];
  if (share === 0) return async () => {};
  const telemetry = await startTelemetry({ otlpUrl, serviceName: `bench ${mode}`, sampledShare: share });
  return () => telemetry.shutdown();
}
