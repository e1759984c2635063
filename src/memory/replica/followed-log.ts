// A live copy of the end of a log: its last entries, its head, and what stands in every window. Pure: changes come in,
// entries stand.
//
//   D1. It is the end of the log as it stood at some moment, and what was taken out does not come back: of records that
//       stood when the log was read only what was found then is ever shown, whatever is told late.
//   D2. It holds at most `entriesMax` entries besides the pinned ones and the summary. When entries that it held are taken
//       out, older ones take their place, which have to be read.

import type { Entry } from "../entry.ts";
import type { Head } from "../head.ts";
import { firstHead } from "../head.ts";
import type { LogWindow, WindowOptions } from "../log-calls.ts";
import type { KeyChange } from "../memory-change.ts";
import { recordOf } from "../memory-keys.ts";
import { scopeKey } from "../scope.ts";
import { heldWindow } from "./held-window.ts";

/** The end of a log as it was read. */
export interface LoadedLog {
  readonly head: Head;
  readonly headRevision: number;
  /** The last record that stood. */
  readonly end: number;
  /** The last entries, oldest first. */
  readonly entries: readonly Entry[];
  /** Pinned entries and the summary. */
  readonly kept: readonly Entry[];
  /** There are no older ones. */
  readonly isWhole: boolean;
}

/** What is to be read before the copy is complete again. */
export type ToRead =
  | { readonly kind: "nothing" }
  | { readonly kind: "all" }
  | { readonly kind: "entries"; readonly positions: readonly number[] };

const nothing: ToRead = { kind: "nothing" };

export class FollowedLog {
  /** The scope's key text. */
  readonly #scope: string;
  readonly #entriesMax: number;
  #head: Head = firstHead;
  #headRevision = 0;
  #entries: Entry[] = [];
  readonly #kept = new Map<number, Entry>();
  #end = 0;
  #isWhole = true;
  /** The highest position that was let go for want of room. */
  #letGo = -1;
  #shown: readonly Entry[] | undefined;

  constructor(scope: string, entriesMax: number) {
    this.#scope = scope;
    this.#entriesMax = entriesMax;
  }

  get head(): Head {
    return this.#head;
  }

  /** Oldest first. Not changed afterwards. */
  get entries(): readonly Entry[] {
    this.#shown ??= [...this.#entries];
    return this.#shown;
  }

  /** Whether the log has no older entries than these. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  window(options: Omit<WindowOptions, "signal">): LogWindow {
    const place = this.#head.summary;
    const fixed = [...this.#kept.values()].sort((one, other) => one.position - other.position);
    const summary = fixed.find(({ position }) => position === place?.position);
    const covers = summary === undefined ? -1 : (place?.covers ?? -1);
    return heldWindow({ entries: this.#entries, fixed, summary, covers, isWhole: this.#isWhole }, options);
  }

  load({ head, headRevision, end, entries, kept, isWhole }: LoadedLog): void {
    this.#head = head;
    this.#headRevision = headRevision;
    this.#end = end;
    this.#entries = [...entries];
    this.#isWhole = isWhole;
    this.#letGo = -1;
    this.keep(kept);
    this.#shown = undefined;
  }

  /** Pinned entries and the summary that were read. */
  keep(entries: readonly Entry[]): void {
    const wanted = new Set(this.#wanted);
    for (const entry of entries) if (wanted.has(entry.position)) this.#kept.set(entry.position, entry);
    for (const position of [...this.#kept.keys()]) if (!wanted.has(position)) this.#kept.delete(position);
  }

  apply(change: KeyChange): ToRead {
    this.#shown = undefined;
    const isOwn = scopeKey(change.scope) === this.#scope;
    if (change.kind === "entry-added") return isOwn ? this.#add(change.entry) : nothing;
    if (change.kind === "entries-removed") return this.#remove(change);
    if (change.kind === "head-changed") return isOwn ? this.#changeHead(change.head, change.revision) : nothing;
    return nothing;
  }

  get #wanted(): readonly number[] {
    const { pins, summary } = this.#head;
    return summary === undefined ? pins : [...pins, summary.position];
  }

  #add(entry: Entry): ToRead {
    const { position } = entry;
    if (recordOf(position) <= this.#end || position <= this.#letGo) return nothing; // D1
    const at = this.#placeOf(position);
    if (this.#entries[at]?.position === position) return nothing;
    const pinned = this.#head.pins.includes(position);
    this.#entries.splice(at, 0, entry.pinned === pinned ? entry : { ...entry, pinned });
    this.#letGoOfOldest();
    return nothing;
  }

  #letGoOfOldest(): void {
    while (this.#entries.length > this.#entriesMax) {
      const oldest = this.#entries.shift();
      if (oldest === undefined) return;
      this.#letGo = Math.max(this.#letGo, oldest.position);
      this.#isWhole = false;
      if (this.#wanted.includes(oldest.position)) this.#kept.set(oldest.position, oldest);
    }
  }

  #remove({ scope, first, last, left, revision }: Extract<KeyChange, { kind: "entries-removed" }>): ToRead {
    const text = scopeKey(scope);
    const pins = new Set(this.#head.pins);
    const stays = new Map(left.map((entry) => [entry.position, flagged(entry, pins)]));
    const isGone = (entry: Entry) =>
      entry.position >= first &&
      entry.position <= last &&
      entry.revision < revision &&
      !stays.has(entry.position) &&
      scopeKey(entry.scope) === text;
    const anew = (entry: Entry) => (scopeKey(entry.scope) === text && stays.get(entry.position)) || entry;
    const before = this.#entries.length;
    this.#entries = this.#entries.filter((entry) => !isGone(entry)).map(anew);
    for (const [position, entry] of this.#kept) {
      if (isGone(entry)) this.#kept.delete(position);
      else this.#kept.set(position, anew(entry));
    }
    // What stays of a record that was never told of here, since it was written anew before it was.
    if (text === this.#scope) for (const entry of left) this.#add(entry);
    const isShort = this.#entries.length < before && !this.#isWhole && this.#head.erasing === undefined;
    return isShort ? { kind: "all" } : nothing; // D2
  }

  #changeHead(head: Head, revision: number): ToRead {
    if (revision <= this.#headRevision) return nothing;
    const before = this.#head;
    this.#head = head;
    this.#headRevision = revision;
    if (JSON.stringify(before.base) !== JSON.stringify(head.base)) return { kind: "all" };
    if (head.first > before.first) this.#cutBefore(head.first);
    const pins = new Set(head.pins);
    this.#entries = this.#entries.map((entry) => flagged(entry, pins));
    this.keep([...this.#kept.values(), ...this.#entries].map((entry) => flagged(entry, pins)));
    const positions = this.#wanted.filter((position) => !this.#kept.has(position));
    return positions.length === 0 ? nothing : { kind: "entries", positions };
  }

  #cutBefore(record: number): void {
    const left = this.#entries.filter((entry) => recordOf(entry.position) >= record);
    if (left.length < this.#entries.length) this.#isWhole = true; // What is older than these is cut off too.
    this.#entries = left;
  }

  /** The index of the first entry that does not lie before this position. Most are asked for behind the last one. */
  #placeOf(position: number): number {
    let at = this.#entries.length;
    while (at > 0 && (this.#entries[at - 1]?.position ?? 0) >= position) at -= 1;
    return at;
  }
}

function flagged(entry: Entry, pins: ReadonlySet<number>): Entry {
  const pinned = pins.has(entry.position);
  return entry.pinned === pinned ? entry : { ...entry, pinned };
}
