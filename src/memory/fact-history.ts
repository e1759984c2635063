// What a fact was, from the versions of it that the store keeps. Pure.
//
//   V1. `at`: what stood in the store at a revision or a time. `heldAt`: what held in the world at a time, by the validity
//       that versions were given, as the store had it now or at another moment.
//   V2. A later version says more than an earlier one wherever both are valid; where it is not valid, the earlier one holds.
//       A deletion, or a time to live that was over before the next version, ends all that was before it.
//   V3. What may have been overwritten beyond the kept history is refused with HISTORY_GONE, never guessed.

import type { Revision } from "../kv/store.ts";
import type { Fact } from "./fact.ts";

/** One thing that was written at a fact's key. */
export interface FactVersion {
  readonly revision: Revision;
  readonly writtenAtMs: number;
  /** Undefined: it was deleted here. */
  readonly fact: Fact | undefined;
}

/** A moment of the store: a revision of its bucket, or a time by its clock in ms. */
export type FactMoment = { readonly revision: Revision } | { readonly timeMs: number };
