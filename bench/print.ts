// How results are shown: lines of JSON for programs, a Markdown table for people and for the README.

import type { BenchCase, Wanted } from "./cases/case.ts";
import type { Finding } from "./cases/cluster-case.ts";
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

/** One line of JSON of a case with many workers. */
export function toFindingLine(finding: Finding): string {
  const entries = Object.entries(finding);
  return JSON.stringify(
    Object.fromEntries(entries.map(([name, value]) => [name, typeof value === "number" ? rounded(value) : value])),
  );
}

/** A table of the comparisons. */
export function toTable(results: readonly NamedResult[]): string {
  return toMarkdown(columns, results.map(toRow), ["case", "unit", "wanted"]);
}

/**
 * Tables of the cases with many workers, a column for each finding, those with the same figures beside each other. What one
 * case found many times has a row for each instead.
 */
export function toFindingTables(findings: readonly Finding[]): readonly string[] {
  const alike = Map.groupBy(findings, (finding) => Object.keys(finding).join());
  return [...alike.values()].map((group) => {
    const isOfOne = group.length > 1 && group.every(({ name }) => name === group[0]?.name);
    const head = ["", ...group.map(({ name }) => String(name))];
    const figures = Object.keys(group[0] ?? {}).filter((name) => name !== "name");
    const cell = (value: string | number | null | undefined): string => {
      if (typeof value === "string") return value;
      return Number.isInteger(value) ? Number(value).toLocaleString("en-US") : figure(value ?? null);
    };
    if (isOfOne) {
      const texts = figures.filter((name) => typeof group[0]?.[name] === "string");
      return toMarkdown(
        figures,
        group.map((finding) => figures.map((name) => cell(finding[name]))),
        texts,
      );
    }
    const rows = figures.map((name) => [name, ...group.map((finding) => cell(finding[name]))]);
    return toMarkdown(head, rows, [""]);
  });
}

/** A Markdown table, aligned so that it reads as plain text too. `texts`: columns that are aligned to the left. */
export function toMarkdown(
  head: readonly string[],
  body: readonly (readonly string[])[],
  texts: readonly string[],
): string {
  const rows = [head, ...body];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const isText = (column: number): boolean => texts.includes(head[column] ?? "");
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (isText(at) ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(" | ")} |`;
  const rule = `|${widths.map((width, at) => (isText(at) ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  const [top = "", ...others] = rows.map(line);
  return [top, rule, ...others].join("\n");
}

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
