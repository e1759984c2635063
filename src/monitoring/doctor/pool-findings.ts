// What is wrong with how the pools are served, and what to do. Pure; the doctor and `troupe ps` tell it.

import { count, printSpan } from "../../core/amounts.ts";
import { shellWord } from "../../core/shell-word.ts";
import type { WorkerFacts } from "../cluster-picture.ts";
import { callWorker } from "../cluster-picture.ts";
import type { PoolFacts, Waiting } from "../pool-picture.ts";
import type { Finding } from "./diagnosis.ts";

export interface PoolsSeen {
  readonly app: string;
  readonly pools: readonly PoolFacts[];
  /** All that live, also those of other pools. */
  readonly workers: readonly WorkerFacts[];
}

export function findingsOfPools({ app, pools, workers }: PoolsSeen): readonly Finding[] {
  if (workers.length === 0) return [nobody(pools)];
  const isSeen = (worker: WorkerFacts) => pools.some(({ pool }) => worker.pools.includes(pool));
  const draining = workers
    .filter((worker) => worker.isDraining && isSeen(worker))
    .map((worker) => aboutDraining(worker, workers));
  return [...draining, ...pools.flatMap((pool) => aboutPool(app, pool))];
}

function nobody(pools: readonly PoolFacts[]): Finding {
  const lag = pools.reduce((sum, { unowned }) => sum + unowned.lag, 0);
  const oldest = Math.max(0, ...pools.map(({ unowned }) => unowned.oldestMs ?? 0));
  const waiting =
    lag === 0 ? "" : ` ${count(lag, "message")} wait${lag === 1 ? "s" : ""}, the oldest for ${printSpan(oldest)}.`;
  return {
    id: "nobody",
    level: "warning",
    text: `No worker runs: what is told waits, and asks fail.${waiting}`,
    remedy: "Start one: troupe worker FILE",
  };
}

function aboutDraining({ worker, pid, partitions }: WorkerFacts, workers: readonly WorkerFacts[]): Finding {
  const left = partitions === 0 ? "it has given all of its partitions back" : `${count(partitions, "partition")} left`;
  return {
    id: `draining:${worker}`,
    level: "note",
    text: `The worker ${callWorker(worker, workers)} drains: ${left}.`,
    remedy: `It ends by itself; if it does not, see what its turns wait for${pid === null ? "" : `, or end process ${pid}`}.`,
  };
}

function aboutPool(app: string, facts: PoolFacts): Finding[] {
  const { pool, workers, draining, types, unserved, unmet, unowned } = facts;
  const remedy = `Start one with ${types.length === 0 ? "the types" : "these types"} of the pool: troupe worker FILE --pool ${shellWord(pool)}`;
  if (workers + draining === 0) {
    // A pool that nothing belongs to is nobody's business.
    if (types.length === 0 && unowned.lag === 0) return [];
    const whose = types.length === 0 ? "" : ` (${types.join(", ")})`;
    const text = `No worker serves the pool ${pool}${whose}: what is told waits, and asks fail.${waits(unowned)}`;
    return [{ id: `unserved:${pool}`, level: "warning", text, remedy }];
  }
  const findings: Finding[] = [];
  if (workers === 0) {
    findings.push({
      id: `all-drain:${pool}`,
      level: "warning",
      text: `All workers of the pool ${pool} drain: nobody takes its partitions.`,
      remedy,
    });
  } else if (unowned.partitions > 0) {
    findings.push({
      id: `unowned:${pool}`,
      level: "warning",
      text: `${count(unowned.partitions, "partition")} of the pool ${pool} without an owner.${waits(unowned)}`,
      remedy: "A takeover may be under way; if it stays so, look at the workers' logs.",
    });
  }
  if (unserved.length > 0) {
    const [is, it] = unserved.length === 1 ? ["type", "it"] : ["types", "them"];
    findings.push({
      id: `types:${pool}`,
      level: "warning",
      text: `No worker of the pool ${pool} has the ${is} ${unserved.join(", ")}: what is told to ${it} waits, and asks fail.`,
      remedy: `Start a worker that has ${it}. A type that is gone for good: nats kv del ${app}_cluster type.${unserved[0]}`,
    });
  }
  const [first] = unmet;
  if (first !== undefined) {
    const needs = Object.entries(first.needs).map(([type, schema]) => `${type} of schema ${schema}`);
    findings.push({
      id: `needs:${pool}`,
      level: "warning",
      text: `${count(unmet.length, "partition")} of the pool ${pool} ${unmet.length === 1 ? "holds" : "hold"} what no worker can serve, as ${first.partition}, which needs ${needs.join(" and ")}.`,
      remedy: "Start a worker with that code: newer than what runs, or with all of these types.",
    });
  }
  return findings;
}

function waits({ lag, oldestMs }: Waiting): string {
  if (lag === 0) return "";
  return ` ${count(lag, "message")} wait${lag === 1 ? "s" : ""} there, the oldest for ${printSpan(oldestMs ?? 0)}.`;
}
