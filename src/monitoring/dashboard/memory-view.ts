// What the monitor knows and what the memory holds, as the page wants it. Pure.

import type { Entry } from "../../memory/entry.ts";
import type { Fact } from "../../memory/fact.ts";
import type { FactVersion } from "../../memory/fact-history.ts";
import type { RecallHit, RecallWhy } from "../../memory/recall/hit.ts";
import type { MemoryMonitor, StreamFigures } from "../memory-monitor.ts";
import type {
  EntryRow,
  FactHistoryView,
  FactRow,
  MemoryView,
  RecallHitRow,
  ScopeKindRow,
  StreamRow,
} from "./api/memory.ts";

export function memoryViewOf(monitor: MemoryMonitor): MemoryView {
  const { kinds, streams, isComplete } = monitor.figures();
  return {
    isComplete,
    kinds: kinds.map((kind): ScopeKindRow => ({ ...kind, bytesPerHour: kind.bytesPerHour ?? null })),
    hottest: monitor
      .hottest()
      .map(({ bucket, key, writes, bytes }) => ({ bucket, key, writesPerMinute: writes, bytes })),
    conflicts: monitor.conflictMap(),
    streams: streams.map(streamRowOf),
  };
}

function streamRowOf({ past, bytesMax, bytesPerHour, fullAtMs, ...stream }: StreamFigures): StreamRow {
  return {
    ...stream,
    ...{ bytesMax: bytesMax ?? null, bytesPerHour: bytesPerHour ?? null, fullAtMs: fullAtMs ?? null },
    past: past.map(({ atMs, value }) => ({ atMs, bytes: value })),
  };
}

export function entryRowOf({ position, kind, role, speaker, text, data, atMs, pinned, cause, trace }: Entry): EntryRow {
  return {
    ...{ position: String(position), kind, role, speaker: speaker ?? null, text, data: data ?? null },
    ...{ atMs, isPinned: pinned, cause: cause ?? null, trace: trace ?? null },
  };
}

export function factRowOf({ name, value, revision, writtenAtMs, by, trace }: Fact): FactRow {
  return { name, value, revision, atMs: writtenAtMs, by: by ?? null, trace: trace ?? null };
}

export function factHistoryOf(name: string, versions: readonly FactVersion[]): FactHistoryView {
  return {
    versions: versions.map(({ fact, revision, writtenAtMs, deletion }) => {
      if (fact !== undefined) return { ...factRowOf(fact), isDeleted: false };
      const said = { by: deletion?.by ?? null, trace: deletion?.trace ?? null };
      return { name, value: null, revision, atMs: writtenAtMs, ...said, isDeleted: true };
    }),
  };
}

export function hitRowOf({ document, score, why }: RecallHit): RecallHitRow {
  const { scope, key, revision, kind, speaker, text, atMs } = document;
  return {
    ...{ scope, key, revision, kind, speaker: speaker ?? null, text, atMs, score },
    why: why.matched,
    also: alsoOf(why),
  };
}

/** What moved a hit besides the words that matched. */
function alsoOf({ lexicalRank, vectorRank, cosine, fields }: RecallWhy): readonly string[] {
  return [
    ...(lexicalRank === undefined ? [] : [`by its words in place ${lexicalRank}`]),
    ...(vectorRank === undefined ? [] : [`by meaning in place ${vectorRank}`]),
    ...(cosine === undefined ? [] : [`its meaning is like the question's by ${cosine.toFixed(2)}`]),
    ...(fields.neighbours > 0 ? [`what was said around it gave ${fields.neighbours.toFixed(2)}`] : []),
    ...(fields.telling > 0 ? [`that it tells something gave ${fields.telling.toFixed(2)}`] : []),
  ];
}
