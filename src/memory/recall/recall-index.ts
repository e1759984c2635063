// The index of recall, in process: documents come and go, a search ranks them.

import type { RecallDocument } from "./document.ts";
import type { Embedder } from "./embedder.ts";
import type { RecallQueryOptions, RecallResult } from "./hit.ts";

export interface RecallIndexOptions {
  /** Documents held at most; the oldest by time go first. Default 100,000. */
  readonly documentsMax?: number;
  /** Adds vectors to the ranking. Default: none, words alone. */
  readonly embedder?: Embedder;
  /** How long the query's embedding may take before the words rank alone. Unit: ms. Default 2,000. */
  readonly embedMsMax?: number;
}

/** What the store's follower feeds. `add`, `remove` and `removeScope` are done when they return. */
export interface RecallIndexShape {
  /** Documents in it. */
  readonly size: number;
  /** Documents left out for want of room since it was made. */
  readonly leftOut: number;
  /** What it takes in memory, estimated. Unit: bytes. */
  readonly bytes: number;
  /** Documents whose vectors are not there yet; 0 without an embedder. */
  readonly unembedded: number;
  /** Puts it in place of what has its id. False when it is older than all that a full index holds: it is left out. */
  add(document: RecallDocument): boolean;
  /** Whether there was one. */
  remove(id: string): boolean;
  /** How many there were, of exactly this scope. */
  removeScope(scope: string): number;
  /** Embeds what is not embedded yet, in batches; resolves with how many. Rejects as the embedder does; what is done stays. */
  embed(signal?: AbortSignal): Promise<number>;
  /** Rejects with OPTION_INVALID, and with nothing else. A query without words finds nothing. */
  search(query: string, options?: RecallQueryOptions): Promise<RecallResult>;
}
