// Which worker is meant: an id, a name, or the beginning of an id that no other begins with. Pure.

import type { WorkerFacts } from "../../monitoring/cluster-picture.ts";
import { CommandFailure } from "../failure.ts";
import { printable } from "../text.ts";

type Known = Pick<WorkerFacts, "worker" | "name" | "pid">;

/** Throws WORKER_NOT_FOUND, or WORKER_AMBIGUOUS. A whole id counts before a name, a name before the beginning of an id. */
export function chooseWorker<Worker extends Known>(text: string, workers: readonly Worker[]): Worker {
  const readings = [
    workers.filter(({ worker }) => worker === text),
    workers.filter(({ name }) => name === text),
    workers.filter(({ worker }) => text !== "" && worker.startsWith(text)),
  ];
  const found = readings.find((reading) => reading.length > 0) ?? [];
  const [first, ...others] = found;
  if (first === undefined) {
    const known = workers.length === 0 ? "none lives" : `those that live: ${listOf(workers)}`;
    const message = `no worker of that name or id: ${printable(text)}; ${known}`;
    throw new CommandFailure(
      "WORKER_NOT_FOUND",
      message,
      "Look with `troupe ps`; a worker that has ended is gone from there.",
    );
  }
  if (others.length === 0) return first;
  const message = `${printable(text)} may be ${found.length} workers: ${listOf(found)}`;
  throw new CommandFailure("WORKER_AMBIGUOUS", message, "Name it by its id, or by a longer beginning of it.");
}

function listOf(workers: readonly Known[]): string {
  return workers
    .map(({ worker, name, pid }) => [worker, name ?? "", pid === null ? "" : `process ${pid}`])
    .map(([id, ...rest]) => `${id}${rest.some((part) => part !== "") ? ` (${rest.filter(Boolean).join(", ")})` : ""}`)
    .join(", ");
}
