// The port to a model that turns texts into vectors, so that recall also finds what is said in other words.
//
//   V1. There is one vector for each text, in the order of the texts, each of `dimensions` finite numbers. Of length 1 it
//       need not be: the index brings it there. A vector of zeros is like nothing.
//   V2. Texts that are near in meaning have vectors with a large cosine. The same text, kind and model give the same
//       vector, whatever other texts are asked for with it.
//   V3. Of the two kinds, a "query" is looked for among "documents"; a model that knows no difference ignores the kind.
//   V4. It rejects when it cannot do it, and when `signal` aborts. It never gives back fewer vectors than texts, or stale ones.
//   V5. `model` names what the vectors are comparable within: vectors of two models are never compared.

export interface Embedder {
  readonly dimensions: number;
  readonly model: string;
  embed(texts: readonly string[], kind: "document" | "query", signal?: AbortSignal): Promise<readonly Float32Array[]>;
}
