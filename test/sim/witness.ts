// Sees what reaches the server's streams and records, at once, and says what must not be: a message that no committed turn
// has sent, a cursor that passes what is not settled, mail that is trimmed too early, two owners of one epoch.

import type { OutboxEntry } from "../../src/actors/snapshot.ts";
import { isErrand, isMirror } from "../../src/actors/snapshot.ts";
import { decodeText } from "../../src/core/codec.ts";
import type { MemoryBucket } from "../../src/kv/memory-bucket.ts";
import type { PartitionRecord } from "../../src/runtime/directory.ts";
import { readRecord } from "../../src/runtime/directory.ts";
import { deadHeaderNames } from "../../src/runtime/mail-dead.ts";
import { readLetter } from "../../src/runtime/memory-mail.ts";
import type { MemoryWorld } from "../../src/runtime/memory-world.ts";
import type { CursorRecord } from "../../src/runtime/ownership.ts";
import { readCursor } from "../../src/runtime/ownership.ts";
import type { Subjects } from "../../src/runtime/subjects.ts";
import type { Run } from "../../src/workflow/run.ts";
import type { Ledger } from "./ledger.ts";
import { idsOf } from "./ledger.ts";
import type { Plan } from "./plan.ts";

/** A message that was given up on. */
export interface Buried {
  readonly id: string;
  readonly code: string;
}

interface Letter {
  readonly sequence: number;
  readonly key: string;
  /** What the simulation calls it; undefined for a wake. */
  readonly id: string | undefined;
}

/** What is known of one partition. */
interface Watched {
  readonly prefix: string;
  /** All but what timers send, which may be given up for a later one and is judged by what rings (bell.ts). */
  readonly letters: Letter[];
  lastSequence: number;
  /** How many of them a saved cursor has passed, and how many are trimmed. */
  passed: number;
  trimmed: number;
  record: PartitionRecord;
  cursor: CursorRecord;
  readonly saves: { readonly cursor: number; readonly atMs: number }[];
}

/** A worker's clock may run fast, and it looks now and then. */
const windowShare = 0.97;
const nobody: PartitionRecord = { owner: "", epoch: 0, needs: {} };
const start: CursorRecord = { epoch: 0, cursor: 0 };

export class Witness {
  readonly #world: MemoryWorld;
  readonly #ledger: Ledger;
  readonly #plan: Plan;
  readonly #subjects: Subjects;
  /** By the tail of their keys: `main.3`. */
  readonly #partitions = new Map<string, Watched>();
  readonly #stored = new Set<string>();
  readonly #buried: Buried[] = [];
  /** Mail sequences of what was buried. */
  readonly #graves = new Set<number>();
  #clusterRevision = 0;

  /** `pools`: the subjects of each pool. */
  constructor(world: MemoryWorld, ledger: Ledger, plan: Plan, subjects: Subjects, pools: readonly Subjects[]) {
    this.#world = world;
    this.#ledger = ledger;
    this.#plan = plan;
    this.#subjects = subjects;
    for (const ofPool of pools) {
      for (let partition = 0; partition < plan.partitions; partition += 1) {
        const prefix = ofPool.mailPrefix(partition);
        const untouched = { lastSequence: 0, passed: 0, trimmed: 0, record: nobody, cursor: start };
        const watched: Watched = { prefix, letters: [], saves: [], ...untouched };
        this.#partitions.set(`${ofPool.pool}.${partition}`, watched);
        world.onLetters(prefix, () => this.#seeLetters(watched));
      }
    }
    world.onLetters(subjects.deadStream, () => this.#seeDead());
  }

  get buried(): readonly Buried[] {
    return this.#buried;
  }

  isStored(from: string, number: number): boolean {
    return this.#stored.has(`${from}:${number}`);
  }

  followCluster(bucket: MemoryBucket): void {
    bucket.onChange(() => {
      for (const entry of bucket.read(this.#clusterRevision, 10_000)) {
        this.#clusterRevision = entry.revision;
        const [kind = "", ...tail] = entry.key.split(".");
        const watched = this.#partitions.get(tail.join("."));
        if (watched === undefined) continue;
        if (kind === "partition") this.#seeRecord(watched, entry.key, readRecord(entry.value));
        if (kind === "cursor") this.#seeCursor(watched, entry.key, readCursor(entry.value));
      }
    });
  }

  /** What has not come to its end yet: mail that no saved cursor has passed, and outboxes that are not published. */
  get unfinished(): readonly string[] {
    const late = [...this.#partitions.values()].flatMap(({ prefix, letters, passed }) =>
      passed < letters.length ? [`no saved cursor has passed ${prefix}${letters[passed]?.sequence}`] : [],
    );
    for (const key of this.#ledger.keys) {
      const entry = this.#unpublishedOf(key);
      if (entry !== undefined) late.push(`${key} has not published ${entry}`);
    }
    return late;
  }

  /** Trims leave no trace of their own: to be called whenever one may have been. */
  lookForTrims(): void {
    for (const watched of this.#partitions.values()) {
      const log = this.#world.stream(this.#subjects.mailStream).partition(watched.prefix);
      const first = log.letters[0]?.sequence ?? Number.POSITIVE_INFINITY;
      for (;;) {
        const letter = watched.letters[watched.trimmed];
        if (letter === undefined || letter.sequence >= first) break;
        watched.trimmed += 1;
        this.#seeTrimmed(watched, letter);
      }
    }
  }

  #seeLetters(watched: Watched): void {
    const log = this.#world.stream(this.#subjects.mailStream).partition(watched.prefix);
    for (let at = log.indexOf(watched.lastSequence + 1); ; at += 1) {
      const stored = log.letters[at];
      if (stored === undefined) return;
      const { key, payload, sequence, meta } = readLetter(stored);
      watched.lastSequence = sequence;
      if (meta.timer === undefined) watched.letters.push({ sequence, key, id: idIn(payload) });
      this.#ledger.note(`stored ${sequence} for ${key}: ${idIn(payload) ?? "a wake"}`);
      const { from, number } = meta;
      if (from === undefined || number === undefined) continue;
      this.#stored.add(`${from}:${number}`);
      if (!this.#ledger.hasSent(from, number)) {
        this.#ledger.fault(`P3: ${from} published ${number} (${idIn(payload)} to ${key}) before it was committed`);
      }
    }
  }

  #seeDead(): void {
    for (const { payload, lines } of this.#world.buried(this.#subjects).slice(this.#buried.length)) {
      const code = lines.find((line) => line.includes("Code"))?.replace(/.*: /, "") ?? "";
      this.#buried.push({ id: idIn(payload) ?? "", code });
      const sequence = lines.find((line) => line.startsWith(`${deadHeaderNames.sequence}: `));
      this.#graves.add(Number(sequence?.slice(deadHeaderNames.sequence.length + 2)));
    }
  }

  #seeRecord(watched: Watched, key: string, record: PartitionRecord): void {
    const { record: before } = watched;
    const { owner, epoch } = record;
    const fault = (text: string) => this.#ledger.fault(`E1: ${key}: ${text}`);
    const isReturned = owner === "" && epoch === before.epoch;
    if (owner !== before.owner && !isReturned && epoch !== before.epoch + 1) {
      fault(`${owner} took epoch ${epoch} after ${before.owner} had epoch ${before.epoch}`);
    }
    if (epoch < before.epoch) fault(`the epoch went from ${before.epoch} to ${epoch}`);
    if (owner !== before.owner) this.#ledger.note(`${key} belongs to ${owner || "nobody"}, epoch ${epoch}`);
    watched.record = record;
  }

