// Which worker a partition belongs to: a pure function of who lives, so that all workers that see the same come to the
// same answer without a word.
//
//   Z1. Bounded rendezvous hashing: a partition goes to the worker with the highest weight for it that still has room;
//       room is an equal share, rounded up. So when a worker comes or goes few partitions move but those it takes or leaves.
//   Z2. A partition that needs types or schema numbers which not all workers have goes only to one that has them, also
//       beyond its room. Where none has them it goes as if it needed nothing: what it holds besides is still served.
//   Z3. The order in which workers are given does not matter.
//
// Rendezvous hashing: Thaler and Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM ToN 6(1), 1998;
// with bounded loads: Mirrokni, Thorup, Zadimoghaddam, "Consistent hashing with bounded loads", SODA 2018.

import type { Member } from "./membership.ts";

/** The least schema number of each type that a partition's worker must have. */
export type Needs = Readonly<Record<string, number>>;

export const noNeeds: Needs = Object.freeze({});

/** Whether the worker has all types that are needed, each of that schema number or a later one. */
export function canServe({ types }: Pick<Member, "types">, needs: Needs): boolean {
  return Object.entries(needs).every(([type, schema]) => Object.hasOwn(types, type) && (types[type] ?? 0) >= schema);
}

/**
 * The worker of each partition, by partition; empty when nobody lives. `needs` by partition, missing: none. Workers that
 * drain, or do not serve the pool, are not to be among `workers`.
 */
export function placePartitions(
  partitionCount: number,
  workers: readonly Pick<Member, "worker" | "types">[],
  needs: ReadonlyMap<number, Needs>,
): ReadonlyMap<number, string> {
  const places = new Map<number, string>();
  if (workers.length === 0) return places;
  const room = Math.ceil(partitionCount / workers.length);
  const loads = new Map<string, number>();
  const place = (partition: number, among: readonly Pick<Member, "worker">[]) => {
    const worker = chooseOf(partition, among, loads, room);
    loads.set(worker, (loads.get(worker) ?? 0) + 1);
    places.set(partition, worker);
  };
  const partitions = Array.from({ length: partitionCount }, (_, partition) => partition);
  const isSpecial = (partition: number) => needs.get(partition) !== undefined;
  for (const partition of partitions.filter(isSpecial)) {
    const able = workers.filter((worker) => canServe(worker, needs.get(partition) ?? noNeeds));
    place(partition, able.length === 0 ? workers : able); // Z2
  }
  for (const partition of partitions.filter((each) => !isSpecial(each))) place(partition, workers);
  return places;
}

/** Of the workers that have room the one with the highest weight; when none has, the one with the least load. */
function chooseOf(
  partition: number,
  workers: readonly Pick<Member, "worker">[],
  loads: ReadonlyMap<string, number>,
  room: number,
): string {
  const ranked = workers
    .map(({ worker }) => ({ worker, weight: weightOf(partition, worker), load: loads.get(worker) ?? 0 }))
    .sort((a, b) => b.weight - a.weight || (a.worker < b.worker ? -1 : 1));
  const withRoom = ranked.find(({ load }) => load < room);
  const chosen = withRoom ?? ranked.sort((a, b) => a.load - b.load)[0];
  return chosen?.worker ?? "";
}

/** FNV-1a 32 over the worker's id and the partition, with the finalizer of MurmurHash3, since close inputs must not give close weights. */
function weightOf(partition: number, worker: string): number {
  const text = `${worker}/${partition}`;
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
