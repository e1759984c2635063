// Where an actor remembers, as far as its values say: the scope of a turn is chosen by code, which the dashboard does not have.

import { readSnapshot } from "../../actors/snapshot.ts";
import type { Clock } from "../../core/clock.ts";
import type { ActorAddress } from "../../core/ids.ts";
import { keyOf } from "../../core/ids.ts";
import type { KvEntry } from "../../kv/store.ts";
import type { Scope } from "../../memory/scope.ts";
import { parseScope, scopeKey } from "../../memory/scope.ts";
import { withoutState } from "../state-apart.ts";
import { inPieces } from "./actor-past.ts";
import type { ActorScopesView } from "./api/actors.ts";
import type { DashboardSources } from "./sources.ts";

/**
 * Those that its kept commits have written to, those that these lie in, and its own, as far as they hold something. Rejects as
 * stores do.
 */
export async function readActorScopes(
  { troupe, memory, clock }: DashboardSources,
  actor: ActorAddress,
): Promise<ActorScopesView> {
  const written = await writtenScopes(await troupe.ports.state.history(keyOf(actor)), clock);
  const candidates = [...written, ...written.flatMap(outerOf), { agent: actor }].map(scopeKey);
  return { scopes: [...new Set(candidates)].filter((scope) => memory.holds(scope)) };
}

/** The one that was written most first. */
async function writtenScopes(values: readonly KvEntry[], clock: Clock): Promise<readonly Scope[]> {
  const writes = new Map<string, number>();
  let counted = 0; // What is not stored yet stands in several values.
  await inPieces(values, clock, ({ key, value, operation }) => {
    if (operation !== "put") {
      counted = 0; // Of another life of the actor, which counts anew.
      return;
    }
    for (const sent of readSnapshot(key, withoutState(value), Number.MAX_SAFE_INTEGER).outbox) {
      if (!("memory" in sent) || sent.n <= counted) continue;
      counted = sent.n;
      writes.set(sent.memory.in, (writes.get(sent.memory.in) ?? 0) + 1);
    }
  });
  return [...writes].sort(([, one], [, other]) => other - one).map(([text]) => parseScope(text));
}

/** A session of a user lies in the user's scope, which is recalled from as well. */
function outerOf({ session, ...outer }: Scope): readonly Scope[] {
  return session === undefined || Object.keys(outer).length === 0 ? [] : [outer];
}
