// What `troupe top` shows: a NowView in lines, cut to what there is room for.

import { count, printBytes, printSpan } from "../../core/amounts.ts";
import { callWorker } from "../../monitoring/cluster-picture.ts";
import type { MethodRow, NowView, Second, WorkerRow } from "../../monitoring/dashboard/api/now.ts";
import type { Paint } from "../text.ts";
import { clip, printable, printTable } from "../text.ts";
import { printFinding } from "./doctor.ts";

export interface TopRoom {
  /** Columns; 0: as many as it takes. */
  readonly width: number;
  /** Lines; 0: as many as it takes. */
  readonly height: number;
}

export interface TopHead {
  readonly app: string;
  readonly server: string;
  /** How the reader is left; undefined where there are no keys. */
  readonly hint: string | undefined;
}

/** Lines that the head, the sums and the blanks between the parts take. */
const fixedLines = 8;
/** A message that waits for so long is one too many. Unit: ms. */
const oldMsMin = 10_000;
/** What was told more lately may be done: cursors are saved about once a second. Unit: ms. */
const underWayMsMax = 2_000;
/** A share of the room that what is unhealthy takes at most, two lines to each. */
const unhealthyShare = 3;

export function printTop(view: NowView, head: TopHead, room: TopRoom, paint: Paint): string {
  const { width, height } = room;
  const fits = height === 0 ? Number.POSITIVE_INFINITY : Math.max(0, height - fixedLines);
  const unhealthy = unhealthyLines(view, Math.max(2, Math.floor(fits / unhealthyShare)), paint, width);
  const left = fits - unhealthy.length - (unhealthy.length > 0 ? 1 : 0);
  const methods = methodLines(view.methods, Math.floor(left / 2), paint, width);
  const workers = workerLines(view, left - methods.length - 1, paint, width);
  const parts = [
    [headLine(view, head, paint, width)],
    unhealthy,
    sumLines(view.second, paint, width),
    workers,
    methods,
  ];
  const lines = parts.filter((part) => part.length > 0).flatMap((part, at) => (at === 0 ? part : ["", ...part]));
  return (height === 0 ? lines : lines.slice(0, height)).join("\n");
}

function headLine({ atMs }: NowView, { app, server, hint }: TopHead, paint: Paint, width: number): string {
  const time = new Date(atMs).toTimeString().slice(0, 8);
  const text = `${time}  ${app} on ${server}${hint === undefined ? "" : `  ${hint}`}`;
  return `${paint("bold", "troupe top")}  ${clip(printable(text), width === 0 ? 0 : Math.max(1, width - 12))}`;
}

/** The worst come first; what does not fit is counted. */
function unhealthyLines({ unhealthy }: NowView, linesMax: number, paint: Paint, width: number): readonly string[] {
  const shown = unhealthy.slice(0, Math.max(1, Math.floor(linesMax / 2)));
  const rest = unhealthy.length - shown.length;
  const cut = (text: string, indent: number) => clip(printable(text), width === 0 ? 0 : Math.max(1, width - indent));
  return [
    ...shown.flatMap((finding) => {
      const { level, text, remedy } = finding;
      const cutFinding = { ...finding, text: cut(text, level.length + 4), remedy: cut(remedy, 4) };
      return printFinding(cutFinding, paint).split("\n");
    }),
    ...(rest > 0 ? [paint("dim", clip(`  and ${rest} more: troupe doctor, troupe dashboard`, width))] : []),
  ];
}

function sumLines(second: Second, paint: Paint, width: number): readonly string[] {
  const { turnsPerS, asksPerS, tellsPerS, queriesPerS, failedPerS, retriedPerS, deadPerS, conflictsPerS } = second;
  const { lag, oldestMs, activations, outboxPending, workers, unownedPartitions } = second;
  const alarming = (text: string, is: number | null): Cell => ({ text, isAlarming: is !== null && is > 0 });
  const words = (oldestMs ?? 0) < underWayMsMax ? "under way" : "wait";
  const waits = lag === 0 ? "nothing waits" : `${amount(lag)} ${words}, the oldest for ${printSpan(oldestMs ?? 0)}`;
  const rows: readonly (readonly (string | Cell)[])[] = [
    [
      `turns   ${rate(turnsPerS)} a second (ask ${rate(asksPerS)}, tell ${rate(tellsPerS)}, query ${rate(queriesPerS)})`,
      alarming(`failed ${rate(failedPerS)}`, failedPerS),
      `retried ${rate(retriedPerS)}`,
      alarming(`dead ${rate(deadPerS)}`, deadPerS),
      `conflicts ${rate(conflictsPerS)}`,
    ],
    [
      `took    turn ${latency(second.turnP50Ms)}, 95 % ${latency(second.turnP95Ms)}, 99 % ${latency(second.turnP99Ms)}`,
      `commit ${latency(second.commitP50Ms)}, 99 % ${latency(second.commitP99Ms)}`,
      `${amount(second.turnsPerCommit)} turns to a commit`,
    ],
    [
      alarming(`stands  ${waits}`, (oldestMs ?? 0) < oldMsMin ? 0 : lag),
      count(workers, "worker"),
      alarming(`${unownedPartitions} partitions without owner`, unownedPartitions),
      `${amount(activations)} activations`,
      `outbox ${amount(outboxPending)}`,
    ],
  ];
  return rows.map((cells) => fitting(cells, paint, width));
}

