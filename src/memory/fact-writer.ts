// How facts are written so that no write is lost and none comes back after an erasure.
//
//   F1. A fact that exists is written by one compare-and-set on its revision, as of a moment at which the scope was not
//       being erased: an erasure that comes between takes that revision away.
//   F2. What does not exist, and what is written whatever stands, is written only while the scope's head is as it was
//       read, in one transaction with that expectation: an erasure changes the head before it looks for facts.
//   F3. A write whose answer was lost is looked for by its id. While it may still land, what is tried again expects the
//       same as it did, so that one of the two stands; what cannot be known rejects with OUTCOME_UNKNOWN.

import { contentionDelay } from "../core/clock.ts";
import type { Json } from "../core/codec.ts";
import { isTroupeError, TroupeError } from "../core/errors.ts";
import type { KvOperationRequest, Revision } from "../kv/store.ts";
import { type Fact, isExpired, printFact, type StoredFact, storedDeletion, storedFact } from "./fact.ts";
import { type FactOutcome, type FactWriteOptions, saysWhoDeletes } from "./fact-outcome.ts";
import { deletionAfter, type FactReader, versionOfWrite } from "./fact-reader.ts";
import { hasWritten, mayBeForgotten, withWriter } from "./fact-writers.ts";
import { bearHead, checkEra, type Head, readHead, type StandingHead } from "./head.ts";
import { factKey, headKey } from "./memory-keys.ts";
import { scopeKey } from "./scope.ts";

/** What becomes of a fact. */
export type FactDecision =
  | { readonly kind: "write"; readonly value: Json }
  | { readonly kind: "forget" }
  | { readonly kind: "leave" };

export type DecideFact = (present: Fact | undefined) => FactDecision | Promise<FactDecision>;

/** Attempts to write a fact before it is given up, and the longest wait between two. Unit of the wait: ms. */
const attemptsMax = 100;
const waitMsMax = 50;
/** Characters of the id that a write is given. */
const idLength = 10;

/** A write that is tried until it stands. */
interface Attempted {
  readonly name: string;
  readonly key: string;
  readonly id: string;
  readonly era: number;
  readonly options: FactWriteOptions;
  readonly decide: DecideFact;
  doubt: Doubt | undefined;
}

/** An attempt whose answer was lost, and that may still land. */
interface Doubt {
  readonly expected: Revision;
  /** It was a deletion that names no write. */
  readonly isBare: boolean;
  readonly error: TroupeError;
}

/** Undefined when somebody was quicker: it is to be tried again on what stands then. */
type AttemptOutcome = FactOutcome | { readonly kind: "overtaken"; readonly revision: Revision };

export class FactWriter {
  readonly #reader: FactReader;
  readonly #scope: string;
  readonly #headKey: string;
  readonly #schema: number;
  /** The scope's head as it was last seen. */
  #head: StandingHead | undefined;
  /** The era in which is formed what is written through this handle. */
  #era: number | undefined;

  constructor(reader: FactReader, schema: number) {
    this.#reader = reader;
    this.#scope = scopeKey(reader.scope);
    this.#headKey = headKey(reader.scope);
    this.#schema = schema;
  }

  /** Looks at the scope's era, if that has not been done: what is formed from now on is refused after an erasure. */
  async learnEra(): Promise<number> {
    this.#era ??= (await this.#lookAtHead()).head.era;
    return this.#era;
  }

