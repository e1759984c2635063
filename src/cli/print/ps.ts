// What `troupe ps` shows a person.

import { printAddress } from "../../core/ids.ts";
import type { WorkerFacts } from "../cluster-picture.ts";
import type { Paint } from "../text.ts";
import { count, printBytes, printSpan, printTable } from "../text.ts";

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

export interface PsPicture {
  readonly app: string;
  readonly workers: readonly WorkerFacts[];
  readonly partitions: { readonly total: number; readonly owned: number };
  readonly actors: readonly ActorRow[];
  /** Actors that match, listed or not. */
  readonly total: number;
}

export function printPs(picture: PsPicture, nowMs: number, paint: Paint, width: number): string {
  const { workers, actors, partitions, total } = picture;
  const parts = [
    workers.length === 0
      ? paint("yellow", "No worker runs: messages wait.")
      : workerTable(workers, nowMs, paint, width),
    actors.length === 0 ? "No actor has a committed value yet." : actorTable(actors, nowMs, paint, width),
  ];
  const hidden = total - actors.length;
  const sums = [count(total, "actor"), `${partitions.owned} of ${count(partitions.total, "partition")} owned`];
  if (hidden > 0) sums.push(`${hidden} not shown (--limit 0 shows all)`);
  return [...parts, paint("dim", sums.join("; "))].join("\n\n");
}

function workerTable(workers: readonly WorkerFacts[], nowMs: number, paint: Paint, width: number): string {
  const head = ["WORKER", "POOL", "PID", "PARTITIONS", "LEASE", "UP", "ACTORS"];
  const rows = workers.map(({ worker, pools, pid, partitions, leaseMs, startedAt, actors }) => [
    ...[worker, pools.join(", "), String(pid ?? "?"), String(partitions), `${printSpan(leaseMs)} left`],
    startedAt === undefined ? "?" : printSpan(nowMs - Date.parse(startedAt)),
    actors.join(", "),
  ]);
  return printTable(head, rows, paint, width);
}

function actorTable(actors: readonly ActorRow[], nowMs: number, paint: Paint, width: number): string {
  const head = ["ACTOR", "REVISION", "SIZE", "COMMITTED", "PARTITION", "WORKER"];
  const rows = actors.map(({ type, id, revision, bytes, committedAt, partition, worker }) => [
    ...[printAddress({ type, id }), String(revision), printBytes(bytes)],
    `${printSpan(nowMs - Date.parse(committedAt))} ago`,
    ...[String(partition ?? "?"), worker ?? "nobody"],
  ]);
  return printTable(head, rows, paint, width);
}
