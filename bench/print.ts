// How results are shown: lines of JSON for programs, a Markdown table for people and for the README.

import type { BenchCase, Wanted } from "./cases/case.ts";
import type { CaseResult } from "./run-case.ts";

export interface NamedResult {
  readonly bench: BenchCase;
  readonly result: CaseResult;
}

/** One line of JSON. */
export function toJsonLine({ bench, result }: NamedResult): string {
  return JSON.stringify({
    name: bench.name,
    ours: rounded(result.ours),
    raw: rounded(result.raw),
    limit: rounded(result.limit),
    ratio_raw: rounded(result.ratioRaw),
    ratio_limit: rounded(result.ratioLimit),
    unit: bench.unit,
    p50_ms: rounded(result.p50Ms),
    p99_ms: rounded(result.p99Ms),
    raw_p50_ms: rounded(result.rawP50Ms),
  });
}

const columns = [
  "case",
  "ours",
  "raw",
  "limit",
  "unit",
  "ours/raw",
  "ours/limit",
  "p50 ms",
  "p99 ms",
  "raw p50 ms",
  "noise",
  "wanted",
];

/** A Markdown table, aligned so that it reads as plain text too. */
export function toTable(results: readonly NamedResult[]): string {
  const rows = [columns, ...results.map(toRow)];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (isText(at) ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(" | ")} |`;
  const rule = `|${widths.map((width, at) => (isText(at) ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  const [head = "", ...body] = rows.map(line);
  return [head, rule, ...body].join("\n");
}

const isText = (column: number): boolean => ["case", "unit", "wanted"].includes(columns[column] ?? "");

function toRow({ bench, result }: NamedResult): string[] {
  return [
    bench.name,
    figure(result.ours),
    figure(result.raw),
    figure(result.limit),
    bench.unit,
    figure(result.ratioRaw),
    figure(result.ratioLimit),
    figure(result.p50Ms),
    figure(result.p99Ms),
    figure(result.rawP50Ms),
    `${Math.round(result.noise * 100)} %`,
    verdict(bench.wanted, result),
  ];
}

/** What was wanted, and whether it was reached. */
export function verdict(wanted: Wanted | undefined, result: CaseResult): string {
  if (wanted === undefined) return "";
  const { of, atLeast, atMost } = wanted;
  const got = { ours: result.ours, ratio_raw: result.ratioRaw, ratio_limit: result.ratioLimit }[of];
  const bound = atLeast === undefined ? `<= ${atMost}` : `>= ${atLeast}`;
  const base = { ours: "", ratio_raw: " x raw", ratio_limit: " x limit" }[of];
  if (got === null) return `${bound}${base}`;
  const isKept = (atLeast === undefined || got >= atLeast) && (atMost === undefined || got <= atMost);
  return `${bound}${base}: ${isKept ? "yes" : "NO"}`;
}

/** Four digits are more than the machine's noise leaves of any figure. */
function rounded(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Number(value.toPrecision(4));
}

function figure(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return "-";
  const size = Math.abs(value);
  return size >= 100 ? Math.round(value).toLocaleString("en-US") : value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3);
}
