// Writes to memories what committed turns have left for them, however long that takes.
//
//   M1. A write keeps its name through all attempts and owners, `<actor's key>:<number>`, so that it takes effect once.
//   M2. What was formed before its scope was erased is not written any more. Eras only grow: what was formed in a later one
//       than the scope has, was formed before the memory was set back (made anew, restored), and is written into what stands.
//   M3. What is refused for good is let go, and said: it would hold up whatever its actor remembers, for ever.

import type { Span } from "@opentelemetry/api";
import { shortName } from "../actors/memory-log.ts";
import type { OutboxMemory } from "../actors/snapshot.ts";
import type { Clock } from "../core/clock.ts";
import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";
import type { EventStream } from "../core/events.ts";
import type { ActorAddress } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";
import { endSpan } from "../core/trace.ts";
import { applyTogether, togetherOf } from "../memory/apply-writes.ts";
import type { ScopeEras } from "../memory/memory-reads.ts";
import type { MemoryWrite, NamedWrite } from "../memory/memory-write.ts";
import { isEntryWrite } from "../memory/memory-write.ts";
import { waitAgain } from "./burial.ts";
import { startRemember } from "./spans.ts";
import type { WorkerMemory } from "./worker-memory.ts";

/** An actor, as far as its memory needs it. */
export interface RememberPlace {
  readonly self: ActorAddress;
  readonly key: string;
  readonly memory: WorkerMemory;
  readonly clock: Clock;
  readonly events: EventStream;
  readonly log: Logger;
  /** Aborts when this worker no longer owns the actor. */
  readonly lost: AbortSignal;
}

/** Entries of one append. */
const togetherMax = 256;

/** What can be repaired by people, or by newer code: the writes wait for it. */
const repairable: ReadonlySet<string> = new Set(["MEMORY_UNREADABLE", "CODEC_UNKNOWN"]);

/** The writes of an outbox under the names that they have through all attempts (M1). */
export function namedWrites(key: string, entries: readonly OutboxMemory[]): readonly NamedWrite[] {
  return entries.map(({ n, memory: write }) => {
    return { id: shortName(`${key}:${n}`), numbered: { writer: key, number: n }, write };
  });
}

/** All of one scope. Resolves when none is left to write; false when ownership was lost before. */
export async function remember(place: RememberPlace, entries: readonly OutboxMemory[]): Promise<boolean> {
  const span = startRemember(entries);
  const isDone = await rememberAll(place, entries, span);
  endSpan(span, isDone ? undefined : { code: "FENCED", message: "ownership was lost before it was written" });
  return isDone;
}

async function rememberAll(
  place: RememberPlace,
  entries: readonly OutboxMemory[],
  span: Span | undefined,
): Promise<boolean> {
  let left = namedWrites(place.key, entries);
  let most = togetherMax;
  for (let attempt = 0; !place.lost.aborted; ) {
    const together = left.slice(0, togetherOf(left, most));
    const [first] = together;
    if (first === undefined) return true;
    try {
      const memory = await place.memory.open();
      await applyTogether(memory.of(first.write.in), together);
      announce(place, together);
      left = left.slice(together.length);
      attempt = 0;
    } catch (thrown) {
      const eras = await erasAfter(place, first, thrown);
      const refusal = refusalOf(first, eras, thrown);
      if (eras !== undefined && isOfLaterEra(first, eras)) {
        const fields = { actor: place.key, scope: first.write.in, code: "SCOPE_ERASED" };
        place.log.warn(fields, "a memory was set back, and is written to as it stands now");
        left = left.map((write) => (isOfLaterEra(write, eras) ? withEra(write, eras) : write));
      } else if (refusal === undefined) {
        warn(place, first, thrown, attempt);
        await waitAgain(place, attempt);
        attempt += 1;
      } else if (together.length > 1)
        most = 1; // One of them: which, each alone will tell.
      else {
        refuse(place, first, refusal);
        span?.recordException(refusal);
        left = left.slice(1);
      }
    }
  }
  return false;
}

/** The eras of its scope, when that is why it was refused. Undefined while the server is away: it will be refused again. */
async function erasAfter({ memory }: RememberPlace, { write }: NamedWrite, thrown: unknown) {
  if (!isTroupeError(thrown) || thrown.code !== "SCOPE_ERASED") return undefined;
  try {
    return (await (await memory.open()).eras([write.in])).get(write.in);
  } catch {
    return undefined;
  }
}

/** Why it will never be written; undefined when it may be. */
function refusalOf(write: NamedWrite, eras: ScopeEras | undefined, thrown: unknown): TroupeError | undefined {
  if (!isTroupeError(thrown)) return new TroupeError("STORE_FAILED", messageOf(thrown), { cause: thrown });
  // One that was formed since an erasure began that is still under way is written when that is over.
  if (thrown.code === "SCOPE_ERASED") return eras !== undefined && ageOf(write, eras) > 0 ? thrown : undefined; // M2
  return thrown.retry === "never" && thrown.code !== "CLOSED" && !repairable.has(thrown.code) ? thrown : undefined;
}

const eraOf = (write: MemoryWrite, eras: ScopeEras): number => (isEntryWrite(write) ? eras.entries : eras.facts);

/** How many eras lie between what it was formed in and now. */
const ageOf = ({ write }: NamedWrite, eras: ScopeEras): number =>
  eraOf(write, eras) - (write.era ?? eraOf(write, eras));

const isOfLaterEra = (write: NamedWrite, eras: ScopeEras): boolean => ageOf(write, eras) < 0;

const withEra = (named: NamedWrite, eras: ScopeEras): NamedWrite => ({
  ...named,
  write: { ...named.write, era: eraOf(named.write, eras) },
});

function announce({ events, self }: RememberPlace, written: readonly NamedWrite[]): void {
  if (!events.isHeard) return;
  for (const { id, write } of written) events.emit({ kind: "remembered", actor: self, scope: write.in, id });
}

function refuse({ events, self }: RememberPlace, { id, write }: NamedWrite, { code, message }: TroupeError): void {
  events.emit({ kind: "memory-refused", actor: self, scope: write.in, id, code, message });
}

/** The first time, and then ever more rarely. */
function warn({ log, key }: RememberPlace, { write }: NamedWrite, thrown: unknown, attempt: number): void {
  if ((attempt & (attempt - 1)) !== 0) return;
  const fields = { actor: key, scope: write.in, attempt, error: messageOf(thrown) };
  log.warn(fields, "a memory could not be written, trying again");
}
