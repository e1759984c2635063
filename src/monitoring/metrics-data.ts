// Figures in the form of OpenTelemetry's SDK: what its readers and exporters pass on. Pure.
//
//   T1. Every series of the snapshot is there once, with its value as it is: nothing is summed, left out or rounded.
//   T2. A histogram has at most 20 buckets: of the finer bounds some are left out, and what stands between them is added
//       up, so that each count at a bound is exact.

import type { Attributes, HrTime } from "@opentelemetry/api";
import { ValueType } from "@opentelemetry/api";
import type { Histogram, MetricData, MetricDescriptor } from "@opentelemetry/sdk-metrics";
import { AggregationTemporality, DataPointType } from "@opentelemetry/sdk-metrics";
import type { Figure } from "../core/figure-catalog.ts";
import { figureOf } from "../core/figure-catalog.ts";
import type { HistogramSeries, Labels, NumberSeries, Series } from "../core/figures.ts";
import { prometheusName, prometheusUnit } from "./metric-names.ts";

/** Series with the time that they cover. Unit: ms since the epoch. */
export interface TimedSeries {
  readonly startedAtMs: number;
  readonly atMs: number;
  readonly series: readonly Series[];
}

/** Whose names and units the metrics have. */
export type MetricNaming = "opentelemetry" | "prometheus";

export interface MetricForm {
  readonly naming: MetricNaming;
  /** Besides those of each series: what tells this process from others. */
  readonly labels: Labels;
}

const bucketsMax = 20;
/** Bounds of durations that are kept: each twice the one before. Unit: s. */
const durationLeast = 2 ** -12;
const durationMost = 2 ** 6;

/** Figures that this version does not know are left out: they are of a newer worker. */
export function metricsOf({ startedAtMs, atMs, series }: TimedSeries, form: MetricForm): MetricData[] {
  const byName = Map.groupBy(series, ({ name }) => name);
  const [startTime, endTime] = [toHrTime(startedAtMs), toHrTime(atMs)];
  return [...byName].flatMap(([name, all]) => {
    const figure = figureOf(name);
    return figure === undefined ? [] : [metricOf(name, figure, all)];
  });

  function metricOf(name: string, figure: Figure, all: readonly Series[]): MetricData {
    const common = { descriptor: descriptorOf(name, figure, form.naming), aggregationTemporality };
    const about = ({ labels }: Series) => ({ startTime, endTime, attributes: attributesOf(labels, form.labels) });
    if (figure.bounds !== undefined) {
      const bounds = figure.bounds;
      const dataPoints = all.filter(isHistogram).map((one) => ({ ...about(one), value: histogramOf(bounds, one) }));
      return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints };
    }
    const dataPoints = all.filter(isNumber).map((one) => ({ ...about(one), value: one.value }));
    return figure.kind === "counter"
      ? { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
      : { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
  }
}

/** Those of the catalogue's bounds that go out (T2). */
export function boundsOut(bounds: readonly number[]): readonly number[] {
  if (bounds.length < bucketsMax) return bounds;
  return bounds.filter(
    (bound) => bound >= durationLeast && bound <= durationMost && Number.isInteger(Math.log2(bound)),
  );
}

const aggregationTemporality = AggregationTemporality.CUMULATIVE;

function descriptorOf(name: string, figure: Figure, naming: MetricNaming): MetricDescriptor {
  const isPrometheus = naming === "prometheus";
  return {
    // The serializer appends `_total` where it is missing.
    name: isPrometheus ? prometheusName(name, figure) : name,
    description: figure.help,
    unit: isPrometheus ? prometheusUnit(figure.unit) : figure.unit,
    valueType: ValueType.DOUBLE,
  };
}

function histogramOf(bounds: readonly number[], { counts, sum, max }: HistogramSeries): Histogram {
  const boundaries = boundsOut(bounds);
  const out = boundaries.map(() => 0);
  out.push(0);
  let total = 0;
  let bucket = 0;
  for (const [at, count] of counts.entries()) {
    const bound = bounds[at] ?? Number.POSITIVE_INFINITY;
    while (bucket < boundaries.length && bound > (boundaries[bucket] as number)) bucket += 1;
    out[bucket] = (out[bucket] ?? 0) + count;
    total += count;
  }
  return { buckets: { boundaries: [...boundaries], counts: out }, sum, count: total, max };
}

function attributesOf(own: Labels, ofProcess: Labels): Attributes {
  return { ...own, ...ofProcess };
}

function isHistogram(series: Series): series is HistogramSeries {
  return "counts" in series;
}

function isNumber(series: Series): series is NumberSeries {
  return "value" in series;
}

function toHrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}
