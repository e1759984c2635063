// What deleted states leave behind is taken away when no write from before can be under way any more (W3 of
// state-writer.ts).

import { TroupeError } from "../core/errors.ts";
import { standingOf } from "./state-value.ts";
import type { StateWriter } from "./state-writer.ts";

const deletedForMsDefault = 3_600_000;
const deletedForMsMin = 60_000;

/** Rejects with OPTION_INVALID, and as `watch` and `delete` of the bucket do. */
export async function sweepStates(
  { kv, clock }: StateWriter,
  options: { readonly deletedForMs?: number; readonly signal?: AbortSignal },
): Promise<number> {
  const { deletedForMs = deletedForMsDefault, signal } = options;
  if (!(Number.isSafeInteger(deletedForMs) && deletedForMs >= deletedForMsMin)) {
    const text = `\`deletedForMs\` must be a whole number of ${deletedForMsMin} or more, got ${deletedForMs}`;
    throw new TroupeError("OPTION_INVALID", text);
  }
  let swept = 0;
  await using watcher = await kv.watch(">", signal === undefined ? {} : { signal });
  for await (const change of watcher) {
    if (change.kind === "current") break;
    if (change.kind !== "entry" || change.entry.operation !== "put") continue;
    const { key, value, revision } = change.entry;
    // Only what says of itself that it is gone, whatever else lies in the bucket.
    if (!isGone(value)) continue;
    const { stored } = standingOf(key, { value, revision });
    if (stored?.gone !== 1 || stored.at > clock.now() - deletedForMs) continue;
    const removed = await kv.delete(key, { expected: revision });
    if (removed.kind === "written") swept += 1;
  }
  return swept;
}

const mark = Buffer.from('"gone":1');

function isGone(value: Uint8Array): boolean {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).includes(mark);
}
