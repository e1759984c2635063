// The log of one scope: what was said, seen and done there, in order.
//
// Entries are appended, read, fitted into a model's window, summarized, shared with forks and cut off. Several handles, in
// several processes, may work on one log; their laws stand in `log-writer.ts` (L1 to L3), `log-read.ts`, `log-window.ts`,
// `log-compaction.ts`, `log-removal.ts` and `log-fork.ts`.

import { TroupeError } from "../core/errors.ts";
import type { Entry, NewEntry } from "./entry.ts";
import type {
  Appended,
  AppendOptions,
  Compaction,
  CompactOptions,
  ContextLogOptions,
  ForkOptions,
  LogWindow,
  ReadOptions,
  TruncateOptions,
  Truncation,
  WindowOptions,
} from "./log-calls.ts";
import { compactLog } from "./log-compaction.ts";
import { forkLog } from "./log-fork.ts";
import { LogHandle } from "./log-handle.ts";
import { addPins, checkRoomForPins, removePin } from "./log-pins.ts";
import type { LogReading } from "./log-read.ts";
import { truncateLog } from "./log-truncation.ts";
import { windowOf } from "./log-window.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope } from "./scope.ts";
import { scopeKey } from "./scope.ts";

export interface ContextLogPlace extends ContextLogOptions {
  readonly stores: MemoryStores;
  readonly scope: Scope;
}

/** Holds nothing that must be closed: the stores belong to whoever opened them. */
export class ContextLog {
  readonly scope: Scope;
  /** The scope as it stands in keys. */
  readonly scopeKey: string;
  readonly #log: LogHandle;

  /** Reads nothing yet. Rejects with SCOPE_INVALID, OPTION_INVALID. */
  constructor({ stores, scope, ...options }: ContextLogPlace) {
    this.scope = scope;
    this.scopeKey = scopeKey(scope);
    this.#log = new LogHandle(stores, scope, options);
  }

  /**
   * Appends entries, all of them in one record or none. One that has an id which stands already is not written again.
   * Rejects with ENTRY_INVALID, PAYLOAD_TOO_LARGE, SCOPE_ERASED, WRITE_CONTENDED (nothing was written), OUTCOME_UNKNOWN
   * (repeat it with the same ids), and as the store does.
   */
  async append(entries: NewEntry | readonly NewEntry[], options: AppendOptions = {}): Promise<Appended> {
    const all = isList(entries) ? entries : [entries];
    if (all.length === 0) return { entries: [] };
    // Before anything is looked up: an erasure that is found then is one that came after the call.
    const { era = this.#log.knownEra(), signal } = options;
    const pinned = all.flatMap((entry, at) => (entry?.pinned === true ? [at] : []));
    if (pinned.length > 0) await checkRoomForPins(this.#log, pinned.length);
    const written = await this.#log.write(all, { era, signal });
    if (pinned.length > 0) {
      const positions = pinned.flatMap((at) => written.entries[at]?.position ?? []);
      // A repeat pins what the first attempt wrote and did not come to pin.
      await addPins(this.#log, positions, written.era);
    }
    return { entries: written.entries };
  }

  /** Entries in order, a page at a time. Rejects with OPTION_INVALID, MEMORY_UNREADABLE, and as upcasting does. */
  read(options: ReadOptions = {}): LogReading {
    return this.#log.read(options);
  }

  /** The entry at a position; undefined when none stands there. */
  async get(position: number): Promise<Entry | undefined> {
    checkPosition(position);
    return (await this.#log.entriesAt([position], await this.#log.open()))[0];
  }

  /** The position of the last entry; 0 when there is none. */
  async end(): Promise<number> {
    const [newest] = await this.#log.read({ order: "newest", limit: 1 }).toArray();
    return newest?.position ?? 0;
  }

  /** The scope's era, for `AppendOptions.era`: known, or looked up. */
  era(): Promise<number> {
    return this.#log.era();
  }

  /** What fits into a model's window. Rejects with OPTION_INVALID, and as reading does. */
  window(options: WindowOptions): Promise<LogWindow> {
    return windowOf(this.#log, options);
  }

  /** Lets a summary take the place of old entries in windows. Rejects with OPTION_INVALID, and what `summarize` throws. */
  compact(options: CompactOptions): Promise<Compaction> {
    return compactLog(this.#log, options);
  }

  /**
   * Makes the log of another scope, which has no entries yet, go on from an entry of this one. The two then go their own
   * ways. Rejects with OPTION_INVALID, SCOPE_ERASED, WRITE_CONTENDED.
   */
  fork(scope: Scope, options: ForkOptions = {}): Promise<void> {
    return forkLog(this.#log, scope, options);
  }

  /** Takes out what lies behind a position, or before it, pinned or not. Rejects with OPTION_INVALID, SCOPE_ERASED. */
  truncate(options: TruncateOptions): Promise<Truncation> {
    return truncateLog(this.#log, options);
  }

  /** Lets an entry stand in every window. Rejects with ENTRY_INVALID when none stands there, or too many are pinned. */
  async pin(position: number): Promise<void> {
    const entry = await this.get(position);
    if (entry === undefined) throw new TroupeError("ENTRY_INVALID", `${this.scopeKey} has no entry at ${position}`);
    await addPins(this.#log, [position], await this.#log.era());
  }

  /** The opposite. Nothing happens when the entry is not pinned. */
  async unpin(position: number): Promise<void> {
    checkPosition(position);
    await removePin(this.#log, position, await this.#log.era());
  }
}

function isList(entries: NewEntry | readonly NewEntry[]): entries is readonly NewEntry[] {
  return Array.isArray(entries);
}

function checkPosition(position: number): void {
  if (Number.isSafeInteger(position) && position >= 0) return;
  throw new TroupeError("OPTION_INVALID", `a position is a whole number of 0 or more, got ${String(position)}`);
}