  /** Writes whatever stands there (F2). Rejects with OUTCOME_UNKNOWN when the answer was lost and it is not there yet. */
  async put(name: string, value: Json, options: FactWriteOptions): Promise<FactOutcome> {
    const era = options.era ?? (await this.learnEra());
    const key = factKey(this.#reader.scope, name);
    const id = this.#freshId();
    const put = { kind: "put", key, value: await this.#encode(this.#stored(value, options, id)) } as const;
    // What was seen before the era began that the write was formed in says nothing of it.
    let standing = this.#head === undefined || this.#head.head.era < era ? await this.#lookAtHead() : this.#head;
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      standing = await this.#headToWrite(standing, era);
      try {
        const outcome = await this.#transact(standing.revision, put);
        if (outcome.kind === "written") return { kind: "written", revision: outcome.revision, value };
      } catch (thrown) {
        const version = isInDoubt(thrown) ? versionOfWrite(await this.#reader.history(name), id) : undefined;
        if (version === undefined) throw thrown;
        return { kind: "written", revision: version.revision, value };
      }
      standing = await this.#lookAtHead();
    }
    throw contended(this.#headKey, standing.revision);
  }

  /** Writes what `decide` makes of what stands, again on what stands then when somebody was quicker (F1, F2). */
  async change(name: string, options: FactWriteOptions, decide: DecideFact): Promise<FactOutcome> {
    const era = options.era ?? (await this.learnEra());
    const { clock } = this.#reader.stores;
    const key = factKey(this.#reader.scope, name);
    const id = options.writeId ?? this.#freshId();
    const attempted: Attempted = { name, key, id, era, options, decide, doubt: undefined };
    let revision = 0;
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const outcome = await this.#attempt(attempted);
      if (outcome.kind !== "overtaken") return outcome;
      revision = outcome.revision;
      await contentionDelay(clock, attempt, waitMsMax);
    }
    throw attempted.doubt?.error ?? contended(key, revision);
  }

  async #attempt(attempted: Attempted): Promise<AttemptOutcome> {
    const { name, options, era } = attempted;
    const { head, stored } = await this.#reader.standing(name);
    this.#head = head;
    this.#checkEra(head.head, era);
    if (stored !== undefined && options.numbered !== undefined && hasWritten(stored.writers, options.numbered)) {
      return { kind: "duplicate", revision: stored.revision };
    }
    const known = await this.#known(attempted, stored);
    if (known !== undefined) return known;
    const present = stored === undefined || isExpired(stored, this.#reader.stores.clock.now()) ? undefined : stored;
    const { expected } = options;
    // What is absent may be expected by 0, and by the revision with which it went; of a deletion only the store knows it.
    const isExpected =
      expected === undefined || expected === (present?.revision ?? 0) || expected === stored?.revision || !stored;
    if (!isExpected) return { kind: "conflict", revision: present?.revision ?? 0 };
    const decision = await attempted.decide(present);
    if (decision.kind !== "write" && stored === undefined && (expected ?? 0) !== 0) {
      return { kind: "conflict", revision: 0 };
    }
    if (decision.kind === "leave" || (decision.kind === "forget" && present === undefined)) {
      return { kind: "unchanged", revision: present?.revision ?? 0, value: present?.value };
    }
    const { revision } = stored === undefined ? await this.#headToWrite(head, era) : head;
    return this.#tryWrite(attempted, decision, stored, revision);
  }

  async #tryWrite(
    attempted: Attempted,
    decision: Exclude<FactDecision, { kind: "leave" }>,
    standing: Fact | undefined,
    headRevision: Revision,
  ): Promise<AttemptOutcome> {
    const { key, id, options } = attempted;
    const expected = standing?.revision ?? options.expected ?? 0;
    const value = decision.kind === "write" ? decision.value : undefined;
    try {
      const write = await this.#write(key, decision, id, options, { standing, expected, headRevision });
      if (write.kind === "written") return { kind: "written", revision: write.revision, value };
      const isAnswer = options.expected !== undefined && attempted.doubt === undefined && write.isOfFact;
      return { kind: isAnswer ? "conflict" : "overtaken", revision: write.revision };
    } catch (thrown) {
      if (!isInDoubt(thrown)) throw thrown;
      const isBare = decision.kind === "forget" && !saysWhoDeletes(options);
      attempted.doubt = { expected, isBare, error: thrown }; // F3
      return { kind: "overtaken", revision: expected };
    }
  }

  async #write(
    key: string,
    decision: Exclude<FactDecision, { kind: "leave" }>,
    id: string,
    options: FactWriteOptions,
    place: { readonly standing: Fact | undefined; readonly expected: Revision; readonly headRevision: Revision },
  ): Promise<FencedWrite> {
    const { facts } = this.#reader.stores;
    const { standing, expected, headRevision } = place;
    if (decision.kind === "forget" && !saysWhoDeletes(options)) {
      return { ...(await facts.delete(key, { expected })), isOfFact: true };
    }
    const made = decision.kind === "forget" ? storedDeletion(options, id) : this.#stored(decision.value, options, id);
    const seen = options.numbered === undefined ? standing?.writers : withWriter(standing?.writers, options.numbered);
    const value = await this.#encode(seen === undefined ? made : { ...made, seen });
    if (standing !== undefined) return { ...(await facts.update(key, value, standing.revision)), isOfFact: true }; // F1
    return this.#transact(headRevision, { kind: "put", key, value, expected }); // F2
  }

  /** Whether this write was made before, or stands although its answer was lost (F3). */
  async #known(attempted: Attempted, stored: Fact | undefined): Promise<FactOutcome | undefined> {
    const { name, id, options, doubt } = attempted;
    const { numbered } = options;
    const isNew = numbered !== undefined && !mayBeForgotten(stored?.writers, numbered);
    if ((options.writeId === undefined || isNew) && doubt === undefined) return undefined;
    const standing = stored?.revision ?? 0;
    const history = await this.#reader.history(name);
    const version = doubt?.isBare ? deletionAfter(history, doubt.expected) : versionOfWrite(history, id);
    if (version !== undefined) {
      const { revision, fact } = version;
      return doubt === undefined ? { kind: "duplicate", revision } : { kind: "written", revision, value: fact?.value };
    }
    if (doubt === undefined || standing === doubt.expected) return undefined;
    const isKept = history.isComplete || history.versions.some(({ revision }) => revision === doubt.expected);
    if (!isKept) throw doubt.error;
    attempted.doubt = undefined;
    return undefined;
  }

