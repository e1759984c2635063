// The options of a context store: one interface, one set of defaults, one resolver.

import type { Clock } from "../core/clock.ts";
import { systemClock } from "../core/clock.ts";
import { TroupeError } from "../core/errors.ts";
import type { EventStream } from "../core/events.ts";
import type { KvStore } from "../kv/store.ts";
import type { FactFormOptions } from "./fact-form.ts";
import { FactForm } from "./fact-form.ts";
import type { EntrySchemaOptions } from "./log-schema.ts";
import { resolveEntrySchema } from "./log-schema.ts";
import type { MemoryReading } from "./memory-change.ts";
import type { Embedder } from "./recall/embedder.ts";
import type { RecallProgress } from "./recall-follower.ts";
import type { ValueCodec } from "./value-codec.ts";
import { ValueCodecs } from "./value-codec.ts";

export interface ContextStoreSettings {
  /** What stands between values and their bytes: written with the first, read with whichever they name. Default: none. */
  readonly codecs?: readonly ValueCodec[];
  /** What entries look like today, and how older ones are led there. Default: as they are, schema number 1. */
  readonly entrySchema?: EntrySchemaOptions;
  /** Schemas and merge policies of facts by name, and how older values are led to today's. Default: any JSON, last write wins. */
  readonly factForm?: FactFormOptions;
  /** An entry that was given an id is looked for among so many last entries of its log. Default 10,000. */
  readonly idempotencyEntries?: number;
  /** Logs and facts that are at hand: those that were used longest ago read again what they know. Default 2,000. */
  readonly scopesMax?: number;
  /** Turns texts into vectors for `recall`. Default: none, it ranks by words alone. */
  readonly embedder?: Embedder;
  /** Entries and facts that the index of recall holds; the oldest by time go first. Default 100,000. */
  readonly documentsMax?: number;
  /** What that index may take in memory, estimated. Default 512 MiB. Unit: bytes. */
  readonly indexBytesMax?: number;
  /** Told while a scope is read into the index for the first time. */
  readonly onProgress?: (progress: RecallProgress) => void;
  /** A replica tells of a change that took longer to come. Default 1,000. Unit: ms. */
  readonly lagMsMax?: number;
  /** Is told `replica-lagged` and `replica-restarted`. Default: nobody. */
  readonly events?: EventStream;
}

export interface ContextStoreOptions extends ContextStoreSettings {
  /** Heads and logs. A bucket with history 1. Not closed by the context store. */
  readonly entries: KvStore;
  /** Heads and facts. Its history is that of the facts: 16 is a good one. Not closed by the context store. */
  readonly facts: KvStore;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

export const contextStoreDefaults = Object.freeze({
  idempotencyEntries: 10_000,
  scopesMax: 2_000,
  documentsMax: 100_000,
  indexBytesMax: 512 * 1_048_576,
  lagMsMax: 1_000,
});

export interface ResolvedContextStore {
  readonly reading: MemoryReading;
  readonly entrySchema: EntrySchemaOptions | undefined;
  readonly factForm: FactFormOptions;
  readonly idempotencyEntries: number;
  readonly scopesMax: number;
  readonly embedder: Embedder | undefined;
  readonly documentsMax: number;
  readonly indexBytesMax: number;
  readonly onProgress: ((progress: RecallProgress) => void) | undefined;
  readonly lagMsMax: number;
  readonly events: EventStream | undefined;
}

/** Rejects with OPTION_INVALID. */
export function resolveContextStore(options: ContextStoreOptions): ResolvedContextStore {
  const { entries, facts, clock = systemClock, codecs = [], entrySchema, factForm = {} } = options;
  if (entries.historyMax !== 1) {
    const text = `\`entries\` must be a bucket with history 1, ${entries.bucket} keeps ${entries.historyMax}: what is taken out would stay`;
    throw new TroupeError("OPTION_INVALID", text);
  }
  const form = new FactForm(factForm);
  return {
    reading: {
      stores: { entries, facts, clock, codecs: new ValueCodecs(codecs) },
      entrySchema: resolveEntrySchema(entrySchema),
      readFact: (fact) => form.read(fact),
    },
    ...{ entrySchema, factForm },
    idempotencyEntries: whole("idempotencyEntries", options),
    scopesMax: whole("scopesMax", options),
    documentsMax: whole("documentsMax", options),
    indexBytesMax: whole("indexBytesMax", options),
    lagMsMax: whole("lagMsMax", options),
    ...{ embedder: options.embedder, onProgress: options.onProgress, events: options.events },
  };
}

function whole(name: keyof typeof contextStoreDefaults, options: ContextStoreSettings): number {
  const value = options[name] ?? contextStoreDefaults[name];
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new TroupeError("OPTION_INVALID", `\`${name}\` must be a whole number of 1 or more, got ${String(value)}`);
}
