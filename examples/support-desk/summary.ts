// What one run of the example came to, for people and for programs.

import { reasons } from "./escalation.ts";
import { moods, topics } from "./rules.ts";
import type { Paint } from "./text.ts";
import { column, printable, wrap } from "./text.ts";
import type { Escalation, Totals } from "./totals.ts";

/** Broken lines that are listed one by one; the rest is counted. */
export const brokenListedMax = 50;

export interface BrokenLine {
  readonly line: number;
  readonly reason: string;
}

/** With `--json` this is what is printed. */
export interface Summary {
  readonly app: string;
  /** null: no server, everything in memory. */
  readonly server: string | null;
  readonly run: {
    /** Messages that were sent to the intake. */
    readonly sent: number;
    /** Of these: new ones, and ones that the desk had dealt with before. */
    readonly fresh: number;
    readonly repeated: number;
    readonly broken: number;
    readonly brokenLines: readonly BrokenLine[];
    /** False when it was stopped before all that was sent had been dealt with. */
    readonly isComplete: boolean;
    readonly seconds: number;
  };
  /** Over all runs. */
  readonly totals: Totals;
  readonly lastEscalations: readonly Escalation[];
}

const labelWidth = 10;
const indent = " ".repeat(labelWidth + 3);

/** `width`: columns of the terminal. */
export function printSummary(summary: Summary, paint: Paint, width: number): string {
  const { run, totals } = summary;
  const pace = run.seconds > 0 ? ` (${Math.round((run.fresh + run.repeated) / run.seconds)}/s)` : "";
  const people = summary.lastEscalations.slice(-3).map((each) => `${printable(each.name)} (${each.reason})`);
  const rows: Array<readonly [string, readonly string[]]> = [
    ["this run", [`${plural(run.sent, "message")} in ${run.seconds.toFixed(1)} s${pace}: ${run.fresh} new`]],
    ["all runs", [`${plural(totals.messages, "message")} from ${plural(totals.customers, "customer")}`]],
    ["", [`${totals.answered} answered in ${plural(totals.threads, "thread")}`, `${totals.open} still open`]],
    ["topics", counts(topics, totals.byTopic)],
    ["moods", counts(moods, totals.byMood)],
    ["escalated", counts(reasons, totals.byReason)],
    ...(people.length > 0 ? [["last", people] as const] : []),
  ];
  const lines = rows.map(([label, parts]) => {
    return `  ${column(label, labelWidth)} ${wrap(parts, ", ", width - indent.length).join(`\n${indent}`)}`;
  });
  return [paint("bold", "Summary"), ...lines, ...remarksOf(summary).map((line) => paint("yellow", line))].join("\n");
}

/** What a person should know of the run, beyond its numbers. */
function remarksOf({ run }: Summary): string[] {
  const remarks: string[] = [];
  if (run.repeated > 0) {
    remarks.push(
      `${plural(run.repeated, "message")} of this run known already and not counted again (an empty desk: --fresh)`,
    );
  }
  if (run.broken > 0) remarks.push(`${plural(run.broken, "broken line")} skipped`);
  if (!run.isComplete) {
    const left = run.sent - run.fresh - run.repeated;
    remarks.push(`${plural(left, "message")} sent and not dealt with yet: the next worker goes on there`);
  }
  return remarks.map((remark) => `  ${remark}`);
}

function counts<K extends string>(words: readonly K[], by: Readonly<Record<K, number>>): string[] {
  const counted = words.filter((word) => by[word] > 0).map((word) => `${word} ${by[word]}`);
  return counted.length === 0 ? ["none"] : counted;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
