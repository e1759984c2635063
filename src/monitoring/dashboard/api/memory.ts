// What agents remember: how much of it, how fast it grows, and what is in it.
//
//   GET /api/memory                                         MemoryView
//   GET /api/memory/scopes?search=&sort=bytes|key&limit=&cursor=   Page<ScopeRow>
//   GET /api/memory/log?scope=&before=&limit=               LogView
//   GET /api/memory/facts?scope=&limit=&cursor=             FactsView
//   GET /api/memory/facts/history?scope=&name=              FactHistoryView
//   GET /api/memory/recall?scope=&q=&k=                     RecallView
//   GET /api/memory/retention                               RetentionView
// `scope` is its key text, like `user.anna.session.s1`.

export interface MemoryView {
  readonly kinds: readonly ScopeKindRow[];
  /** The hottest keys by writes of the last minute: at most 50. */
  readonly hottest: readonly HotKey[];
  /** Lost races of compare-and-set of the last ten minutes: a row for each of at most 20 keys or actor types, a column for each half minute, oldest first. */
  readonly conflicts: ConflictMap;
  readonly streams: readonly StreamRow[];
  /** False while the server still reads what stands. */
  readonly isComplete: boolean;
}

/** All scopes of one kind: "user", "agent", "user.session", "shared", … */
export interface ScopeKindRow {
  readonly kind: string;
  readonly scopes: number;
  readonly entries: number;
  readonly facts: number;
  readonly bytes: number;
  readonly bytesPerHour: number | null;
}

export interface HotKey {
  readonly bucket: "state" | "memory" | "facts" | "central";
  readonly key: string;
  readonly writesPerMinute: number;
  readonly bytes: number;
}

export interface ConflictMap {
  readonly columnsAtMs: readonly number[];
  readonly rows: readonly { readonly what: string; readonly counts: readonly number[] }[];
}

export interface StreamRow {
  readonly role: string;
  readonly name: string;
  readonly bytes: number;
  /** What it may hold at most, by its own limit or the account's; null: no limit. */
  readonly bytesMax: number | null;
  readonly messages: number;
  readonly bytesPerHour: number | null;
  /** When the limit is reached if it goes on as now; null: never, or not known. */
  readonly fullAtMs: number | null;
  /** Bytes over the time that is watched, oldest first: at most 120 points. */
  readonly past: readonly { readonly atMs: number; readonly bytes: number }[];
}

export interface ScopeRow {
  readonly scope: string;
  readonly kind: string;
  readonly entries: number;
  readonly facts: number;
  readonly bytes: number;
  readonly changedAtMs: number | null;
}

export interface LogView {
  readonly scope: string;
  /** Oldest first. */
  readonly entries: readonly EntryRow[];
  /** `before` of the page before this one; null when this is the first. */
  readonly before: string | null;
}

export interface EntryRow {
  readonly position: string;
  readonly kind: string;
  readonly role: string;
  readonly speaker: string | null;
  readonly text: string;
  readonly data: unknown;
  readonly atMs: number;
  readonly isPinned: boolean;
  readonly cause: string | null;
  readonly trace: string | null;
}

export interface FactsView {
  readonly scope: string;
  /** By name. */
  readonly facts: readonly FactRow[];
  /** For the next part; null on the last. */
  readonly cursor: string | null;
}

export interface FactRow {
  readonly name: string;
  readonly value: unknown;
  readonly revision: number;
  readonly atMs: number;
  readonly by: string | null;
  readonly trace: string | null;
}

/** Oldest first. */
export interface FactHistoryView {
  readonly versions: readonly (FactRow & { readonly isDeleted: boolean })[];
}

export interface RecallView {
  readonly query: string;
  readonly hits: readonly RecallHitRow[];
  readonly tookMs: number;
  readonly isDegraded: boolean;
}

export interface RecallHitRow {
  readonly scope: string;
  readonly key: string;
  readonly revision: number;
  readonly kind: string;
  readonly speaker: string | null;
  readonly text: string;
  readonly atMs: number;
  readonly score: number;
  /** Words of the query that matched: where, and what each is worth. */
  readonly why: readonly { readonly word: string; readonly field: string; readonly score: number }[];
  /** What else moved it, in words: "by meaning in place 3", "a neighbour of …". */
  readonly also: readonly string[];
}

/** What retention would take out now, and why. */
export interface RetentionView {
  readonly scopes: readonly {
    readonly scope: string;
    readonly entries: number;
    readonly facts: number;
    readonly bytes: number | null;
    readonly reason: string;
  }[];
  /** When nothing is planned: why (no policy, nothing old enough). */
  readonly note: string | null;
}