interface Cell {
  readonly text: string;
  readonly isAlarming: boolean;
}

/** As many of the cells as there is room for: the first are the ones that matter most. */
function fitting(cells: readonly (string | Cell)[], paint: Paint, width: number): string {
  const shown: string[] = [];
  let room = width === 0 ? Number.POSITIVE_INFINITY : width;
  for (const cell of cells) {
    const { text, isAlarming } = typeof cell === "string" ? { text: cell, isAlarming: false } : cell;
    if (text.length > room && shown.length > 0) break;
    const cut = clip(text, width);
    shown.push(isAlarming ? paint("red", cut) : cut);
    room -= cut.length + 2;
  }
  return shown.join("  ");
}

const stateOrder: readonly WorkerRow["state"][] = ["silent", "drains", "serves"];

function workerLines({ workers }: NowView, linesMax: number, paint: Paint, width: number): readonly string[] {
  if (workers.length === 0) return [paint("dim", "no worker lives")];
  const head = ["WORKER", "STATE", "TURNS/S", "99 %", "FAILED/S", "BUSY", "HEAP", "ACTIVE", "PARTITIONS", "LAG", "UP"];
  const rank = ({ state }: WorkerRow) => stateOrder.indexOf(state);
  const sorted = [...workers].sort((a, b) => rank(a) - rank(b) || (b.turnsPerS ?? 0) - (a.turnsPerS ?? 0));
  const rows = sorted.map((worker) => [
    ...[callWorker(worker.worker, workers), worker.state, rate(worker.turnsPerS), latency(worker.turnP99Ms)],
    ...[rate(worker.failedPerS), worker.busy === null ? "-" : `${Math.round(worker.busy * 100)} %`],
    ...[worker.heapBytes === null ? "-" : printBytes(worker.heapBytes), amount(worker.activations)],
    ...[String(worker.partitions), amount(worker.lag), worker.upMs === null ? "-" : printSpan(worker.upMs)],
  ]);
  return tableLines(head, rows, linesMax, paint, width);
}

function methodLines(methods: readonly MethodRow[], linesMax: number, paint: Paint, width: number): readonly string[] {
  if (methods.length === 0) return [];
  const head = ["METHOD", "TURN", "A SECOND", "FAILED/S", "HALF", "99 %"];
  const rows = methods.map(({ type, method, turn, perS, failedPerS, p50Ms, p99Ms }) => [
    ...[`${type}.${method}`, turn, rate(perS), rate(failedPerS), latency(p50Ms), latency(p99Ms)],
  ]);
  return tableLines(head, rows, linesMax, paint, width);
}

/** The head, as many rows as fit, and how many do not. */
function tableLines(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  linesMax: number,
  paint: Paint,
  width: number,
): readonly string[] {
  const most = Math.max(1, rows.length + 1 <= linesMax ? rows.length : linesMax - 2);
  const lines = printTable(head, rows.slice(0, most), paint, width).split("\n");
  return rows.length > most ? [...lines, paint("dim", clip(`and ${rows.length - most} more`, width))] : lines;
}

function rate(perS: number | null): string {
  if (perS === null) return "-";
  return perS > 0 && perS < 10 ? perS.toFixed(1) : amount(perS);
}

function amount(value: number | null): string {
  if (value === null) return "-";
  const digits = value < 10 ? 1 : 0;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}

function latency(ms: number | null): string {
  if (ms === null) return "-";
  if (ms >= 100) return printSpan(ms);
  return `${ms < 10 ? ms.toFixed(2) : ms.toFixed(1)} ms`;
}
