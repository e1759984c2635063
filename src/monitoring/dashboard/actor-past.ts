// The values that are kept of one actor: what each was, and what it has changed.
//
//   H1. Other readers do not wait: what is read is read in pieces of some `pieceBytesMax`, and between two of them others have their
//       turn. A value is compared with the one before it only when both are small; of a large one it is said how large it is,
//       and whoever wants it gets it as it is stored.

import type { Clock } from "../../core/clock.ts";
import { delay } from "../../core/clock.ts";
import type { Json } from "../../core/codec.ts";
import { isTroupeError } from "../../core/errors.ts";
import type { ActorAddress } from "../../core/ids.ts";
import { keyOf } from "../../core/ids.ts";
import { diff } from "../../core/json-patch.ts";
import type { KvEntry } from "../../kv/store.ts";
import type { Committed } from "../../runtime/changes.ts";
import { readCommitted } from "../../runtime/changes.ts";
import { stateless } from "./actor-view.ts";
import type { RevisionView } from "./api/actors.ts";
import type { DashboardSources } from "./sources.ts";

/** Largest value that comes along whole, of up to 64. Unit: bytes. */
const wholeBytesMax = 65_536;
/** Bytes of values that are dealt with in one go. */
const pieceBytesMax = 32_768;
/** A large value costs a fraction of what a small one of its length does: it is neither parsed nor compared nor printed. */
const largeIsCheaper = 16;

/** A HistoryView as JSON: written piece by piece too. Rejects as stores do. */
export async function printActorHistory({ troupe, clock }: DashboardSources, actor: ActorAddress): Promise<string> {
  const entries = await troupe.ports.state.history(keyOf(actor));
  const texts: string[] = [];
  let before: Json | undefined;
  await inPieces(entries, clock, (entry) => {
    const committed = entry.operation === "put" ? readIfReadable(entry) : undefined;
    if (committed === undefined) {
      // After a deletion everything is new; what cannot be read is passed by.
      if (entry.operation !== "put") before = undefined;
      return;
    }
    const view = revisionViewOf(entry, committed, before);
    before = view.isLarge ? undefined : (committed.state as Json);
    texts.push(JSON.stringify(view));
  });
  return `{"revisions":[${texts.join(",")}]}`;
}

/** As it is stored; undefined when it is not kept. Rejects as stores do. */
export async function readStoredValue(
  { troupe }: DashboardSources,
  actor: ActorAddress,
  revision: number | undefined,
): Promise<Uint8Array | undefined> {
  const { state } = troupe.ports;
  const key = keyOf(actor);
  const latest = await state.get(key);
  if (revision === undefined || latest?.revision === revision) return latest?.value;
  const kept = await state.history(key);
  return kept.find((entry) => entry.revision === revision && entry.operation === "put")?.value;
}

/** Hands over each, and lets others have their turn after each piece (H1). */
export async function inPieces(
  entries: readonly KvEntry[],
  clock: Clock,
  take: (entry: KvEntry) => void,
): Promise<void> {
  let bytes = 0;
  for (const entry of entries) {
    if (bytes > pieceBytesMax) {
      await delay(clock, 0);
      bytes = 0;
    }
    take(entry);
    bytes += isLarge(entry) ? entry.value.length / largeIsCheaper : entry.value.length;
  }
}

const isLarge = ({ value }: KvEntry): boolean => value.length > wholeBytesMax;

/** Undefined for what is no value of Troupe's. */
function readIfReadable(entry: KvEntry): Committed<unknown> | undefined {
  try {
    return readCommitted(isLarge(entry) ? stateless(entry) : entry);
  } catch (thrown) {
    if (isTroupeError(thrown)) return undefined;
    throw thrown;
  }
}

function revisionViewOf(entry: KvEntry, committed: Committed<unknown>, before: Json | undefined): RevisionView {
  const { revision, state, epoch, traceId, committedAt } = committed;
  return {
    ...{ revision, atMs: committedAt.getTime(), trace: traceId ?? null, epoch, state, isLarge: isLarge(entry) },
    patch: isLarge(entry) ? [] : diff(before, state as Json),
    bytes: entry.value.length,
  };
}
