// The figures of a worker or client for an OpenTelemetry SDK: its readers ask when they collect, so that they cost nothing
// in between (decision 0021).

import type { CollectionResult, MetricProducer } from "@opentelemetry/sdk-metrics";
import type { FiguresSnapshot, Labels } from "../core/figures.ts";

/** A worker, a client: what keeps figures. */
export interface KeepsFigures {
  readonly app: string;
  /** Without any series when it keeps none (`figures: false`). */
  figures(): FiguresSnapshot;
}

export interface MetricProducerOptions {
  /**
   * Attributes of every metric, besides `app`: for a process with several workers, which would otherwise all say the same.
   * Default: none.
   */
  readonly attributes?: Labels;
}

/**
 * All figures of a worker or a client, for any OpenTelemetry SDK of yours:
 * `new PeriodicExportingMetricReader({ exporter, metricProducers: [metricProducer(worker)] })`.
 * docs/monitoring.md lists them. One that keeps no figures has no metrics.
 */
export function metricProducer(source: KeepsFigures, options: MetricProducerOptions = {}): MetricProducer {
  const labels = { app: source.app, ...options.attributes };
  return {
    async collect(): Promise<CollectionResult> {
      const [{ emptyResource }, { metricsOf }] = await Promise.all([
        import("@opentelemetry/resources"),
        import("./metrics-data.ts"),
      ]);
      const metrics = metricsOf(source.figures(), { naming: "opentelemetry", labels });
      const scopeMetrics = [{ scope: { name: "troupe" }, metrics }];
      // The reader puts its own resource in the place of this one.
      return { resourceMetrics: { resource: emptyResource(), scopeMetrics }, errors: [] };
    },
  };
}
