// What is known of a scope to which nobody has written yet: what the heads of the scopes say that it lies under. Whoever erases
// one of these with all that lies under it cannot find it, for it has no key.
//
//   U1. `underEra` grows with the era of a scope when an erasure of it begins, and when it ends, that takes what lies under it
//       too. A scope under it that has no head is of era 1 and all of these together: what was formed before the erasure, or
//       during it, is of an era that has gone by.
//   U2. The first thing that is written to such a scope is its head, in one transaction with the heads above as they were
//       when its era was read; and while one of them is being erased so, nobody but who erases writes it. So an erasure either
//       was over when that era was read, or finds the scope.

import type { KvOperationRequest, Revision } from "../kv/store.ts";
import type { Head } from "./head.ts";

export interface ScopesAbove {
  /** Of which the scope is (U1). */
  readonly era: number;
  /** One of them is being erased with all that lies under it. */
  readonly isErasing: boolean;
  /** That their heads are as they were read (U2). */
  readonly checks: readonly KvOperationRequest[];
}

/** A head above, by its key. Revision 0: it has none itself. */
export interface HeadAbove {
  readonly key: string;
  readonly head: Pick<Head, "underEra" | "erasing">;
  readonly revision: Revision;
}

export function aboveOf(heads: readonly HeadAbove[]): ScopesAbove {
  return {
    era: heads.reduce((era, { head }) => era + head.underEra, 1),
    isErasing: heads.some(({ head }) => head.erasing?.under === true),
    checks: heads.map(({ key, revision }) => ({ kind: "check", key, expected: revision })),
  };
}
