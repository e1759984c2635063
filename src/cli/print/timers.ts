// Timers, for a program and for a person.

import type { Timer } from "../../actors/timer.ts";
import { nextDueMs } from "../../actors/timer.ts";
import { count } from "../../core/amounts.ts";
import { printAddress } from "../../core/ids.ts";
import { printWhen } from "../../monitoring/timer-words.ts";
import type { Committed } from "../../runtime/changes.ts";
import type { Paint } from "../text.ts";
import { clip, printable } from "../text.ts";

export interface TimerRow {
  readonly type: string;
  readonly id: string;
  readonly name: string;
  readonly method: string;
  readonly input?: unknown;
  readonly number: number;
  /** When it is due, ISO 8601; null for an interval, which the server counts from when it was set. */
  readonly next: string | null;
  readonly everyMs?: number;
  readonly cron?: string;
  readonly timeZone?: string;
}

export function rowsOf({ actor, timers }: Committed<unknown>, nowMs: number): readonly TimerRow[] {
  return Object.entries(timers).map(([name, timer]) => rowOf(actor, name, timer, nowMs));
}

function rowOf(actor: { type: string; id: string }, name: string, timer: Timer, nowMs: number): TimerRow {
  const { n, method, inputText, when } = timer;
  const { kind: _kind, ...repeats } = when.kind === "at" ? { kind: when.kind } : when;
  const dueMs = when.kind === "every" ? undefined : nextDueMs(when, nowMs);
  const next = dueMs === undefined ? null : new Date(dueMs).toISOString();
  const input = inputText === undefined ? {} : { input: JSON.parse(inputText) as unknown };
  return { type: actor.type, id: actor.id, name, method, ...input, number: n, next, ...repeats };
}

export function printTimerRows(rows: readonly TimerRow[], total: number, paint: Paint, width: number): string {
  if (total === 0) return "No actor has a timer.";
  const lines = rows.map((row) => {
    const input = row.input === undefined ? "" : ` ${printable(JSON.stringify(row.input))}`;
    const what = `${printable(printAddress(row))} ${printable(row.method)}${input}`;
    return clip(`${paint("bold", printable(row.name))}  ${what}  ${paint("dim", printRow(row))}`, width);
  });
  const shown = rows.length < total ? `, ${rows.length} shown (--limit)` : "";
  return [...lines, paint("dim", `${count(total, "timer")}${shown}`)].join("\n");
}

function printRow({ next, everyMs, cron, timeZone = "UTC" }: TimerRow): string {
  if (everyMs !== undefined) return printWhen({ kind: "every", everyMs });
  const due = next === null ? "never" : `at ${next}`;
  return cron === undefined ? due : `${printable(cron)} (${printable(timeZone)}), next ${due}`;
}