  /** One write that stands only if the head does. */
  async #transact(headRevision: Revision, put: KvOperationRequest): Promise<FencedWrite> {
    const check = { kind: "check", key: this.#headKey, expected: headRevision } as const;
    const outcome = await this.#reader.stores.facts.transact([check, put]);
    if (outcome.kind === "written") return { kind: "written", revision: outcome.revisions[0] ?? 0, isOfFact: true };
    return { kind: "conflict", revision: outcome.revision, isOfFact: outcome.key === put.key };
  }

  async #lookAtHead(): Promise<StandingHead> {
    this.#head = await readHead(this.#reader.stores.facts, this.#reader.scope);
    return this.#head;
  }

  /** The head that a first write counts on: a scope that lies under others has one before it has a fact (H4). */
  async #headToWrite(standing: StandingHead, era: number): Promise<StandingHead> {
    this.#checkEra(standing.head, era);
    if (standing.above === undefined) return standing;
    const { facts, clock } = this.#reader.stores;
    this.#head = await bearHead(facts, this.#reader.scope, clock);
    this.#checkEra(this.#head.head, era);
    return this.#head;
  }

  /** What is refused was formed under what this handle knew: from here on it looks anew. */
  #checkEra(head: Head, era: number): void {
    try {
      checkEra(this.#scope, head, era);
    } catch (thrown) {
      this.#era = undefined;
      throw thrown;
    }
  }

  #stored(value: Json, options: FactWriteOptions, id: string): StoredFact {
    return storedFact(value, options, id, this.#schema, this.#reader.stores.clock.now());
  }

  #encode(stored: StoredFact): Promise<Uint8Array> {
    return this.#reader.stores.codecs.encode(printFact(stored));
  }

  #freshId(): string {
    return this.#reader.stores.clock.uniqueId().slice(0, idLength);
  }
}

/** A write, and of a conflict whether it was the fact that did not stand, or the scope's head. */
interface FencedWrite {
  readonly kind: "written" | "conflict";
  readonly revision: Revision;
  readonly isOfFact: boolean;
}

function isInDoubt(thrown: unknown): thrown is TroupeError {
  return isTroupeError(thrown) && thrown.code === "OUTCOME_UNKNOWN";
}

function contended(key: string, revision: Revision): TroupeError {
  const text = `${key} was changed by others ${attemptsMax} times in a row, last as revision ${revision}`;
  return new TroupeError("WRITE_CONTENDED", text, { data: { key, revision } });
}
