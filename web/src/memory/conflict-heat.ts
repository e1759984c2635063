// The heat map of lost races: which keys several writers want at once, and when. Each half minute is a cell; the busiest rows come
// first, and the shades go by doublings, so that a row with 2 is seen beside one with 2,000.

import type { ConflictMap } from "../../../src/monitoring/dashboard/api/memory.ts";

/** Shades besides that of nothing. */
export const shadesMax = 5;

export interface HeatRow {
  readonly what: string;
  readonly total: number;
  readonly cells: readonly HeatCell[];
}

export interface HeatCell {
  readonly fromMs: number;
  readonly count: number;
  /** 0: none; up to `shadesMax`. */
  readonly shade: number;
}

/** `columnsMax`: neighbouring columns are put together until they are no more than that; sums stay what they are. */
export function heatOf({ columnsAtMs, rows }: ConflictMap, columnsMax: number): readonly HeatRow[] {
  const together = Math.max(1, Math.ceil(columnsAtMs.length / columnsMax));
  // Counted from the newest, so that the last cell is always a whole one.
  const first = columnsAtMs.length % together;
  const cut = <Value>(values: readonly Value[]): readonly (readonly Value[])[] => {
    const parts = first === 0 ? [] : [values.slice(0, first)];
    for (let at = first; at < values.length; at += together) parts.push(values.slice(at, at + together));
    return parts;
  };
  const times = cut(columnsAtMs).map(([atMs = 0]) => atMs);
  const summed = rows.map(({ what, counts }) => ({ what, counts: cut(counts).map(sum) }));
  const highest = Math.max(0, ...summed.flatMap(({ counts }) => counts));
  return summed
    .map(({ what, counts }) => ({
      what,
      total: sum(counts),
      cells: times.map((fromMs, at) => ({ fromMs, count: counts[at] ?? 0, shade: shadeOf(counts[at] ?? 0, highest) })),
    }))
    .filter(({ total }) => total > 0)
    .sort((one, other) => other.total - one.total || (one.what < other.what ? -1 : 1));
}

/** The highest count has the darkest shade, whatever it is, and 1 has the lightest. */
export function shadeOf(count: number, highest: number): number {
  if (count <= 0) return 0;
  if (highest <= 1 || count >= highest) return highest <= 1 ? 1 : shadesMax;
  return 1 + Math.floor((Math.log2(count) / Math.log2(highest)) * (shadesMax - 1));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
