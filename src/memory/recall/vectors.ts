// The vectors of documents, and which of them are like a query's.

import { TroupeError } from "../../core/errors.ts";
import { unlessAborted } from "../../core/unless-aborted.ts";
import type { Embedder } from "./embedder.ts";

export class Vectors {
  /** By slot, of length 1. */
  readonly #vectors: (Float32Array | undefined)[] = [];
  #count = 0;
  readonly #dimensions: number;

  constructor(dimensions: number) {
    this.#dimensions = dimensions;
  }

  /** Unit: bytes. */
  get bytes(): number {
    return this.#count * (this.#dimensions * 4 + 96);
  }

  set(slot: number, vector: Float32Array): void {
    if (this.#vectors[slot] === undefined) this.#count += 1;
    this.#vectors[slot] = vector;
  }

  delete(slot: number): void {
    if (this.#vectors[slot] !== undefined) this.#count -= 1;
    this.#vectors[slot] = undefined;
  }

  /** From -1 to 1; undefined when the slot has no vector. */
  cosine(slot: number, query: Float32Array): number | undefined {
    const vector = this.#vectors[slot];
    if (vector === undefined) return undefined;
    let sum = 0;
    for (let at = 0; at < query.length; at += 1) sum += (vector[at] ?? 0) * (query[at] ?? 0);
    return sum;
  }

  /** The slots whose vectors point the query's way. */
  *alike(query: Float32Array): Generator<{ readonly slot: number; readonly cosine: number }> {
    for (let slot = 0; slot < this.#vectors.length; slot += 1) {
      const cosine = this.cosine(slot, query);
      if (cosine !== undefined && cosine > 0) yield { slot, cosine };
    }
  }
}

/**
 * Asks the embedder, and holds it to V1: copies of length 1. Rejects with OPTION_INVALID, as the embedder does, and with
 * the signal's reason, whether the embedder heeds that or not.
 */
export async function embedTexts(
  embedder: Embedder,
  texts: readonly string[],
  kind: "document" | "query",
  signal?: AbortSignal,
): Promise<readonly Float32Array[]> {
  const vectors = await unlessAborted(embedder.embed(texts, kind, signal), signal);
  if (vectors.length !== texts.length) {
    throw broken(embedder, `gave ${vectors.length} vectors for ${texts.length} texts`);
  }
  return vectors.map((vector) => {
    if (vector.length !== embedder.dimensions) {
      throw broken(
        embedder,
        `gave a vector of ${vector.length} numbers, its \`dimensions\` are ${embedder.dimensions}`,
      );
    }
    const length = Math.sqrt(vector.reduce((sum, part) => sum + part * part, 0));
    if (!Number.isFinite(length)) throw broken(embedder, "gave a vector with a number that is not finite");
    return vector.map((part) => (length === 0 ? 0 : part / length));
  });
}

function broken({ model }: Embedder, what: string): TroupeError {
  return new TroupeError("OPTION_INVALID", `the \`embedder\` (${model}) ${what}`);
}
