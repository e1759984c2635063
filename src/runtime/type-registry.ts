// The actor types of an app, in the cluster bucket: which pool each belongs to, and the highest schema number that its
// code has had. Written by workers when they start; it outlives them, so that mail for a type that nobody serves just now
// is told from mail for a type that never was.
//
//   Y3. A type belongs to one pool for good: in another its actors' mailboxes would not be found.
//   Y4. What this process has registered stands for as long as it runs: after a start over of the bucket, which may have been
//       made anew, it is registered again.
//   Y5. Before a type is called unknown it is looked up where it would stand: the copy that is followed here may lag. A name that
//       nobody has registered costs a read at most once in `unknownMs`.

import type { Outline } from "../actors/definition.ts";
import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { decodeRecord, decodeText, encodeText } from "../core/codec.ts";
import { isTroupeError, TroupeError } from "../core/errors.ts";
import type { ActorAddress } from "../core/ids.ts";
import { printAddress } from "../core/ids.ts";
import { Replica } from "../kv/replica.ts";
import type { KvStore } from "../kv/store.ts";
import { outlineKey, outlineKeys, typeKey } from "./subjects.ts";

export interface TypeFacts {
  readonly pool: string;
  readonly schema: number;
}

/** Wait before something is registered again that could not be (Y4). Unit: ms. */
const againMs = 500;
/** How long a type that was looked up in vain is taken for unknown, and of how many that is remembered (Y5). Unit: ms. */
const unknownMs = 1_000;
const unknownMax = 1_000;

export class TypeRegistry {
  readonly #cluster: KvStore;
  readonly #clock: Clock;
  readonly #ended = new AbortController();
  readonly #types = new Map<string, TypeFacts>();
  readonly #outlines = new Map<string, Outline>();
  /** What was looked up since `#unknownSinceMs`. */
  readonly #unknown = new Map<string, Promise<void>>();
  #unknownSinceMs = 0;
  #replica: Replica | undefined;
  #restoring: Promise<void> = Promise.resolve();

  private constructor(cluster: KvStore, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  /** Rejects as a store's `watch` does. */
  static async open(cluster: KvStore, clock: Clock): Promise<TypeRegistry> {
    const registry = new TypeRegistry(cluster, clock);
    const onChange = (key: string | undefined) => {
      if (key === undefined) registry.#restoring = registry.#restoring.then(() => registry.#restore()); // Y4
    };
    registry.#replica = await Replica.open({ store: cluster, pattern: typeKey("*"), clock, onChange });
    return registry;
  }

  /** What is known of a type; undefined when no worker ever had it. */
  find(type: string): TypeFacts | undefined {
    const entry = this.#replica?.get(typeKey(type));
    return entry === undefined ? undefined : readFacts(entry.value);
  }

  /** As `find`, of a type that may have been registered a moment ago (Y5). Rejects as `get` does. */
  async learn(type: string): Promise<TypeFacts | undefined> {
    const known = this.find(type);
    if (known !== undefined) return known;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#unknownSinceMs >= unknownMs || this.#unknown.size >= unknownMax) {
      this.#unknown.clear();
      this.#unknownSinceMs = nowMs;
    }
    const looking = this.#unknown.get(type) ?? this.refresh(type);
    this.#unknown.set(type, looking);
    await looking;
    return this.find(type);
  }

  /** Looks at what stands itself: the copy that `find` goes by may lag. Rejects as `get` does. */
  async refresh(type: string): Promise<void> {
    await this.#replica?.refresh(typeKey(type));
  }

  /** Writes down what a worker's code has. Rejects with LAYOUT_MISMATCH (Y3), and as stores do. */
  async register(type: string, facts: TypeFacts): Promise<void> {
    await this.#write(type, facts);
    this.#types.set(type, facts);
  }

  async #write(type: string, facts: TypeFacts): Promise<void> {
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
      if (write.kind === "written") return this.#replica?.refresh(key);
    }
  }

  /** Writes down what a worker's code says of a type; the last that says it of a version counts. Rejects as stores do. */
  async registerOutline(type: string, outline: Outline): Promise<void> {
    await this.#writeOutline(type, outline);
    this.#outlines.set(type, outline);
  }

  async #writeOutline(type: string, { version, value }: Outline): Promise<void> {
    const text = JSON.stringify(value);
    const standing = await this.#cluster.get(outlineKey(type, version));
    if (standing !== undefined && decodeText(standing.value) === text) return;
    await this.#cluster.put(outlineKey(type, version), encodeText(text));
  }

  async close(): Promise<void> {
    this.#ended.abort();
    await Promise.all([this.#restoring, this.#replica?.close()]);
  }

  /** Y4. Until it is done: without it the app forgets what this worker serves. */
  async #restore(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      try {
        for (const [type, facts] of this.#types) await this.#write(type, facts);
        for (const [type, outline] of this.#outlines) await this.#writeOutline(type, outline);
        return;
      } catch (thrown) {
        // Another pool has taken the type meanwhile: that stands, and this worker's asks say so (Y3).
        if (isTroupeError(thrown) && thrown.retry === "never") return;
      }
      await delay(this.#clock, againMs, signal);
    }
  }
}

/** What is told of a type's definition; undefined when no worker has told it, or it is no JSON. Rejects as `get` does. */
export async function readOutlineOf(cluster: KvStore, type: string, version: number): Promise<unknown> {
  const entry = await cluster.get(outlineKey(type, version));
  try {
    return entry === undefined ? undefined : JSON.parse(decodeText(entry.value));
  } catch {
    // Somebody else has written there.
    return undefined;
  }
}

/** The highest version of each type of which something is told. Rejects as `list` does. */
export async function outlinedTypes(cluster: KvStore): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for (const key of await cluster.list(outlineKeys)) {
    const [, type = "", version] = key.split(".");
    if (Number(version) > (found.get(type) ?? 0)) found.set(type, Number(version));
  }
  return found;
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

/** Reads what stands at a type's key; undefined when somebody else has written there. */
export function readFacts(value: Uint8Array): TypeFacts | undefined {
  const facts = decodeRecord<TypeFacts>(value);
  return facts === undefined ? undefined : { pool: facts.pool ?? "main", schema: facts.schema ?? 1 };
}
