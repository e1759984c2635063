// What a process has to say about itself in numbers, as they go over the wire: read by whoever asks each second, by the
// exporters, by the dashboard. `figure-catalog.ts` says what each figure is, `figure-fold.ts` makes them of the events.
//
//   F1. Counters and histograms only grow, from the start of the process on: whoever wants to know about a time asks twice and
//       takes the difference (`since`). Two that ask do not disturb each other.
//   F2. Labels come from closed sets: never an actor's id, a key, a trace, nor a name that a caller has made up.

import type { FigureName } from "./figure-catalog.ts";
import { figureCatalog } from "./figure-catalog.ts";

export type Labels = Readonly<Record<string, string>>;

/** A counter or a gauge. */
export interface NumberSeries {
  readonly name: FigureName;
  readonly labels: Labels;
  readonly value: number;
}

/** A histogram: a count for each of the catalogue's bounds, and one for what is beyond. In the catalogue's unit. */
export interface HistogramSeries {
  readonly name: FigureName;
  readonly labels: Labels;
  readonly counts: readonly number[];
  readonly sum: number;
  /** The largest since the start of the process. */
  readonly max: number;
}

export type Series = NumberSeries | HistogramSeries;

export interface FiguresSnapshot {
  /** Its id. */
  readonly worker: string;
  /** By the worker's own clock. Unit: ms since the epoch. */
  readonly atMs: number;
  readonly startedAtMs: number;
  readonly series: readonly Series[];
}

/**
 * What was counted after `before`: differences of counters and histograms (whose `max` stays that since the start), gauges as they are
 * now. Everything, when there is no `before`, or it is of another life of the process.
 */
export function since(now: FiguresSnapshot, before: FiguresSnapshot | undefined): FiguresSnapshot {
  if (before === undefined || before.worker !== now.worker || before.startedAtMs !== now.startedAtMs) return now;
  const earlier = new Map(before.series.map((series) => [seriesKey(series), series]));
  return { ...now, series: now.series.map((series) => difference(series, earlier.get(seriesKey(series)))) };
}

/** The same for the same figure with the same labels. */
export function seriesKey({ name, labels }: Series): string {
  const parts = Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1));
  return `${name} ${JSON.stringify(parts)}`;
}

function difference(now: Series, before: Series | undefined): Series {
  if (before === undefined || figureCatalog[now.name]?.kind === "gauge") return now;
  if ("value" in now) return "value" in before ? { ...now, value: now.value - before.value } : now;
  if ("value" in before) return now;
  const counts = now.counts.map((count, at) => count - (before.counts[at] ?? 0));
  return { ...now, counts, sum: now.sum - before.sum };
}
