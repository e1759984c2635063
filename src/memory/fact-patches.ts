// The patches of a watch: each fact's change from the value before it.
//
//   P1. A patch leads from the value that the store held before, whatever this watch has seen of it: what is not known
//       here any more, or was before the watch began, is read from the history.
//   P2. What is remembered for this is bounded in number and in bytes; what was used longest ago goes first.

import type { Json } from "../core/codec.ts";
import { diff } from "../core/json-patch.ts";
import type { Revision } from "../kv/store.ts";
import type { FactSet, KeyChange, MemoryReading } from "./memory-change.ts";
import { readChange } from "./memory-change.ts";

const factsMax = 10_000;
/** Unit: bytes, as far as they are known: characters of the values' JSON. */
const bytesMax = 16 * 1_048_576;

interface Before {
  readonly revision: Revision;
  /** Undefined: it was deleted. */
  readonly value: Json | undefined;
  readonly bytes: number;
}

const nothing: Before = { revision: 0, value: undefined, bytes: 0 };

export class FactPatches {
  readonly #reading: MemoryReading;
  /** The one used longest ago in front. */
  readonly #before = new Map<string, Before>();
  #bytes = 0;

  constructor(reading: MemoryReading) {
    this.#reading = reading;
  }

  /** The change with its patch. `isFirst`: nothing was told before, so that it leads from nothing. Rejects as `history` does. */
  async add(change: FactSet, isFirst: boolean): Promise<FactSet> {
    const { key, fact, revision } = change;
    const known = this.#before.get(key);
    const before = known ?? (isFirst ? nothing : await this.#readBefore(key, revision));
    this.#remember(key, revision, fact.value);
    return {
      ...change,
      patch: diff(before.value, fact.value),
      patchFrom: before.value === undefined ? 0 : before.revision,
    };
  }

  /** Takes note of what is no value. */
  note(change: KeyChange): void {
    if (change.kind === "fact-deleted") this.#remember(change.key, change.revision, undefined);
    else this.#forget(change.key);
  }

  /** A bucket that starts over tells everything from nothing. */
  clear(): void {
    this.#before.clear();
    this.#bytes = 0;
  }

  /** P1. A value that cannot be read is as none. */
  async #readBefore(key: string, revision: Revision): Promise<Before> {
    const { facts } = this.#reading.stores;
    const entry = (await facts.history(key)).findLast((one) => one.revision < revision);
    const [change] = entry === undefined ? [] : await readChange(this.#reading, "facts", entry, "news");
    return change?.kind === "fact-set" ? { revision: change.revision, value: change.fact.value, bytes: 0 } : nothing;
  }

  #remember(key: string, revision: Revision, value: Json | undefined): void {
    this.#forget(key);
    const bytes = value === undefined ? 0 : JSON.stringify(value).length;
    this.#before.set(key, { revision, value, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#before.keys()) {
      if (this.#before.size <= factsMax && this.#bytes <= bytesMax) return; // P2
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#bytes -= this.#before.get(key)?.bytes ?? 0;
    this.#before.delete(key);
  }
}
