// The ports with buckets that tell the process's events of their conflicts, and of what their watches do.

import type { BucketRole, EventStream } from "../core/events.ts";
import type { StoreListener } from "../kv/heard-store.ts";
import { HeardStore } from "../kv/heard-store.ts";
import type { KvStore } from "../kv/store.ts";
import { placeOf } from "../memory/memory-keys.ts";
import { scopeKind } from "../memory/scope.ts";
import { lazily } from "./lazy-store.ts";
import type { MemoryBuckets, Ports } from "./ports.ts";

/** Commits go past it: they are in too much of a hurry for one more promise, and tell of their conflicts themselves. */
export function heardPorts(ports: Ports, events: EventStream): Ports {
  const heard = (store: KvStore, bucket: BucketRole) => new HeardStore(store, ports.clock, listenerOf(bucket, events));
  const memory = lazily(async (): Promise<MemoryBuckets> => {
    const { entries, facts } = await ports.openMemory();
    return { entries: heard(entries, "memory"), facts: heard(facts, "facts") };
  });
  const central = lazily(async () => heard(await ports.openCentral(), "central"));
  return {
    ...ports,
    state: heard(ports.state, "state"),
    cluster: heard(ports.cluster, "cluster"),
    openMemory: memory.open,
    openCentral: central.open,
  };
}

export function listenerOf(bucket: BucketRole, events: EventStream): StoreListener {
  return {
    get isHeard() {
      return events.isHeard;
    },
    conflict: (key) => {
      // Workers race for leases and partitions as a matter of course: that one of them loses says nothing.
      if (bucket !== "cluster") events.emit({ kind: "conflict", bucket, of: kindOf(bucket, key), key });
    },
    seen: (lagMs) => events.emit({ kind: "watch-seen", bucket, lagMs }),
    restarted: (reason) => events.emit({ kind: "watch-restarted", bucket, reason }),
  };
}

const other = "other";

/** What lies at a key, by a name out of a closed set: the actor type, the kind of scope, the model, the kind of record. */
function kindOf(bucket: BucketRole, key: string): string {
  if (bucket !== "memory" && bucket !== "facts") return key.includes(".") ? key.slice(0, key.indexOf(".")) : other;
  const place = placeOf(key);
  return place === undefined ? other : scopeKind(place.scope);
}
