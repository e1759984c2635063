// The way to the values of keys for whoever changes them: what stands there, and a write over it.
//
//   R1. What is remembered of this process's own writes may have been overtaken. A write by it is refused then (K2); an
//       answer that writes nothing is given from a fresh look only.

import { FleetingMap } from "../core/fleeting-map.ts";
import type { KvEntry, KvStore, KvWrite, Revision } from "../kv/store.ts";

/** What a key holds; revision 0 and no value when it does not exist. */
export interface Seen {
  readonly revision: Revision;
  readonly value: Uint8Array | undefined;
  /** Read just now, not remembered (R1). */
  readonly isFresh: boolean;
}

/** Who makes a state supposes that there is none, which spares a look. */
export const nothingSupposed: Seen = { revision: 0, value: undefined, isFresh: false };

export interface StateDoor {
  /** Rejects as `KvStore.get` does. */
  look(key: string): Promise<Seen>;
  /** Writes over what was seen. Rejects as `KvStore.update` does. */
  write(key: string, value: Uint8Array, over: Seen): Promise<KvWrite>;
  /** Takes note of what this process has written. */
  remember(key: string, value: Uint8Array, revision: Revision): void;
  forget(key: string): void;
}

export function seenOf(entry: KvEntry | undefined): Seen {
  return { revision: entry?.revision ?? 0, value: entry?.value, isFresh: true };
}

const rememberedMax = 1_024;
/** Larger values are read again. Unit: bytes. */
const rememberedBytesMax = 4_096;

/** The door of everybody who has no lock. */
export class PlainDoor implements StateDoor {
  readonly #kv: KvStore;
  /** Those written last come last. */
  readonly #remembered = new FleetingMap<string, Seen>();

  constructor(kv: KvStore) {
    this.#kv = kv;
  }

  async look(key: string): Promise<Seen> {
    return this.#remembered.get(key) ?? seenOf(await this.#kv.get(key));
  }

  write(key: string, value: Uint8Array, over: Seen): Promise<KvWrite> {
    return this.#kv.update(key, value, over.revision);
  }

  remember(key: string, value: Uint8Array, revision: Revision): void {
    this.#remembered.delete(key);
    if (value.length > rememberedBytesMax) return;
    this.#remembered.set(key, { revision, value, isFresh: false });
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > rememberedMax && oldest !== undefined) this.#remembered.delete(oldest);
  }

  forget(key: string): void {
    this.#remembered.delete(key);
  }
}
