// The index of recall, in process: documents come and go, a search ranks them by words, and by vectors where there is an
// embedder.
//
//   I1. What was added is found by the next search, what was removed is not: both are done when they return.
//   I2. It holds at most `documentsMax` documents and takes about `bytesMax` bytes: the oldest by time make room, and
//       `leftOut` says how many did.
//   I3. Filters come before the cut: the hits are the best `k` of the documents that pass. (What passes may still rank by
//       what its neighbours say, which are of the same scope; those are not shown.)
//   I4. A search is answered whatever becomes of the embedder: by words alone, and then `degraded` says why.
//   I5. With vectors a hit's score is the sum of 1 / (60 + rank) over the list by words and the list by vectors (reciprocal
//       rank fusion); a document without a vector is in the first list only.

import type { Aged } from "./age-queue.ts";
import { AgeQueue } from "./age-queue.ts";
import { Corpus } from "./corpus.ts";
import type { RecallDocument } from "./document.ts";
import { embedWithin } from "./embed-within.ts";
import type { Embedder } from "./embedder.ts";
import { explain } from "./explanation.ts";
import { fuse } from "./fusion.ts";
import type { RecallHit, RecallQueryOptions, RecallResult } from "./hit.ts";
import { fieldsOf, rarityOf, scoreWords, slotsOfDates, sumOf } from "./lexical-ranking.ts";
import type { RecallIndexOptions, ResolvedIndexOptions, ResolvedQuery } from "./query-options.ts";
import { checkDocument, resolveIndexOptions, resolveQuery } from "./query-options.ts";
import type { QueryPlan } from "./query-plan.ts";
import { planQuery } from "./query-plan.ts";
import type { Ranked } from "./ranked-list.ts";
import { bestOf } from "./ranked-list.ts";
import { embedTexts, Vectors } from "./vectors.ts";

/** Texts that are embedded with one request. */
const embedBatch = 64;
/** How far down both lists are looked at before they are fused: at least this, and twice what is asked for. */
const fusedLeast = 100;

export class RecallIndex {
  readonly #options: ResolvedIndexOptions;
  readonly #corpus = new Corpus();
  readonly #ages = new AgeQueue();
  readonly #vectors: Vectors | undefined;
  /** Documents without a vector, none of which is being embedded. */
  readonly #unembedded = new Set<RecallDocument>();
  #embedding = 0;
  #leftOut = 0;

  /** Throws OPTION_INVALID. */
  constructor(options: RecallIndexOptions = {}) {
    this.#options = resolveIndexOptions(options);
    const { embedder } = this.#options;
    this.#vectors = embedder === undefined ? undefined : new Vectors(embedder.dimensions);
  }

  /** Documents in it. */
  get size(): number {
    return this.#corpus.size;
  }

  /** Documents that it left out or gave up for want of room, since it was made. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** What it takes in memory, estimated. Unit: bytes. */
  get bytes(): number {
    return this.#corpus.bytes + (this.#vectors?.bytes ?? 0);
  }

  /** Documents whose vectors are not there yet; 0 without an embedder. */
  get unembedded(): number {
    return this.#unembedded.size + this.#embedding;
  }

