// Rows of a list that is on the screen, kept as they are now: what has changed is put in its place, nothing moves.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { ActorRow, ActorsNow } from "../../../src/monitoring/dashboard/api/actors.ts";
import type { ChangesView } from "../../../src/monitoring/dashboard/api/live.ts";
import { get } from "../live/api-client.ts";
import { useLive } from "../live/use-live.ts";
import { secondNow } from "../page-clock.ts";
import { keyOf } from "./actor-key.ts";
import { withChanges } from "./changed-rows.ts";

const truthEveryMs = 3_000;
const keysCharsMax = 8_000;
/** While most changes are not told, rows are asked for by name all the same. */
const heardMax = 1_000;

export interface LiveRows {
  readonly rows: readonly ActorRow[];
  /** Changes that the filter's type has seen since the list was read. */
  readonly changed: number;
  readonly changesPerS: number;
  /** The server tells of some of the changes only: there are too many for a person. */
  readonly isSampled: boolean;
}

/** `read`: the rows as the server has listed them last. */
export function useLiveRows(read: readonly ActorRow[], type: string): LiveRows {
  const [held, setLive] = useState<Live>(emptyLive);
  const [isSampled, setSampled] = useState(false);
  const live = ofList(held, read);
  const changesPerS = useRate(live.changed);

  useEffect(() => setLive((before) => ofList(before, read)), [read]);
  const hear = useCallback(({ rows, changed, isSampled: sampled }: ChangesView) => {
    setLive((before) => heardRows(before, rows, changed));
    setSampled(sampled);
  }, []);
  useLive("changes", hear, type === "" ? undefined : `${type}.*`);
  const isPartial = isSampled && changesPerS > 0;
  useTruth(isPartial, live.rows, (rows) => setLive((before) => ({ ...before, rows: withChanges(before.rows, rows) })));
  return { rows: live.rows, changed: live.changed, changesPerS, isSampled: isPartial };
}

interface Live {
  /** The list that the rows are of. */
  readonly read: readonly ActorRow[];
  readonly rows: readonly ActorRow[];
  readonly changed: number;
  /** What has come live last, also of actors that the list does not show: the next one may, and be older. */
  readonly heard: readonly ActorRow[];
}

/** What has come live since the server has read the list is newer than the list. */
function ofList(before: Live, read: readonly ActorRow[]): Live {
  if (before.read === read) return before;
  return { ...before, read, rows: withChanges(read, [...before.rows, ...before.heard]), changed: 0 };
}

function heardRows(before: Live, rows: readonly ActorRow[], changed: number): Live {
  const heard = [...before.heard, ...rows].slice(-heardMax);
  return { ...before, heard, rows: withChanges(before.rows, rows), changed: before.changed + changed };
}

/** While most changes are not told, those on the screen are asked for by name: none is older than some seconds. */
function useTruth(isPartial: boolean, rows: readonly ActorRow[], take: (rows: readonly ActorRow[]) => void): void {
  const shown = useRef(rows);
  shown.current = rows;
  const moment = isPartial ? Math.floor(secondNow.value / truthEveryMs) : 0;
  useEffect(() => {
    if (moment === 0 || shown.current.length === 0) return;
    const abort = new AbortController();
    // When this fails the stream has failed too, or will, and the page says so.
    get<ActorsNow>("actors-now", { keys: keysOf(shown.current) }, abort.signal).then(
      (now) => take(now.rows),
      () => undefined,
    );
    return () => abort.abort();
  }, [moment]);
}

/** As many as an address holds. */
function keysOf(rows: readonly ActorRow[]): string {
  const keys = rows.map(({ type, id }) => keyOf(type, id)).join(",");
  return keys.length <= keysCharsMax ? keys : keys.slice(0, keys.lastIndexOf(",", keysCharsMax));
}

const emptyLive: Live = { read: [], rows: [], changed: 0, heard: [] };

/** How much a count that grows has grown in the last second, over the last three. */
function useRate(total: number): number {
  const past = useRef<readonly number[]>([]);
  const [rate, setRate] = useState(0);
  const latest = useRef(total);
  latest.current = total;
  const second = secondNow.value;
  useEffect(() => {
    // A list that was read again counts from 0.
    const kept = past.current.filter((count) => count <= latest.current);
    past.current = [...kept, latest.current].slice(-4);
    const [first = 0] = past.current;
    setRate(Math.round((latest.current - first) / Math.max(1, past.current.length - 1)));
  }, [second]);
  return rate;
}
