// Figures as Prometheus reads them, by OpenTelemetry's own serializer.
//
//   P1. Two series with the same name and labels never leave, or Prometheus would refuse the whole answer: sources are told
//       apart by their labels.

import type { Labels } from "../core/figures.ts";
import type { TimedSeries } from "./metrics-data.ts";

/** What an answer with the text says it is. */
export const metricsContentType = "text/plain; version=0.0.4; charset=utf-8";

export interface TextSource {
  /** What each series says besides its own labels: `app`, and the worker's name. */
  readonly labels: Labels;
  /** What is said once, in `target_info`. */
  readonly about: Readonly<Record<string, string | number>>;
}

/** The text for what `source` says of itself. The serializer is loaded by the first call. */
export async function metricsText(figures: TimedSeries, { labels, about }: TextSource): Promise<string> {
  const [{ PrometheusSerializer }, { resourceFromAttributes }, { metricsOf }] = await Promise.all([
    import("@opentelemetry/exporter-prometheus"),
    import("@opentelemetry/resources"),
    import("./metrics-data.ts"),
  ]);
  const serializer = new PrometheusSerializer(undefined, false, undefined, false, true);
  const metrics = metricsOf(figures, { naming: "prometheus", labels });
  const text = serializer.serialize({
    resource: resourceFromAttributes(about),
    scopeMetrics: [{ scope: { name: "troupe" }, metrics }],
  });
  return text.endsWith("\n") ? text : `${text}\n`;
}
