// Reads numbers out of a snapshot of figures.

import type { FigureName } from "../../src/core/figure-catalog.ts";
import type { FiguresSnapshot, HistogramSeries, Labels, Series } from "../../src/core/figures.ts";

const fits = (one: Series, name: FigureName, labels: Labels): boolean =>
  one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value);

const countOf = ({ counts }: HistogramSeries): number => counts.reduce((total, count) => total + count, 0);

/** Of counters and gauges with these labels the sum, of histograms how much was counted. */
export function sumOf({ series }: FiguresSnapshot, name: FigureName, labels: Labels = {}): number {
  const all = series.filter((one) => fits(one, name, labels));
  return all.reduce((sum, one) => sum + ("value" in one ? one.value : countOf(one)), 0);
}

/** The one histogram with these labels. */
export function histogramOf({ series }: FiguresSnapshot, name: FigureName, labels: Labels = {}): HistogramSeries {
  const found = series.find((one) => fits(one, name, labels));
  if (found === undefined || "value" in found) throw new Error(`there is no ${name} of ${JSON.stringify(labels)}`);
  return found;
}
