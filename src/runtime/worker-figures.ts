// What a worker's figures have beside those of its events: the names that they may have as labels, and how it stands.

import type { AnyActor } from "../actors/definition.ts";
import { systemMethods } from "../actors/system-methods.ts";
import type { Served } from "../core/figure-fold.ts";
import type { NumberSeries } from "../core/figures.ts";
import type { PoolKeeper } from "./pool-keeper.ts";

/** `actors`: by pool, and there by type. */
export function servedBy(actors: ReadonlyMap<string, ReadonlyMap<string, AnyActor>>): Served {
  const definitions = [...actors.values()].flatMap((ofPool) => [...ofPool.values()]);
  return {
    pools: [...actors.keys()],
    types: new Map(definitions.map(({ type, methods }) => [type, [...Object.keys(methods), ...systemMethods]])),
  };
}

export function workerGauges(activations: number, pools: Iterable<PoolKeeper>): readonly NumberSeries[] {
  let pending = 0;
  const owned: NumberSeries[] = [];
  for (const { pool, hosts } of pools) {
    for (const host of hosts) pending += host.unpublished;
    owned.push({ name: "troupe.partitions.owned", labels: { pool }, value: hosts.length });
  }
  return [
    { name: "troupe.activations", labels: {}, value: activations },
    ...owned,
    { name: "troupe.outbox.pending", labels: {}, value: pending },
  ];
}
