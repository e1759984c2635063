// What a run came to, as a table for people and as JSON for scripts.

import type { FaultKind } from "./schedule.ts";
import type { WorkloadCounts, WorkloadName } from "./workloads/workload.ts";

export interface FaultCount {
  readonly kind: FaultKind;
  readonly times: number;
  /** Of the actors that were asked all the time: the longest without an answer, during or just after such a fault. */
  readonly longestOutageMs: number;
}

export interface Report {
  readonly seed: number;
  readonly servers: 1 | 3;
  readonly workers: number;
  readonly seconds: number;
  readonly faults: readonly FaultCount[];
  readonly workloads: readonly (WorkloadCounts & { readonly name: WorkloadName })[];
  /** Asks of the actors that were asked all the time, and those that were answered within half a second. */
  readonly pulses: { readonly asked: number; readonly answered: number };
  readonly longestOutageMs: number;
  /** Times that a partition was taken by a later owner. */
  readonly takeovers: number;
  readonly commits: number;
  /** Commits that were stored under an epoch which was over, none of them over a later one. */
  readonly lateWrites: { readonly count: number; readonly longestMs: number };
  /** From the end of the faults until everything acknowledged had taken effect. */
  readonly restMs: number;
  /** Promises that were broken, in words. Empty when all held. */
  readonly broken: readonly string[];
}

export function printReport(report: Report): string {
  const { seed, servers, workers, seconds, pulses, lateWrites } = report;
  const counted = report.workloads.map(({ name, operations, acknowledged, unknown, refused, lost, repeated }) =>
    [name, operations, acknowledged, unknown, refused, lost, repeated].map(String),
  );
  const lines = [
    `seed ${seed}, ${servers === 1 ? "one server" : "three servers"}, ${workers} workers, ${seconds} s`,
    "",
    ...toTable([
      ["fault", "times", "longest outage"],
      ...report.faults.map(({ kind, times, longestOutageMs }) => [kind, `${times}`, toSeconds(longestOutageMs)]),
    ]),
    "",
    ...toTable([["workload", "operations", "acknowledged", "in doubt", "refused", "lost", "repeated"], ...counted]),
    "",
    `longest outage   ${toSeconds(report.longestOutageMs)} (of ${pulses.asked} asks ${pulses.answered} were answered within 0.5 s)`,
    `takeovers        ${report.takeovers} partitions; ${report.commits} commits`,
    `late writes      ${lateWrites.count}, the latest ${toSeconds(lateWrites.longestMs)} after a later epoch, none over it`,
    `at rest          ${toSeconds(report.restMs)} after the last fault was mended`,
    `promises         ${report.broken.length === 0 ? "all held" : `BROKEN ${report.broken.length} times`}`,
    ...report.broken.slice(0, 20).map((each) => `  ${each}`),
  ];
  return lines.join("\n");
}

const toSeconds = (ms: number) => (ms === 0 ? "-" : `${(ms / 1_000).toFixed(2)} s`);

/** Rows as a table that Markdown reads too; the first row is the head. Numbers stand to the right. */
function toTable(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const lines = rows.map((row) => {
    const cells = row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)));
    return `| ${cells.join(" | ")} |`;
  });
  const rule = `|${widths.map((width, at) => (at === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return lines.toSpliced(1, 0, rule);
}
