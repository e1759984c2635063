// A summary takes the place of old entries in windows; the entries stay where they are.
//
//   C1. The summary is an entry of the log, written together with the head that says that it is in force. What fails on
//       the way there leaves the summary before it in force.
//   C2. It comes into force only if the summary that it builds on still is (of two that build on the same one wins, and
//       the other is told so), and if nothing that it was made of was erased meanwhile.

import { TroupeError } from "../core/errors.ts";
import type { Entry, NewEntry } from "./entry.ts";
import type { Compaction, CompactOptions } from "./log-calls.ts";
import type { LogHandle } from "./log-handle.ts";
import type { StandingLog } from "./log-read.ts";
import { writeSummary } from "./log-summary.ts";
import { kindsInWindows } from "./log-window.ts";

const chunkEntriesDefault = 500;

/** Rejects with OPTION_INVALID, SCOPE_ERASED, what `summarize` throws, the signal's reason, and as writing does. */
export async function compactLog(log: LogHandle, options: CompactOptions): Promise<Compaction> {
  checkOptions(options);
  const { signal } = options;
  const standing = await log.open();
  const covers = await endOfSummary(log, standing, options);
  if (covers === undefined) return { kind: "nothing" };
  const made = await summarizeUpTo(log, standing, covers, options);
  if (made === undefined) return { kind: "nothing" };
  signal?.throwIfAborted();
  const written = await writeSummary(log, { summary: made.summary, covers, madeUnder: standing.head });
  if (written.kind === "superseded") return written;
  return { kind: "compacted", summary: written.summary, entries: made.count };
}

/** The position up to which the summary is to speak; undefined when there is nothing new to speak of. */
async function endOfSummary(
  log: LogHandle,
  standing: StandingLog,
  { keepLast, upTo, signal }: CompactOptions,
): Promise<number | undefined> {
  const after = standing.head.summary?.covers ?? -1;
  const bounds = { after, kinds: kindsInWindows, order: "newest", ...(signal && { signal }) } as const;
  const wanted = keepLast === undefined ? { ...bounds, to: upTo ?? 0, limit: 1 } : { ...bounds, limit: keepLast + 1 };
  const newest = await log.read(wanted, standing).toArray();
  return newest.length < (keepLast ?? 0) + 1 ? undefined : newest.at(-1)?.position;
}

/** Chunk by chunk, so that no more than one is in memory or in one call of the user's function. */
async function summarizeUpTo(log: LogHandle, standing: StandingLog, covers: number, options: CompactOptions) {
  const { summarize, chunkEntries = chunkEntriesDefault, signal } = options;
  const { summary: before } = standing.head;
  const [previous] = before === undefined ? [] : await log.entriesAt([before.position], standing);
  let summary: NewEntry | undefined = previous && { text: previous.text };
  let chunk: Entry[] = [];
  let count = 0;
  const take = async () => {
    signal?.throwIfAborted();
    summary = summaryOf(await summarize(chunk, summary?.text, signal));
    count += chunk.length;
    chunk = [];
  };
  const bounds = { after: before?.covers ?? -1, to: covers, kinds: kindsInWindows, ...(signal && { signal }) };
  for await (const entry of log.read(bounds, standing)) {
    chunk.push(entry);
    if (chunk.length === chunkEntries) await take();
  }
  if (chunk.length > 0) await take();
  return summary === undefined || count === 0 ? undefined : { summary, count };
}

function summaryOf(made: string | NewEntry): NewEntry {
  const entry: NewEntry = typeof made === "string" ? { text: made } : made;
  return { role: "system", ...entry, kind: "summary" };
}

function checkOptions({ summarize, keepLast, upTo, chunkEntries = 1 }: CompactOptions): void {
  const invalid = (what: string) => new TroupeError("OPTION_INVALID", what);
  if (typeof summarize !== "function") throw invalid(`\`summarize\` must be a function, got ${String(summarize)}`);
  if ((keepLast === undefined) === (upTo === undefined)) throw invalid("give either `keepLast` or `upTo`");
  for (const [name, value, least] of [
    ...[["keepLast", keepLast ?? 0, 0] as const, ["upTo", upTo ?? 0, 0] as const],
    ["chunkEntries", chunkEntries, 1] as const,
  ]) {
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw invalid(`\`${name}\` must be a whole number of ${least} or more, got ${String(value)}`);
  }
}
