// What retention would take out now, and why: of the scopes that are worth a look, as far as one request may take.

import { printSpan } from "../../core/amounts.ts";
import type { Clock } from "../../core/clock.ts";
import { readHead } from "../../memory/head.ts";
import type { MemoryStores } from "../../memory/memory-stores.ts";
import type { PlannedScope } from "../../memory/retention-plan.ts";
import { planRetention } from "../../memory/retention-plan.ts";
import { parseScope, scopeKey } from "../../memory/scope.ts";
import { pageOfScopes } from "../scope-page.ts";
import type { ScopeSum } from "../scope-tally.ts";
import type { RetentionView } from "./api/memory.ts";

/** Scopes that one request looks at, the largest first; it ends earlier when its time is over. */
const scopesMax = 1_000;
const lookMsMax = 5_000;
const atOnce = 8;

type RetentionRow = RetentionView["scopes"][number];

/** Reads heads, and the logs of scopes that have a policy. Rejects as the stores do. */
export async function readRetention(
  stores: MemoryStores,
  scopes: Iterable<ScopeSum>,
  clock: Clock,
): Promise<RetentionView> {
  const { rows: largest, total } = pageOfScopes(scopes, { sort: "bytes", limit: scopesMax });
  const endMs = clock.monotonicMs() + lookMsMax;
  const rows: RetentionRow[] = [];
  let looked = 0;
  let policies = 0;
  while (looked < largest.length && clock.monotonicMs() < endMs) {
    const part = largest.slice(looked, looked + atOnce);
    const planned = await Promise.all(part.map((sum) => plan(stores, sum)));
    looked += part.length;
    for (const { hasPolicy, rows: own } of planned) {
      if (hasPolicy) policies += 1;
      rows.push(...own);
    }
  }
  return { scopes: rows, note: noteOf({ rows: rows.length, policies, looked, total }) };
}

async function plan(stores: MemoryStores, { scope: text, facts }: ScopeSum) {
  const pattern = parseScope(text);
  const { head } = await readHead(stores.entries, pattern);
  const hasPolicy = head.retention !== undefined;
  // Without a policy only facts can go, those whose time to live is over.
  if (!hasPolicy && facts === 0) return { hasPolicy, rows: [] };
  const { scopes } = await planRetention(stores, { pattern });
  // An id that is `*` stands for any in a pattern.
  const own = scopes.filter(({ scope }) => scopeKey(scope) === text);
  return { hasPolicy, rows: own.map(rowOf) };
}

function rowOf({
  scope,
  entries,
  bytes,
  reasons,
  policy = {},
  expiredFacts,
  strays,
  spared,
}: PlannedScope): RetentionRow {
  const why = [
    ...(reasons.age > 0 ? [`${reasons.age} older than ${printSpan(policy.ageMsMax ?? 0)}`] : []),
    ...(reasons.entries > 0 ? [`${reasons.entries} beyond the last ${policy.entriesMax}`] : []),
    ...(reasons.bytes > 0 ? [`${reasons.bytes} beyond the last ${policy.bytesMax} bytes`] : []),
    ...(expiredFacts > 0 ? [`${expiredFacts} facts whose time to live is over`] : []),
    ...(strays > 0 ? [`${strays} records that something cut short has left`] : []),
    ...(spared > 0 ? [`${spared} more are pinned or the summary, and stay`] : []),
  ];
  return { scope: scopeKey(scope), entries, facts: expiredFacts, bytes, reason: why.join("; ") };
}

interface Looked {
  readonly rows: number;
  readonly policies: number;
  readonly looked: number;
  readonly total: number;
}

function noteOf({ rows, policies, looked, total }: Looked): string | null {
  const part = looked < total ? `Of ${total} scopes the ${looked} largest were looked at. ` : "";
  if (rows > 0) return part === "" ? null : part.trim();
  if (total === 0) return "No scope holds anything.";
  if (policies === 0) {
    return `${part}No scope has a retention policy of its own, and no fact is past its time to live. Policies that the workers' code gives are not known here.`;
  }
  return `${part}Nothing is to go: ${policies} scopes have a policy of their own, and nothing in them is beyond it.`;
}
