// How much of a scope is kept, and whose policy it is that says so. What is pinned and the summary in force are kept
// whatever the policy says.

import { TroupeError } from "../core/errors.ts";
import { matcherOf } from "../kv/keys.ts";
import { changeHead, type Head } from "./head.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope, ScopePattern } from "./scope.ts";
import { scopeKey, scopePattern } from "./scope.ts";

/** Each bound alone is reason enough to let an entry go. Without any, everything is kept. */
export interface RetentionPolicy {
  /** Older entries go. Unit: ms. */
  readonly ageMsMax?: number;
  /** Only the last so many entries are kept. */
  readonly entriesMax?: number;
  /** Only the last entries that are together no larger are kept. Unit: bytes of their stored JSON. */
  readonly bytesMax?: number;
}

/** What holds for scopes that have no policy of their own: the first that matches. */
export interface RetentionDefault {
  readonly pattern: ScopePattern;
  /** For the scopes under those that match too. Default false. */
  readonly under?: boolean;
  readonly policy: RetentionPolicy;
}

const bounds = ["ageMsMax", "entriesMax", "bytesMax"] as const;

/** Gives the scope a policy of its own, or takes it away. Rejects with OPTION_INVALID, WRITE_CONTENDED, and as the store does. */
export async function setRetention(
  { entries, clock }: Pick<MemoryStores, "entries" | "clock">,
  scope: Scope,
  policy: RetentionPolicy | undefined,
): Promise<void> {
  if (policy !== undefined) checkPolicy(policy);
  await changeHead(entries, scope, clock, (head) => ({ ...head, retention: policy }));
}

export function policyOf(scope: Scope, head: Head, defaults: readonly RetentionDefault[]): RetentionPolicy | undefined {
  const key = scopeKey(scope);
  const matching = defaults.find(({ pattern, under = false }) => {
    const text = scopePattern(pattern);
    return matcherOf(text)(key) || (under && matcherOf(`${text}.>`)(key));
  });
  return head.retention ?? matching?.policy;
}

/** Rejects with OPTION_INVALID. */
export function checkPolicy(policy: RetentionPolicy): void {
  const strange = Object.keys(policy).find((name) => !bounds.some((bound) => bound === name));
  if (strange !== undefined) throw invalid(`a retention policy has no bound \`${strange}\``);
  for (const bound of bounds) {
    const value = policy[bound];
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) continue;
    throw invalid(`\`${bound}\` must be a whole number of 0 or more, got ${String(value)}`);
  }
}

function invalid(what: string): TroupeError {
  return new TroupeError("OPTION_INVALID", what);
}
