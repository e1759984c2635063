// The actor types of an app, in the cluster bucket: which pool each belongs to, and the highest schema number that its
// code has had. Written by workers when they start; it outlives them, so that mail for a type that nobody serves just now
// is told from mail for a type that never was.
//
//   Y3. A type belongs to one pool for good: in another its actors' mailboxes would not be found.

import type { Clock } from "../core/clock.ts";
import { decodeText, encodeText } from "../core/codec.ts";
import { TroupeError } from "../core/errors.ts";
import type { ActorAddress } from "../core/ids.ts";
import { printAddress } from "../core/ids.ts";
import { Replica } from "../kv/replica.ts";
import type { KvStore } from "../kv/store.ts";
import { typeKey } from "./subjects.ts";

export interface TypeFacts {
  readonly pool: string;
  readonly schema: number;
}

export class TypeRegistry {
  readonly #cluster: KvStore;
  readonly #replica: Replica;

  private constructor(cluster: KvStore, replica: Replica) {
    this.#cluster = cluster;
    this.#replica = replica;
  }

  /** Rejects as a store's `watch` does. */
  static async open(cluster: KvStore, clock: Clock): Promise<TypeRegistry> {
    return new TypeRegistry(cluster, await Replica.open({ store: cluster, pattern: typeKey("*"), clock }));
  }

  /** What is known of a type; undefined when no worker ever had it. */
  find(type: string): TypeFacts | undefined {
    const entry = this.#replica.get(typeKey(type));
    return entry === undefined ? undefined : readFacts(entry.value);
  }

  /** Writes down what a worker's code has. Rejects with LAYOUT_MISMATCH (Y3), and as stores do. */
  async register(type: string, facts: TypeFacts): Promise<void> {
    const key = typeKey(type);
    for (;;) {
      const entry = await this.#cluster.get(key);
      const standing = entry === undefined ? undefined : readFacts(entry.value);
      if (standing !== undefined && standing.pool !== facts.pool) {
        const text = `the actor type ${type} belongs to the pool ${standing.pool}; it cannot be served in ${facts.pool}`;
        throw new TroupeError("LAYOUT_MISMATCH", text);
      }
      if (standing !== undefined && standing.schema >= facts.schema) return;
      const write = await this.#cluster.update(key, encodeText(JSON.stringify(facts)), entry?.revision ?? 0);
      if (write.kind === "written") return this.#replica.refresh(key);
    }
  }

  close(): Promise<void> {
    return this.#replica.close();
  }
}

/** Why a worker of the pool cannot serve an actor whose type its code does not have; `facts`: what the app knows of it. */
export function unservedError(self: ActorAddress, pool: string, facts: TypeFacts | undefined): TroupeError {
  const { type } = self;
  const who = `(for ${printAddress(self)})`;
  if (facts === undefined) return new TroupeError("TYPE_UNKNOWN", `no worker ever had the actor type ${type} ${who}`);
  if (facts.pool !== pool) {
    const text = `the actor type ${type} lives in the pool ${facts.pool}, not in ${pool} ${who}`;
    return new TroupeError("TYPE_UNKNOWN", text);
  }
  const text = `this worker of the pool ${pool} does not have the actor type ${type} ${who}`;
  return new TroupeError("TYPE_UNSERVED", text);
}

/** Reads what stands at a type's key. */
export function readFacts(value: Uint8Array): TypeFacts {
  const { pool, schema } = JSON.parse(decodeText(value)) as Partial<TypeFacts>;
  return { pool: pool ?? "main", schema: schema ?? 1 };
}
