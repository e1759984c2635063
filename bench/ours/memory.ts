// Troupe's memory: a context store over a client's buckets.

import { connect } from "../../src/index.ts";
import type { MemoryReplica } from "../../src/memory/memory-replica.ts";
import type { MemorySide, Place } from "../side.ts";
import { settle } from "../side.ts";

const scope = { shared: "bench" };

export async function open({ servers, app }: Place): Promise<MemorySide> {
  const troupe = await connect({ servers, app });
  const memory = await troupe.memory();
  const facts = memory.facts(scope);
  let replicas: readonly MemoryReplica[] = [];
  let opened = 0;

  return {
    set: (name, value, done) =>
      settle(
        facts.set(name, value).then(({ revision }) => revision),
        done,
      ),
    async openReplicas(count, isShared, onValue) {
      // Replicas that hold another number of entries do not share a watch.
      opened += 1;
      const options = (at: number) => ({ entriesMax: 100 * opened + (isShared ? 0 : at) });
      replicas = await Promise.all(Array.from({ length: count }, (_, at) => memory.replica(scope, options(at))));
      for (const replica of replicas) {
        replica.onChange((change) => {
          if (change.kind !== "fact-set" || change.isSnapshot) return;
          onValue((change.fact.value as { readonly write: number }).write);
        });
      }
    },
    async closeReplicas() {
      await Promise.all(replicas.map((replica) => replica.close()));
      replicas = [];
    },
    read(name, times) {
      const [replica] = replicas;
      let found = 0;
      for (let at = 0; at < times; at += 1) if (replica?.fact(name) !== undefined) found += 1;
      if (found !== times) throw new Error(`${name} was missing in ${times - found} of ${times} reads`);
    },
    close: () => troupe.close(),
  };
}
