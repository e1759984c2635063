// The tables behind the SQLite store, and every statement that touches them.
//
//   S1. Expectations are checked and writes made inside one immediate transaction: writers of all processes queue.
//   S2. Keys whose time is over are turned into markers before anything else is done, so nobody sees them.

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { Clock } from "../core/clock.ts";
import { messageOf, TroupeError } from "../core/errors.ts";
import type { KvEntry, KvOperation, Revision } from "./store.ts";

export interface SqliteFileOptions {
  /** A path, or `:memory:`. */
  readonly path: string;
  readonly bucket: string;
  readonly history: number;
  readonly markerTtlMs: number;
  readonly clock: Clock;
}

/** Grows with each change of the tables; another number in a file is refused, not guessed. */
const schemaVersion = 1;
/** How long a writer waits for those of other processes. Unit: ms. */
const busyMsMax = 5_000;

const schema = `
  CREATE TABLE buckets (
    bucket TEXT PRIMARY KEY, revision INTEGER NOT NULL, forgotten INTEGER NOT NULL,
    history INTEGER NOT NULL, marker_ttl_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE entries (
    bucket TEXT NOT NULL, revision INTEGER NOT NULL, key TEXT NOT NULL, operation TEXT NOT NULL,
    value BLOB NOT NULL, written_at_ms INTEGER NOT NULL, expires_at_ms INTEGER,
    PRIMARY KEY (bucket, revision)
  ) STRICT;
  CREATE INDEX entries_by_key ON entries (bucket, key, revision);
  CREATE INDEX entries_by_death ON entries (bucket, expires_at_ms) WHERE expires_at_ms IS NOT NULL;
  PRAGMA user_version = ${schemaVersion};
`;

const columns = "key, revision, operation, value, written_at_ms";
const isLastOfKey = `NOT EXISTS (SELECT 1 FROM entries AS newer
  WHERE newer.bucket = entries.bucket AND newer.key = entries.key AND newer.revision > entries.revision)`;

type Row = Record<string, SQLInputValue>;

const nothing = new Uint8Array(0);

/** Rejects with LAYOUT_MISMATCH (another schema, not a database of ours) or STORE_FAILED. */
export async function openSqliteFile(options: SqliteFileOptions): Promise<SqliteFile> {
  // Loaded only when it is used: the module tells everybody on standard error that it is experimental.
  const { DatabaseSync } = await import("node:sqlite");
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(options.path, { timeout: busyMsMax });
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    return new SqliteFile(database, options);
  } catch (thrown) {
    database?.close();
    throw failure(`opening ${options.path}`, thrown);
  }
}

export class SqliteFile {
  readonly #database: DatabaseSync;
  readonly #bucket: string;
  readonly #clock: Clock;
  readonly #statements = new Map<string, StatementSync>();
  readonly history: number;
  readonly #markerTtlMs: number;

