// The facts of one scope: values under names, with what was known when. How they are written: `fact-writer.ts`.
//
//   F4. A fact whose time to live is over is absent for every reader.

import type { Json } from "../core/codec.ts";
import { TroupeError } from "../core/errors.ts";
import { diff, type JsonPatch } from "../core/json-patch.ts";
import { checkWhole } from "../kv/writes.ts";
import type { Fact } from "./fact.ts";
import { FactForm, type FactFormOptions } from "./fact-form.ts";
import { type FactMoment, type FactVersion, versionAt, versionHeldAt } from "./fact-history.ts";
import { checkDeleteOptions, type DeleteOptions, type FactOutcome, type FactWriteOptions } from "./fact-outcome.ts";
import { checkPolicy, isSameJson, type MergePolicy, mergeValues } from "./fact-policy.ts";
import { FactReader } from "./fact-reader.ts";
import { type FactDecision, FactWriter } from "./fact-writer.ts";
import { placeOf } from "./memory-keys.ts";
import type { MemoryStores } from "./memory-stores.ts";
import { type Scope, scopeKey } from "./scope.ts";

export type FactsOptions = FactFormOptions;

export interface FactsPlace {
  readonly stores: MemoryStores;
  readonly scope: Scope;
  readonly options?: FactsOptions;
}

export interface FactListOptions {
  /** Only names that begin so. */
  readonly prefix?: string;
  /** At most so many. Default 100, at most 500. */
  readonly limit?: number;
  /** The `cursor` of the page before. */
  readonly cursor?: string;
}

export interface FactPage {
  /** By name. */
  readonly facts: readonly Fact[];
  /** Undefined on the last page. */
  readonly cursor: string | undefined;
}

/**
 * Makes the next value of the present one, undefined when there is none. May be called more than once. Returning undefined
 * or the same value leaves the fact as it is.
 */
export type FactUpdater = (present: Json | undefined) => Json | undefined | Promise<Json | undefined>;

export interface MergeOptions extends FactWriteOptions {
  /** Default: what `policies` says of the name. */
  readonly policy?: MergePolicy;
}

export interface HeldAtOptions {
  /** By what the store knew then. Default: now. */
  readonly asOf?: FactMoment;
}

const listLimitDefault = 100;
const listLimitMax = 500;

/**
 * Every write rejects with FACT_INVALID (nothing was written), SCOPE_ERASED, WRITE_CONTENDED, OUTCOME_UNKNOWN, and as the
 * store does; every read with MEMORY_UNREADABLE, CODEC_UNKNOWN, STATE_TOO_NEW, STATE_TOO_OLD, UPCAST_FAILED, FACT_INVALID
 * (what is stored is not what its schema says), and as the store does.
 */
export class Facts {
  readonly scope: Scope;
  readonly #stores: MemoryStores;
  readonly #form: FactForm;
  readonly #reader: FactReader;
  readonly #writer: FactWriter;

  /** Rejects with SCOPE_INVALID, OPTION_INVALID. */
  constructor({ stores, scope, options = {} }: FactsPlace) {
    this.scope = scope;
    this.#stores = stores;
    this.#form = new FactForm(options);
    this.#reader = new FactReader(stores, scope);
    this.#writer = new FactWriter(this.#reader, this.#form.version);
  }

  /**
   * The scope's era, as these facts know it. What is written through them is formed in it, and refused with SCOPE_ERASED
   * after an erasure; what is written after such a refusal is formed anew.
   */
  era(): Promise<number> {
    return this.#writer.learnEra();
  }

  async get(name: string): Promise<Fact | undefined> {
    await this.#writer.learnEra();
    const fact = await this.#reader.get(name);
    return fact === undefined ? undefined : this.#form.read(fact);
  }

