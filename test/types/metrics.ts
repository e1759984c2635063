// Figures for an OpenTelemetry SDK, as a user writes it. Checked by the compiler, never run.

import type { PushMetricExporter } from "@opentelemetry/sdk-metrics";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import type { Worker } from "../../src/index.ts";
import { metricProducer } from "../../src/index.ts";

export function exportFigures(worker: Worker, exporter: PushMetricExporter): MeterProvider {
  const blue = metricProducer(worker, { attributes: { name: "blue" } });
  const reader = new PeriodicExportingMetricReader({ exporter, metricProducers: [blue, metricProducer(worker)] });
  return new MeterProvider({ readers: [reader] });
}

// @ts-expect-error: an attribute is a text.
export const wrongAttribute = (worker: Worker) => metricProducer(worker, { attributes: { port: 9464 } });
