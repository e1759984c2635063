// What `troupe ps` shows a person.

import { count, printBytes, printSpan } from "../../core/amounts.ts";
import { printAddress } from "../../core/ids.ts";
import type { PartitionFacts, WorkerFacts } from "../../monitoring/cluster-picture.ts";
import { callWorker } from "../../monitoring/cluster-picture.ts";
import type { Finding } from "../../monitoring/doctor/diagnosis.ts";
import type { PoolFacts, Waiting } from "../../monitoring/pool-picture.ts";
import type { Paint } from "../text.ts";
import { printTable } from "../text.ts";
import { printFinding } from "./doctor.ts";

/** As `--json` prints it; null where nobody is. */
export interface ActorRow {
  readonly type: string;
  readonly id: string;
  readonly revision: number;
  /** Of the whole committed value. */
  readonly bytes: number;
  readonly committedAt: string;
  readonly pool: string | null;
  readonly partition: number | null;
  readonly worker: string | null;
}

/** As `--json` prints it. */
export interface PsPicture {
  readonly app: string;
  /** What somebody has to know or to do. */
  readonly findings: readonly Finding[];
  readonly workers: readonly WorkerFacts[];
  readonly pools: readonly PoolFacts[];
  readonly partitions: PartitionSums;
  /** With `--partitions` left out, as is their number. */
  readonly actors?: readonly ActorRow[];
  /** Actors that match, listed or not. */
  readonly total?: number;
}

export interface PartitionSums extends Pick<Waiting, "lag" | "oldestMs"> {
  readonly total: number;
  readonly owned: number;
  /** Each of them, with `--partitions`. */
  readonly list?: readonly PartitionFacts[];
}

export function printPs(picture: PsPicture, nowMs: number, paint: Paint, width: number): string {
  const { findings, workers, partitions, actors, total = 0 } = picture;
  const parts = findings.length === 0 ? [] : [findings.map((finding) => printFinding(finding, paint)).join("\n")];
  if (workers.length > 0) parts.push(workerTable(workers, nowMs, paint, width));
  if (partitions.list !== undefined) parts.push(partitionTable(partitions.list, workers, paint, width));
  const sums = [count(workers.length, "worker"), ...picture.pools.map(printPool)];
  if (actors !== undefined) {
    const none = "No actor has a committed value yet.";
    parts.push(actors.length === 0 ? none : actorTable(actors, workers, nowMs, paint, width));
    const hidden = total - actors.length;
    sums.push(`${count(total, "actor")}${hidden > 0 ? `, ${hidden} not shown (--limit 0 shows all)` : ""}`);
  }
  return [...parts, paint("dim", sums.join("; "))].join("\n\n");
}

function printPool({ pool, partitions, owned, unowned }: PoolFacts): string {
  const lag = owned.lag + unowned.lag;
  const oldestMs = Math.max(owned.oldestMs ?? 0, unowned.oldestMs ?? 0);
  const waits =
    lag === 0 ? "nothing waits" : `${count(lag, "message")} wait${lag === 1 ? "s" : ""} (${printSpan(oldestMs)})`;
  return `${pool}: ${owned.partitions} of ${count(partitions, "partition")} owned, ${waits}`;
}

function workerTable(workers: readonly WorkerFacts[], nowMs: number, paint: Paint, width: number): string {
  const head = ["NAME", "WORKER", "POOLS", "STATE", "PARTITIONS", "LAG", "LEASE", "UP", "PID", "ACTORS"];
  const rows = workers.map(({ name, worker, pools, isDraining, partitions, lag, leaseMs, startedAt, pid, actors }) => [
    ...[name ?? "-", worker, pools.join(", "), isDraining ? "drains" : "serves", String(partitions), String(lag)],
    ...[`${printSpan(leaseMs)} left`, startedAt === null ? "?" : printSpan(nowMs - Date.parse(startedAt))],
    ...[String(pid ?? "?"), actors.join(", ")],
  ]);
  return printTable(head, rows, paint, width);
}

function partitionTable(
  partitions: readonly PartitionFacts[],
  workers: readonly WorkerFacts[],
  paint: Paint,
  width: number,
): string {
  const head = ["POOL", "PARTITION", "OWNER", "EPOCH", "CURSOR", "LAG", "OLDEST", "NEEDS"];
  const rows = partitions.map(({ pool, partition, owner, epoch, cursor, lag, oldestMs, needs }) => [
    ...[pool, String(partition), owner === null ? "nobody" : callWorker(owner, workers)],
    ...[String(epoch), String(cursor), String(lag), oldestMs === null ? "-" : printSpan(oldestMs)],
    Object.entries(needs)
      .map(([type, schema]) => `${type} ${schema}`)
      .join(", "),
  ]);
  return printTable(head, rows, paint, width);
}

function actorTable(
  actors: readonly ActorRow[],
  workers: readonly WorkerFacts[],
  nowMs: number,
  paint: Paint,
  width: number,
): string {
  const head = ["ACTOR", "REVISION", "SIZE", "COMMITTED", "POOL", "PARTITION", "WORKER"];
  const rows = actors.map(({ type, id, revision, bytes, committedAt, pool, partition, worker }) => [
    ...[printAddress({ type, id }), String(revision), printBytes(bytes)],
    ...[`${printSpan(nowMs - Date.parse(committedAt))} ago`, pool ?? "?", String(partition ?? "?")],
    worker === null ? "nobody" : callWorker(worker, workers),
  ]);
  return printTable(head, rows, paint, width);
}
