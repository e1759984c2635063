// Workers that went without having drained: killed, crashed, or cut off for longer than their lease.

import type { KvEntry } from "../kv/store.ts";
import { readMember } from "../runtime/membership.ts";
import { workerKey, workerOf } from "../runtime/subjects.ts";
import type { WorkerFacts } from "./cluster-picture.ts";
import type { Departed } from "./now-unhealthy.ts";

/** How long it is worth telling. Unit: ms. */
const toldMs = 120_000;
const keptMax = 20;

/** The worker whose lease stands at a key; undefined for the other keys of the bucket. */
export function workerIn(key: string): string | undefined {
  return key.startsWith(workerKey("")) ? workerOf(key) : undefined;
}

export class Departures {
  #living = new Map<string, string | null>();
  /** Those that have said that they drain. */
  readonly #draining = new Set<string>();
  #departed: Departed[] = [];

  /** A lease as it is renewed: a worker may drain and be gone within a second. */
  hear({ key, value }: KvEntry): void {
    const worker = workerIn(key);
    if (worker !== undefined && readMember(worker, value).isDraining) this.#draining.add(worker);
  }

  /** Those of the last two minutes, when these live now. Who is back was only cut off. */
  since(workers: readonly Pick<WorkerFacts, "worker" | "name">[], atMs: number): readonly Departed[] {
    const living = new Map(workers.map(({ worker, name }) => [worker, name]));
    for (const [worker, name] of this.#living) {
      if (living.has(worker)) continue;
      if (!this.#draining.delete(worker)) this.#departed.push({ worker, name, atMs });
    }
    this.#living = living;
    this.#departed = this.#departed
      .filter((each) => !living.has(each.worker) && atMs - each.atMs < toldMs)
      .slice(-keptMax);
    return this.#departed;
  }
}
