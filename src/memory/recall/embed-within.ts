// Embeds a query, and says so when that fails or takes too long: a search goes on without it (I4 of `recall-index.ts`).

import type { Clock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import type { Embedder } from "./embedder.ts";
import { embedTexts } from "./vectors.ts";

export type EmbeddedQuery =
  | { readonly kind: "embedded"; readonly vector: Float32Array }
  | { readonly kind: "failed"; readonly reason: string };

export interface EmbedLimits {
  readonly embedMsMax: number;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

/** Never rejects. */
export async function embedWithin(embedder: Embedder, query: string, limits: EmbedLimits): Promise<EmbeddedQuery> {
  const { embedMsMax, clock, signal } = limits;
  if (signal?.aborted) return { kind: "failed", reason: "the search was aborted before its query was embedded" };
  const gaveUp = new AbortController();
  const outOfTime = Promise.withResolvers<EmbeddedQuery>();
  const giveUp = (reason: string) => {
    outOfTime.resolve({ kind: "failed", reason });
    gaveUp.abort();
  };
  const onAbort = () => giveUp("the search was aborted while its query was being embedded");
  const cancel = clock.after(embedMsMax, () => giveUp(`embedding the query took longer than ${embedMsMax} ms`));
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([outOfTime.promise, tryEmbed(embedder, query, gaveUp.signal)]);
  } finally {
    cancel();
    signal?.removeEventListener("abort", onAbort);
  }
}

async function tryEmbed(embedder: Embedder, query: string, signal: AbortSignal): Promise<EmbeddedQuery> {
  try {
    const [vector] = await embedTexts(embedder, [query], "query", signal);
    if (vector !== undefined) return { kind: "embedded", vector };
    return { kind: "failed", reason: "the embedder gave no vector" };
  } catch (thrown) {
    return { kind: "failed", reason: `the query could not be embedded: ${messageOf(thrown)}` };
  }
}
