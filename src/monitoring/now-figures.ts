// What a worker did between two of its snapshots, and all workers together. Pure.
//
//   R1. Rates are over the worker's own time between the two, so a snapshot that came late is no peak.
//   R2. What cannot be known is undefined, never 0: of a worker that is seen for the first time, unless it has just begun.
//   R3. Quantiles of several series come from their buckets added up, never from their quantiles.

import type { FigureName } from "../core/figure-catalog.ts";
import { figureCatalog } from "../core/figure-catalog.ts";
import type { FiguresSnapshot, HistogramSeries, Labels, Series } from "../core/figures.ts";
import { since } from "../core/figures.ts";
import { quantileOf } from "../core/histogram.ts";

/** A worker that has begun so lately did all that it did in the second that was. Unit: ms. */
const newMsMax = 2_500;

/** What one worker did in a time. */
export interface WorkerSpan {
  readonly worker: string;
  readonly seconds: number;
  /** Of that time; gauges as they are at its end. */
  readonly series: readonly Series[];
}

export type SpanOutcome = WorkerSpan | undefined;

/** Undefined when it cannot be said (R2). */
export function spanOf(now: FiguresSnapshot, before: FiguresSnapshot | undefined): SpanOutcome {
  const isSameLife = before?.startedAtMs === now.startedAtMs && before.worker === now.worker;
  const fromMs = isSameLife ? before.atMs : now.startedAtMs;
  const spanMs = now.atMs - fromMs;
  if (spanMs <= 0 || (!isSameLife && spanMs > newMsMax)) return undefined;
  return { worker: now.worker, seconds: spanMs / 1_000, series: since(now, before).series }; // R1
}

/** Which series of a figure: those whose labels are these. */
export type LabelFilter = Labels | ((labels: Labels) => boolean);

/** Of counters and gauges the sum, of histograms how much was counted. */
export function totalIn({ series }: Pick<WorkerSpan, "series">, name: FigureName, filter?: LabelFilter): number {
  let total = 0;
  for (const each of seriesOf(series, name, filter)) total += "value" in each ? each.value : countIn(each);
  return total;
}

/** Undefined when there is none of it: another version of the worker, or nothing to measure. */
export function gaugeIn({ series }: Pick<WorkerSpan, "series">, name: FigureName): number | undefined {
  let found: number | undefined;
  for (const each of seriesOf(series, name)) if ("value" in each) found = (found ?? 0) + each.value;
  return found;
}

/** A second, from each worker's own time. Undefined when no worker is known. */
export function rateOf(spans: readonly WorkerSpan[], name: FigureName, filter?: LabelFilter): number | undefined {
  if (spans.length === 0) return undefined;
  return spans.reduce((sum, span) => sum + totalIn(span, name, filter) / span.seconds, 0);
}

export interface Distribution {
  readonly count: number;
  readonly sum: number;
  /** Unit: that of the figure. Undefined when nothing was counted. */
  quantile(share: number): number | undefined;
}

export function distributionOf(
  spans: readonly Pick<WorkerSpan, "series">[],
  name: FigureName,
  filter?: LabelFilter,
): Distribution {
  const { bounds = [] } = figureCatalog[name] as { readonly bounds?: readonly number[] };
  const counts = new Array<number>(bounds.length + 1).fill(0);
  let sum = 0;
  for (const { series } of spans) {
    for (const each of seriesOf(series, name, filter)) {
      // Another version of a worker may count in other buckets: those cannot be added to ours.
      if ("value" in each || each.counts.length !== counts.length) continue;
      sum += each.sum;
      for (const [at, count] of each.counts.entries()) counts[at] = (counts[at] ?? 0) + count; // R3
    }
  }
  const count = counts.reduce((total, each) => total + each, 0);
  return { count, sum, quantile: (share) => quantileOf(bounds, counts, share) };
}

/** The labels that occur of a figure, each combination once. */
export function labelsOf(spans: readonly Pick<WorkerSpan, "series">[], name: FigureName): readonly Labels[] {
  const found = new Map<string, Labels>();
  for (const { series } of spans) {
    for (const { labels } of seriesOf(series, name)) found.set(JSON.stringify(Object.entries(labels).sort()), labels);
  }
  return [...found.values()];
}

function* seriesOf(series: readonly Series[], name: FigureName, filter?: LabelFilter): Generator<Series> {
  for (const each of series) if (each.name === name && fits(each.labels, filter)) yield each;
}

function fits(labels: Labels, filter: LabelFilter | undefined): boolean {
  if (filter === undefined) return true;
  if (typeof filter === "function") return filter(labels);
  return Object.entries(filter).every(([name, value]) => labels[name] === value);
}

function countIn({ counts }: HistogramSeries): number {
  return counts.reduce((total, each) => total + each, 0);
}