  /** Those that there are, by name. As of one moment for up to 500. */
  async getMany(names: readonly string[]): Promise<ReadonlyMap<string, Fact>> {
    await this.#writer.learnEra();
    const facts = new Map<string, Fact>();
    for (const [name, fact] of await this.#reader.getMany(names)) facts.set(name, await this.#form.read(fact));
    return facts;
  }

  /** By name, a page at a time. A fact that is set or deleted meanwhile may be there or not, every other one is. */
  async list(options: FactListOptions = {}): Promise<FactPage> {
    const { prefix = "", cursor } = options;
    const limit = checkWhole("limit", options.limit ?? listLimitDefault, 1, listLimitMax);
    const keys = await this.#stores.facts.list(`${scopeKey(this.scope)}.fact.*`);
    const names = keys
      .flatMap((key) => {
        const place = placeOf(key);
        return place?.kind === "fact" ? [place.name] : [];
      })
      .filter((name) => name.startsWith(prefix) && (cursor === undefined || name > cursor))
      .sort((a, b) => (a < b ? -1 : 1));
    const facts: Fact[] = [];
    let at = 0;
    while (at < names.length && facts.length < limit) {
      const next = names.slice(at, at + limit - facts.length);
      facts.push(...(await this.getMany(next)).values());
      at += next.length;
    }
    return { facts, cursor: at < names.length ? names[at - 1] : undefined };
  }

  /**
   * Writes the value whatever stands there: the last write wins, and each stands in the history. With `expected` only if
   * that stands. An answer that was lost is looked for; where the write has not been found (yet) it rejects with
   * OUTCOME_UNKNOWN, unless `writeId` or `expected` makes it safe to try again.
   */
  async set(name: string, value: Json, options: FactWriteOptions = {}): Promise<FactOutcome> {
    checkDeleteOptions(options);
    const checked = await this.#form.toStore(name, value);
    if (options.expected === undefined && options.writeId === undefined) {
      return this.#writer.put(name, checked, options);
    }
    return this.#writer.change(name, options, () => ({ kind: "write", value: checked }));
  }

  /** Writes what `updater` makes of what stands, again on what stands then when somebody else was quicker. */
  async update(name: string, updater: FactUpdater, options: FactWriteOptions = {}): Promise<FactOutcome> {
    checkDeleteOptions(options);
    return this.#writer.change(name, options, async (stored): Promise<FactDecision> => {
      const present = stored === undefined ? undefined : (await this.#form.read(stored)).value;
      // The updater may change what it is given; what stands is compared with what it returns.
      const made = await updater(structuredClone(present) as Json | undefined);
      if (made === undefined) return { kind: "leave" };
      const value = await this.#form.toStore(name, made);
      return isSameJson(present, value) && !hasMoreToSay(options) ? { kind: "leave" } : { kind: "write", value };
    });
  }

  /** Brings a value together with what stands, by the name's policy. */
  async merge(name: string, value: Json, options: MergeOptions = {}): Promise<FactOutcome> {
    const { policy = this.#form.policyOf(name), ...others } = options;
    checkPolicy(policy);
    if (value === undefined) throw new TroupeError("FACT_INVALID", `there is no value to merge into ${name}`);
    return this.update(name, (present) => mergeValues(policy, present, value), others);
  }

  /** Forgets the fact; its history stays until it is overwritten. What is not there is `unchanged`. */
  async delete(name: string, options: DeleteOptions = {}): Promise<FactOutcome> {
    checkDeleteOptions(options);
    return this.#writer.change(name, options, () => ({ kind: "forget" }));
  }

  /** The versions that are kept, oldest first, deletions included. */
  async history(name: string): Promise<readonly FactVersion[]> {
    return (await this.#history(name)).versions;
  }

  /** What stood in the store then. Rejects with HISTORY_GONE too, when that is older than what is kept. */
  async at(name: string, moment: FactMoment): Promise<Fact | undefined> {
    return versionAt(await this.#history(name), moment);
  }

  /**
   * What held in the world at `timeMs`, by the validity that the kept versions were given: a later one says more than an
   * earlier one where both are valid. Rejects with HISTORY_GONE too, when a version that is kept no more may have said it.
   */
  async heldAt(name: string, timeMs: number, { asOf }: HeldAtOptions = {}): Promise<Fact | undefined> {
    return versionHeldAt(await this.#history(name), timeMs, asOf, this.#stores.clock.now());
  }

  /** What changed of the value from one moment to another. Rejects with HISTORY_GONE too. */
  async diff(name: string, from: FactMoment, to: FactMoment): Promise<JsonPatch> {
    const history = await this.#history(name);
    return diff(versionAt(history, from)?.value, versionAt(history, to)?.value);
  }

  /** Led to today's schema number, not checked by the schema: what is past was as it was. */
  async #history(name: string) {
    const { versions, ...others } = await this.#reader.history(name);
    const led = versions.map((version) =>
      version.fact === undefined ? version : { ...version, fact: this.#form.upcast(version.fact) },
    );
    return { ...others, versions: led };
  }
}

/** A write that has to be found again, or gives the value another validity or time to live, is made though the value is the same. */
function hasMoreToSay({ writeId, ttlMs, validFromMs, validUntilMs }: FactWriteOptions): boolean {
  return [writeId, ttlMs, validFromMs, validUntilMs].some((option) => option !== undefined);
}
