// Runs of a list that is on the screen, as they are now: what has changed is put in its place, nothing moves.
//
//   L1. A list that is read again makes nothing older: it may have been on its way for a while, and what has come live meanwhile
//       is newer.
//   L2. A run that has begun is in the list, or announced: also when it began after the list was asked for and before it came.

import type { RunRow } from "../../../src/monitoring/dashboard/api/workflows.ts";

/** What has come live, kept for the next list. */
interface Heard {
  readonly row: RunRow;
  /** By this machine's clock. */
  readonly atMs: number;
}

export interface LiveRuns {
  /** As the server has listed them last. */
  readonly read: readonly RunRow[];
  readonly rows: readonly RunRow[];
  /** Names of runs that the list does not show: news that "Show new" brings. */
  readonly news: ReadonlySet<string>;
  /** The latest of each run, in order. */
  readonly heard: ReadonlyMap<string, Heard>;
}

/** Names of new runs that are remembered to be counted, and runs that are kept: beyond that the count stands still. */
const newsMax = 1_000;

export const noRuns: LiveRuns = { read: [], rows: [], news: new Set(), heard: new Map() };

/** With what has come live, now. */
export function heardRuns(live: LiveRuns, changed: readonly RunRow[], workflow: string, nowMs: number): LiveRuns {
  const own = changed.filter((row) => row.workflow === workflow);
  const heard = new Map(live.heard);
  for (const row of own) {
    heard.delete(row.run);
    heard.set(row.run, { row, atMs: nowMs });
  }
  for (const run of heard.keys()) if (heard.size > newsMax) heard.delete(run);
  const fresh = live.news.size < newsMax ? unlisted(live.rows, own) : [];
  return {
    ...live,
    heard,
    rows: withRuns(live.rows, own),
    news: fresh.length === 0 ? live.news : new Set([...live.news, ...fresh]),
  };
}

/** With the list that the server was asked for at `askedAtMs`; the same when it is the one that is there. */
export function listedRuns(live: LiveRuns, read: readonly RunRow[], askedAtMs: number): LiveRuns {
  if (live.read === read) return live;
  const heard = [...live.heard.values()];
  const since = heard.filter(({ atMs }) => atMs >= askedAtMs).map(({ row }) => row);
  const all = heard.map(({ row }) => row);
  return { ...live, read, rows: withRuns(read, all), news: new Set(unlisted(read, since)) }; // L1, L2
}

/** `rows` with those of `changed` in their places; the same array when none of them is in it. */
export function withRuns(rows: readonly RunRow[], changed: readonly RunRow[]): readonly RunRow[] {
  const latest = new Map(changed.map((row) => [`${row.workflow}/${row.run}`, row]));
  let isSame = true;
  const next = rows.map((row) => {
    const fresh = latest.get(`${row.workflow}/${row.run}`);
    if (fresh === undefined || fresh.changedAtMs < row.changedAtMs) return row;
    isSame = false;
    return fresh;
  });
  return isSame ? rows : next;
}

/** Those of `changed` that a list does not show. */
function unlisted(rows: readonly RunRow[], changed: readonly RunRow[]): readonly string[] {
  const listed = new Set(rows.map(({ run }) => run));
  return changed.filter(({ run }) => !listed.has(run)).map(({ run }) => run);
}