  constructor(database: DatabaseSync, options: SqliteFileOptions) {
    this.#database = database;
    this.#bucket = options.bucket;
    this.#clock = options.clock;
    const { history, markerTtlMs } = this.inTransaction(() => this.#prepare(options));
    this.history = history;
    this.#markerTtlMs = markerTtlMs;
  }

  /** Makes the tables and the bucket when they are missing; a bucket that is there keeps its settings. */
  #prepare(options: SqliteFileOptions): { readonly history: number; readonly markerTtlMs: number } {
    const version = Number(this.#get("PRAGMA user_version")?.user_version);
    const tables = Number(this.#get("SELECT count(*) AS tables FROM sqlite_schema")?.tables);
    if (version === 0 && tables === 0) this.#database.exec(schema);
    else if (version !== schemaVersion) {
      const text = `${options.path} has schema ${version}, this code reads ${schemaVersion}`;
      throw new TroupeError("LAYOUT_MISMATCH", text);
    }
    this.#run(
      "INSERT OR IGNORE INTO buckets VALUES (?, 0, 0, ?, ?)",
      this.#bucket,
      options.history,
      options.markerTtlMs,
    );
    const row = this.#get("SELECT history, marker_ttl_ms FROM buckets WHERE bucket = ?", this.#bucket);
    return { history: Number(row?.history), markerTtlMs: Number(row?.marker_ttl_ms) };
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  /** Another number: another connection has changed the file. */
  get dataVersion(): number {
    return Number(this.#get("PRAGMA data_version")?.data_version);
  }

  /** S1. What `work` throws undoes everything. */
  inTransaction<Result>(work: () => Result): Result {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#database.exec("COMMIT");
      return result;
    } catch (thrown) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw thrown;
    }
  }

  /** As of one moment. */
  reading<Result>(work: () => Result): Result {
    this.expireDue();
    this.#database.exec("BEGIN");
    try {
      return work();
    } finally {
      this.#database.exec("COMMIT");
    }
  }

  get revision(): Revision {
    return Number(this.#get("SELECT revision FROM buckets WHERE bucket = ?", this.#bucket)?.revision ?? 0);
  }

  get forgotten(): Revision {
    return Number(this.#get("SELECT forgotten FROM buckets WHERE bucket = ?", this.#bucket)?.forgotten ?? 0);
  }

  last(key: string): KvEntry | undefined {
    const sql = `SELECT ${columns} FROM entries WHERE bucket = ? AND key = ? ORDER BY revision DESC LIMIT 1`;
    const row = this.#get(sql, this.#bucket, key);
    return row === undefined ? undefined : entryOf(row);
  }

  kept(key: string): readonly KvEntry[] {
    const sql = `SELECT ${columns} FROM entries WHERE bucket = ? AND key = ? ORDER BY revision`;
    return this.#all(sql, this.#bucket, key).map(entryOf);
  }

  liveKeys(): string[] {
    const sql = `SELECT key FROM entries WHERE bucket = ? AND operation = 'put' AND ${isLastOfKey}`;
    return this.#all(sql, this.#bucket).map((row) => String(row.key));
  }

  read(after: Revision, limit: number, lastUpTo?: Revision): readonly KvEntry[] {
    const from = `SELECT ${columns} FROM entries WHERE bucket = ? AND revision > ?`;
    const end = "ORDER BY revision LIMIT ?";
    const rows =
      lastUpTo === undefined
        ? this.#all(`${from} ${end}`, this.#bucket, after, limit)
        : this.#all(`${from} AND revision <= ? AND ${isLastOfKey} ${end}`, this.#bucket, after, lastUpTo, limit);
    return rows.map(entryOf);
  }

  /** Inside a transaction. */
  append(key: string, operation: KvOperation, value: Uint8Array, ttlMs?: number): Revision {
    const now = this.#clock.now();
    return this.#append(key, operation, value, now, ttlMs === undefined ? null : now + ttlMs);
  }

  /** Inside a transaction (K9). */
  purge(key: string): Revision {
    return this.#append(key, "delete", nothing, this.#clock.now(), null, 1);
  }

  #append(
    key: string,
    operation: KvOperation,
    value: Uint8Array,
    writtenAtMs: number,
    expiresAtMs: number | null,
    entriesKept = this.history,
  ): Revision {
    const counted = this.#get(
      "UPDATE buckets SET revision = revision + 1 WHERE bucket = ? RETURNING revision",
      this.#bucket,
    );
    const revision = Number(counted?.revision);
    const sql = "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)";
    this.#run(sql, this.#bucket, revision, key, operation, value, writtenAtMs, expiresAtMs);
    this.#run(
      `DELETE FROM entries WHERE bucket = ?1 AND key = ?2 AND revision <= (
         SELECT revision FROM entries WHERE bucket = ?1 AND key = ?2 ORDER BY revision DESC LIMIT 1 OFFSET ?3)`,
      this.#bucket,
      key,
      entriesKept,
    );
    return revision;
  }

  /** When the next key dies. Unit: ms since the Unix epoch; undefined when none will. */
  nextDeathMs(): number | undefined {
    const sql = "SELECT min(expires_at_ms) AS due FROM entries WHERE bucket = ? AND expires_at_ms IS NOT NULL";
    const due = this.#get(sql, this.#bucket)?.due;
    return typeof due === "number" ? due : undefined;
  }

  /** S2. Returns whether anything died. */
  expireDue(): boolean {
    if ((this.nextDeathMs() ?? Number.POSITIVE_INFINITY) > this.#clock.now()) return false;
    return this.inTransaction(() => this.expireInTransaction());
  }

  expireInTransaction(): boolean {
    const sql = `SELECT ${columns}, expires_at_ms FROM entries
      WHERE bucket = ? AND expires_at_ms <= ? ORDER BY expires_at_ms, revision`;
    let hasExpired = false;
    // Again and again: a marker that is left may be due itself, when nobody looked for long.
    for (;;) {
      const due = this.#all(sql, this.#bucket, this.#clock.now());
      if (due.length === 0) return hasExpired;
      hasExpired = true;
      for (const row of due) this.#bury(entryOf(row), Number(row.expires_at_ms));
    }
  }

  #bury(entry: KvEntry, dueMs: number): void {
    if (entry.operation === "put") {
      this.#append(entry.key, "expired", nothing, dueMs, dueMs + this.#markerTtlMs);
      return;
    }
    this.#run("DELETE FROM entries WHERE bucket = ? AND revision = ?", this.#bucket, entry.revision);
    this.#run("UPDATE buckets SET forgotten = max(forgotten, ?) WHERE bucket = ?", entry.revision, this.#bucket);
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values) as Row | undefined;
  }

  #all(sql: string, ...values: SQLInputValue[]): readonly Row[] {
    return this.#prepared(sql).all(...values) as Row[];
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#prepared(sql).run(...values);
  }
}

function entryOf(row: Row): KvEntry {
  return {
    key: String(row.key),
    value: row.value instanceof Uint8Array ? row.value : nothing,
    revision: Number(row.revision),
    operation: row.operation as KvOperation,
    writtenAtMs: Number(row.written_at_ms),
  };
}

/** An error of SQLite as one of ours. */
export function failure(what: string, thrown: unknown): TroupeError {
  if (thrown instanceof TroupeError) return thrown;
  return new TroupeError("STORE_FAILED", `${what}: ${messageOf(thrown)}`, { cause: thrown });
}