  /**
   * Puts a document in place of what has its id. False when there is no room for it, since all that are held are newer
   * (I2). Throws OPTION_INVALID.
   */
  add(document: RecallDocument): boolean {
    checkDocument(document);
    this.remove(document.id);
    if (document.text.length > this.#options.bytesMax) {
      this.#leftOut += 1;
      return false;
    }
    this.#corpus.add(document);
    this.#ages.add(document);
    if (this.#vectors !== undefined) this.#unembedded.add(document);
    this.#makeRoom();
    return this.#isHeld(document);
  }

  /** Whether there was one. */
  remove(id: string): boolean {
    const slot = this.#corpus.slotOf(id);
    const document = slot === undefined ? undefined : this.#corpus.documentAt(slot);
    if (slot === undefined || document === undefined) return false;
    this.#corpus.remove(slot, document);
    this.#forget(slot, document);
    return true;
  }

  /** Of what is in it. */
  scopes(): Iterable<string> {
    return this.#corpus.neighbourhood.scopes();
  }

  /** Removes what is of exactly this scope; how many there were. */
  removeScope(scope: string): number {
    const removed = this.#corpus.removeScope(scope);
    for (const { slot, document } of removed) this.#forget(slot, document);
    return removed.length;
  }

  /**
   * Gives vectors to the documents that have none, in batches; resolves with how many got one. Rejects as the embedder
   * does, and with OPTION_INVALID when that breaks V1: what was done until then stays, the rest can be tried again.
   */
  async embed(signal?: AbortSignal): Promise<number> {
    const { embedder } = this.#options;
    let done = 0;
    if (embedder === undefined) return done;
    for (;;) {
      signal?.throwIfAborted();
      const batch = [...this.#unembedded.values().take(embedBatch)];
      if (batch.length === 0) return done;
      done += await this.#embedBatch(embedder, batch, signal);
    }
  }

  /**
   * The best `k` of what passes the filters, with why each of them is. A query without words that are looked up (none at
   * all, or only such as "the" and "what") finds nothing by words. Rejects with OPTION_INVALID, and as `filter` throws.
   */
  async search(query: string, options: RecallQueryOptions = {}): Promise<RecallResult> {
    const asked = resolveQuery(query, options);
    const { embedder } = this.#options;
    if (embedder === undefined || this.#vectors === undefined || query.trim() === "") {
      return { hits: this.#searchWords(query, asked) };
    }
    const { embedMsMax, clock } = this.#options;
    const embedded = await embedWithin(embedder, query, { embedMsMax, clock, signal: options.signal });
    if (embedded.kind === "failed") return { hits: this.#searchWords(query, asked), degraded: embedded.reason };
    return { hits: this.#searchBoth(query, asked, this.#vectors, embedded.vector) };
  }

  /** What is kept of a document besides the corpus. */
  #forget(slot: number, document: RecallDocument): void {
    this.#vectors?.delete(slot);
    this.#unembedded.delete(document);
    this.#ages.tidy(this.size, () => this.#corpus.documents());
  }

  #searchWords(query: string, asked: ResolvedQuery): readonly RecallHit[] {
    const plan = this.#planOf(query);
    return this.#rankWords(plan, asked, asked.k).map(({ document, score, slot }, at) => {
      const why = explain(this.#corpus, plan, slot, document);
      return { document, score, why: { ...why, lexicalRank: at + 1, vectorRank: undefined, cosine: undefined } };
    });
  }

  /** I5. */
  #searchBoth(query: string, asked: ResolvedQuery, vectors: Vectors, vector: Float32Array): readonly RecallHit[] {
    const plan = this.#planOf(query);
    const depth = Math.max(fusedLeast, 2 * asked.k);
    const byWords = this.#rankWords(plan, asked, depth);
    const byVector = this.#rankVectors(vectors, vector, asked, depth);
    return fuse(byWords, byVector, asked.k).map(({ document, score, slot, lexicalRank, vectorRank }) => {
      const why = explain(this.#corpus, plan, slot, document);
      return { document, score, why: { ...why, lexicalRank, vectorRank, cosine: vectors.cosine(slot, vector) } };
    });
  }

  #planOf(query: string): QueryPlan {
    const corpus = this.#corpus;
    return planQuery(query, {
      speakersOf: (word) => corpus.speakersOf(word),
      formsOf: (term) => corpus.postings.formsOf(term),
      rarityOf: (group) => rarityOf(corpus, group),
    });
  }

  #rankWords(plan: QueryPlan, asked: ResolvedQuery, lengthMax: number): readonly Ranked[] {
    const corpus = this.#corpus;
    const mayRank = this.#slotsAsked(asked);
    const words = scoreWords(corpus, plan, mayRank);
    const isDated = new Set([...slotsOfDates(corpus, plan)].filter(mayRank));
    function* candidates(): Generator<Ranked> {
      for (let slot = 0; slot < corpus.slotEnd; slot += 1) {
        const text = words[slot] ?? 0;
        if (text === 0 && !isDated.has(slot)) continue;
        const document = corpus.documentAt(slot);
        if (document === undefined) continue;
        const score = sumOf(fieldsOf(corpus, plan, slot, document, { text, neighbours: 0 }));
        if (score > 0) yield { slot, document, score };
      }
    }
    return bestOf(candidates(), lengthMax, asked.passes);
  }

  #rankVectors(vectors: Vectors, query: Float32Array, asked: ResolvedQuery, lengthMax: number): readonly Ranked[] {
    const corpus = this.#corpus;
    const mayRank = this.#slotsAsked(asked);
    function* candidates(): Generator<Ranked> {
      for (const { slot, cosine } of vectors.alike(query)) {
        const document = corpus.documentAt(slot);
        if (document !== undefined && mayRank(slot)) yield { slot, document, score: cosine };
      }
    }
    return bestOf(candidates(), lengthMax, asked.passes);
  }

  /** Those of the scopes that are asked for. */
  #slotsAsked({ isScope }: ResolvedQuery): (slot: number) => boolean {
    if (isScope === undefined) return () => true;
    const isAsked = new Uint8Array(this.#corpus.slotEnd);
    for (const scope of this.#corpus.neighbourhood.scopes()) {
      if (isScope(scope)) for (const slot of this.#corpus.neighbourhood.slotsOf(scope)) isAsked[slot] = 1;
    }
    return (slot) => isAsked[slot] === 1;
  }

  async #embedBatch(embedder: Embedder, batch: readonly RecallDocument[], signal?: AbortSignal): Promise<number> {
    for (const document of batch) this.#unembedded.delete(document);
    this.#embedding += batch.length;
    let done = 0;
    try {
      const vectors = await embedTexts(
        embedder,
        batch.map(({ text }) => text),
        "document",
        signal,
      );
      // What was removed or replaced meanwhile keeps no vector.
      for (const [at, document] of batch.entries()) {
        const slot = this.#isHeld(document) ? this.#corpus.slotOf(document.id) : undefined;
        const vector = vectors[at];
        if (slot === undefined || vector === undefined) continue;
        this.#vectors?.set(slot, vector);
        done += 1;
      }
    } catch (thrown) {
      for (const document of batch) if (this.#isHeld(document)) this.#unembedded.add(document);
      throw thrown;
    } finally {
      this.#embedding -= batch.length;
    }
    this.#makeRoom();
    return done;
  }

  /** I2. */
  #makeRoom(): void {
    while (this.size > this.#options.documentsMax || this.bytes > this.#options.bytesMax) {
      const oldest = this.#ages.peek(this.#isThisOld);
      if (oldest === undefined) return;
      this.remove(oldest.id);
      this.#leftOut += 1;
    }
  }

  readonly #isHeld = (document: RecallDocument): boolean => {
    const slot = this.#corpus.slotOf(document.id);
    return slot !== undefined && this.#corpus.documentAt(slot) === document;
  };

  readonly #isThisOld = ({ id, atMs }: Aged): boolean => {
    const slot = this.#corpus.slotOf(id);
    return slot !== undefined && this.#corpus.documentAt(slot)?.atMs === atMs;
  };
}