  #seeCursor(watched: Watched, key: string, { epoch, cursor }: CursorRecord): void {
    const { cursor: before, record } = watched;
    if (cursor < before.cursor) this.#ledger.fault(`E3: ${key} went from ${before.cursor} to ${cursor}`);
    if (epoch < before.epoch || epoch > record.epoch) {
      this.#ledger.fault(`E3: ${key} of epoch ${before.epoch} was written by epoch ${epoch} of ${record.epoch}`);
    }
    watched.cursor = { epoch, cursor };
    if (cursor <= before.cursor) return;
    watched.saves.push({ cursor, atMs: this.#world.clock.monotonicMs() });
    for (;;) {
      const letter = watched.letters[watched.passed];
      if (letter === undefined || letter.sequence > cursor) break;
      watched.passed += 1;
      this.#seePassed(letter, cursor);
    }
  }

  /** H1: at or below the cursor every message is settled, and what it sent is published. */
  #seePassed({ sequence, key, id }: Letter, cursor: number): void {
    const committed = this.#ledger.committed(key);
    const isSettled = id === undefined || idsOf(committed).includes(id) || this.#buried.some((each) => each.id === id);
    if (!isSettled)
      this.#ledger.fault(`H1: the cursor ${cursor} passed ${id} to ${key} (${sequence}), which is not settled`);
    if (committed === undefined || committed.guard > cursor) return;
    const entry = this.#unpublishedOf(key);
    if (entry !== undefined)
      this.#ledger.fault(`H1: the cursor ${cursor} passed ${sequence}, and ${key} has not published ${entry}`);
  }

  /** K2: nothing is trimmed that was not passed by a cursor which was saved one duplicate window ago. */
  #seeTrimmed({ prefix, saves }: Watched, { sequence, id }: Letter): void {
    const save = saves.find(({ cursor }) => cursor >= sequence);
    const waitedMs = this.#world.clock.monotonicMs() - (save?.atMs ?? Number.POSITIVE_INFINITY);
    if (waitedMs >= this.#plan.duplicateWindowMs * windowShare) return;
    const since = save === undefined ? "before any cursor passed it" : `${waitedMs} ms after one passed it`;
    this.#ledger.fault(`K2: ${prefix}${sequence} (${id}) was trimmed ${since}`);
  }

  #unpublishedOf(key: string): number | undefined {
    const { outbox = [] } = this.#ledger.committed(key) ?? {};
    const isLate = (entry: OutboxEntry) => {
      if ("dead" in entry) return !this.#graves.has(entry.dead.seq);
      if (isErrand(entry)) return true;
      if (isMirror(entry)) return !this.#isShown(key);
      return entry.timer === undefined && !this.isStored(key, entry.n);
    };
    return outbox.find(isLate)?.n;
  }

  /** The central state store shows the run as it stands, or later. */
  #isShown(key: string): boolean {
    const { changes = 0 } = (this.#ledger.committed(key)?.state ?? {}) as Partial<Run>;
    const [, id = ""] = key.split(".");
    const entry = this.#world.place.buckets.get(this.#subjects.centralBucket)?.last(`workflow.flow=2F${id}`);
    if (entry === undefined) return false;
    const { data } = JSON.parse(decodeText(entry.value)) as { readonly data: { readonly number: number } };
    return data.number >= changes;
  }
}

function idIn(payload: Uint8Array): string | undefined {
  if (payload.length === 0) return undefined;
  return (JSON.parse(decodeText(payload)) as { readonly id: string }).id;
}
