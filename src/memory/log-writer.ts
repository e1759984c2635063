// The one who writes a log for a handle: what is appended meanwhile waits, and goes together in the next record.
//
//   L1. A record is only created by one who has seen that the record before it stands, so above the head's floor there is
//       no gap. One write for each handle is under way at a time.
//   L2. Of all who create a record one wins (K2). Who lost reads what won, looks whether that is what it wrote itself (a
//       lost answer), and goes on behind the new end; a bounded number of times, with jitter, then WRITE_CONTENDED.
//   L3. A record is never rewritten except to take entries out. One out of which everything was taken is a tombstone: it
//       refuses a late `create` of its number.
//   L4. Whose bucket was made anew or set back is told so by a record that is missing (E3 of `log-end.ts`), or by a revision
//       that it had come to before (K1). What was written behind the end of that bucket's log is taken back, and written
//       again where it ends.

import { contentionDelay, delay } from "../core/clock.ts";
import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";
import type { KvEntry, Revision } from "../kv/store.ts";
import { joinRecord } from "./entry.ts";
import { bearHead } from "./head.ts";
import type { Attempt, Draft, Group, Tail, Verdict } from "./log-append-step.ts";
import { groupBytesMax, judge, nextStep, planGroup, refusalOf } from "./log-append-step.ts";
import type { AppendedEntry } from "./log-calls.ts";
import type { SeenLog } from "./log-end.ts";
import { findEnd } from "./log-end.ts";
import type { IdPlace, KnownIds } from "./log-ids.ts";
import { readStored } from "./log-record.ts";
import { insist } from "./log-removal.ts";
import { positionOf, recordKey } from "./memory-keys.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope } from "./scope.ts";
import { scopeKey } from "./scope.ts";

export interface LogWriterOptions {
  readonly stores: MemoryStores;
  readonly scope: Scope;
  readonly queuedCallsMax: number;
  readonly ids: KnownIds;
  /** Brings `ids` up to the end of the log as it was seen. */
  readonly learnIds: (seen: SeenLog) => Promise<void>;
  /** The bucket is not the one that it was (L4). */
  readonly onSetBack: () => void;
}

/** A call that waits for its record. */
interface Waiting {
  readonly drafts: readonly Draft[];
  era: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** How often another's record took the number that it was to have. */
  lost: number;
  readonly resolve: (written: Written) => void;
  readonly reject: (reason: unknown) => void;
}

export interface Written {
  readonly entries: readonly AppendedEntry[];
  readonly era: number;
}

/** How often a call may lose the race for a record's number. */
const lostMax = 100;
/** How often a record is tried under one number, and how often it is looked for before that is given up. */
const triesMax = 10;
const looksMax = 10;
/** The longest waits between two such attempts. Unit: ms. */
const lostWaitMsMax = 64;
const lookWaitMsMax = 1_000;

export class LogWriter {
  readonly #options: LogWriterOptions;
  readonly #queue: Waiting[] = [];
  #seen: SeenLog | undefined;
  #tail: Tail | undefined;
  #groupBytesMax = groupBytesMax;
  #isRunning = false;

  constructor(options: LogWriterOptions) {
    this.#options = options;
  }

  /** What it knows of the log; undefined before it has written. */
  get tail(): Tail | undefined {
    return this.#tail;
  }

  /** Lets go of what it knows: the bucket is not the one that it was (L4). */
  startOver(): void {
    this.#tail = undefined;
    this.#seen = undefined;
    this.#options.ids.forget();
    this.#options.onSetBack();
  }

  /** Rejects with SCOPE_ERASED, WRITE_CONTENDED, PAYLOAD_TOO_LARGE, OUTCOME_UNKNOWN, and as the store does. */
  append(drafts: readonly Draft[], era: number | undefined, signal: AbortSignal | undefined): Promise<Written> {
    const { scope, queuedCallsMax } = this.#options;
    if (this.#queue.length >= queuedCallsMax) {
      const text = `${queuedCallsMax} appends to ${scopeKey(scope)} wait for their record already`;
      return Promise.reject(new TroupeError("WRITE_CONTENDED", text));
    }
    return new Promise((resolve, reject) => {
      const takeBack = () => this.#takeBack(waiting);
      const done = () => signal?.removeEventListener("abort", takeBack);
      const waiting: Waiting = {
        ...{ drafts, era, signal, lost: 0 },
        resolve: (written) => {
          done();
          resolve(written);
        },
        reject: (reason) => {
          done();
          reject(reason);
        },
      };
      signal?.addEventListener("abort", takeBack, { once: true });
      this.#queue.push(waiting);
      if (!this.#isRunning) void this.#run();
    });
  }

  #takeBack(waiting: Waiting): void {
    const at = this.#queue.indexOf(waiting);
    if (at < 0) return;
    this.#queue.splice(at, 1);
    waiting.reject(waiting.signal?.reason);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#queue.length > 0) {
      try {
        const tail = await this.#prepare();
        this.#refuse(tail);
        await this.#writeNext(tail);
      } catch (thrown) {
        // Whoever waits now would meet the same.
        for (const waiting of this.#queue.splice(0)) waiting.reject(thrown);
      }
    }
    this.#isRunning = false;
  }

  /** Learns what has to be known before the next record can be written. */
  async #prepare(): Promise<Tail> {
    const { stores, ids, learnIds } = this.#options;
    for (let hasLooked = false; ; ) {
      const tail = this.#tail;
      const know = { tail, knowsIds: tail !== undefined && ids.upTo === tail.end, hasLooked };
      const step = nextStep(know, stores.clock.monotonicMs(), this.#queue);
      if (step === "write" && tail !== undefined) return tail;
      if (step === "learn-ids" && this.#seen !== undefined && tail !== undefined) {
        await learnIds({ ...this.#seen, end: tail.end });
      } else {
        // From where it looked last: what it has written since may stand in two buckets, with a gap between (L4).
        await this.#look(this.#seen?.end ?? 0);
        hasLooked = true;
      }
    }
  }

  /** W2; and whoever took the call back while it was on its way to a number that another's record then took. */
  #refuse(tail: Tail): void {
    for (const waiting of [...this.#queue]) {
      if (waiting.signal?.aborted) {
        this.#takeBack(waiting);
        continue;
      }
      waiting.era ??= tail.era;
      const reason = refusalOf(tail, waiting.era);
      if (reason === undefined) continue;
      if (waiting.era > tail.era) this.#options.onSetBack();
      this.#queue.splice(this.#queue.indexOf(waiting), 1);
      waiting.reject(erasedError(this.#options.scope, reason));
    }
  }

  async #writeNext(tail: Tail): Promise<void> {
    const { ids } = this.#options;
    const group = planGroup(this.#queue, (id) => ids.placeOf(id), this.#groupBytesMax);
    const calls = this.#queue.splice(0, group.calls);
    if (calls.length === 0) return;
    if (group.drafts.length === 0) return answer(calls, group, [], tail.era);
    try {
      await this.#writeGroup(calls, group, tail);
    } catch (thrown) {
      if (calls.length > 1 && isTroupeError(thrown) && thrown.code === "PAYLOAD_TOO_LARGE") {
        // The bucket takes less than a group may hold; which of the calls is too large by itself will be seen.
        this.#groupBytesMax = Math.floor(this.#groupBytesMax / 2);
        this.#queue.unshift(...calls);
      } else for (const waiting of calls) waiting.reject(thrown);
    }
  }

  /** Before the first record of a scope that lies under others there is its head (H4). */
  async #bearHead({ era, end }: Tail): Promise<void> {
    const { stores, scope } = this.#options;
    if (this.#seen?.above === undefined) return;
    await bearHead(stores.entries, scope, stores.clock);
    const { head } = await this.#look(end);
    const reason = refusalOf({ era: head.era, isErasing: head.erasing !== undefined }, era);
    if (reason !== undefined) throw erasedError(scope, reason);
  }

  /** Writes a record and settles what became of it. Rejects when nothing of it stands, or that cannot be known. */
  async #writeGroup(calls: readonly Waiting[], group: Group, tail: Tail): Promise<void> {
    const { stores, scope } = this.#options;
    await this.#bearHead(tail);
    const record = tail.end + 1;
    const key = recordKey(scope, record);
    const value = await stores.codecs.encode(joinRecord(group.drafts.map(({ text }) => text)));
    const attempt = { record, ids: group.drafts.map(({ id }) => id), isInDoubt: false };
    for (let tries = 1; tries <= triesMax; tries += 1) {
      const revision = await this.#tryCreate(attempt, key, value);
      if (revision > 0) return this.#settle(calls, group, tail, { key, revision });
      const { head, next, end } = await this.#lookAfter(attempt);
      const verdict = await this.#judge(attempt, next);
      if (verdict === "stands" && next !== undefined && end < record) await this.#takeOut(key, next.revision); // L4
      if (verdict === "taken" || end < record - 1) return this.#goOn(calls, record);
      const reason = refusalOf({ era: head.era, isErasing: head.erasing !== undefined }, tail.era);
      if (reason !== undefined) throw erasedError(scope, reason);
      if (verdict === "stands") return this.#settle(calls, group, tail, { key, revision: next?.revision ?? 0 });
    }
    throw new TroupeError("OUTCOME_UNKNOWN", `${key} was tried ${triesMax} times, and no answer came`);
  }

  /** The revision that it got. 0: another's stands there, or the attempt is in doubt now. */
  async #tryCreate(attempt: { isInDoubt: boolean }, key: string, value: Uint8Array): Promise<Revision> {
    try {
      const write = await this.#options.stores.entries.create(key, value);
      return write.kind === "written" ? write.revision : 0;
    } catch (thrown) {
      const isUnknown = isTroupeError(thrown) && thrown.code === "OUTCOME_UNKNOWN";
      if (!isUnknown && !attempt.isInDoubt) throw thrown;
      attempt.isInDoubt = true;
      return 0;
    }
  }

  /** Looks at the log as long as it takes to know what became of a record that may stand. */
  async #lookAfter({ record, isInDoubt }: Attempt): Promise<SeenLog> {
    const { stores, scope } = this.#options;
    for (let looks = 1; ; looks += 1) {
      try {
        return await this.#look(record - 1);
      } catch (thrown) {
        if (!isInDoubt) throw thrown;
        if (looks === looksMax) {
          const text = `whether ${recordKey(scope, record)} was written cannot be seen: ${messageOf(thrown)}`;
          throw new TroupeError("OUTCOME_UNKNOWN", text, { cause: thrown });
        }
        await delay(stores.clock, Math.min(lookWaitMsMax, 2 ** looks * (0.5 + stores.clock.random())));
      }
    }
  }

  /** Looks at the log anew; `from`: a record that stood when it was last heard of. */
  async #look(from: number): Promise<SeenLog> {
    const { stores, scope, ids } = this.#options;
    const asOfMs = stores.clock.monotonicMs();
    const seen = await findEnd(stores, scope, from);
    if (seen.end < Math.max(from, this.#tail?.end ?? 0)) this.startOver();
    const { era, erasing } = seen.head;
    // What was erased does not stand: an id of it may be written again.
    if (this.#tail !== undefined && this.#tail.era !== era) ids.forget();
    this.#tail = { era, isErasing: erasing !== undefined, end: seen.end, revision: seen.newest, asOfMs };
    this.#seen = seen;
    return seen;
  }

  async #judge(attempt: Attempt, next: KvEntry | undefined): Promise<Verdict> {
    const standing = next === undefined ? undefined : await readStored(this.#options.stores.codecs, next);
    return judge(
      attempt,
      standing?.map(({ id }) => id),
    );
  }

  /** A record stands behind what was the end of the log when it was written. */
  async #settle(
    calls: readonly Waiting[],
    group: Group,
    behind: Tail,
    place: Pick<IdPlace, "key" | "revision">,
  ): Promise<void> {
    const { ids } = this.#options;
    const record = behind.end + 1;
    if (place.revision <= behind.revision) {
      this.startOver();
      await this.#takeOut(place.key, place.revision); // L4
      return this.#goOn(calls, record);
    }
    const places = group.drafts.map(({ id }, index) => ({ id, position: positionOf(record, index), ...place }));
    if (this.#tail !== undefined) this.#tail = { ...behind, end: record, revision: place.revision };
    if (ids.upTo === record - 1) ids.add(record, places);
    answer(calls, group, places, behind.era);
  }

  /** L4: who reads the log does not see it now, and would once the log has come to its number. */
  async #takeOut(key: string, revision: Revision): Promise<void> {
    const { stores } = this.#options;
    try {
      await insist(stores.clock, () => stores.entries.purge(key, { expected: revision }));
    } catch (thrown) {
      const text = `${key} stands behind a gap of a log that was made anew, and could not be removed: ${messageOf(thrown)}`;
      throw new TroupeError("OUTCOME_UNKNOWN", text, { cause: thrown });
    }
  }

  /** L2: back to the front of the queue, behind the end that has been seen now. */
  async #goOn(calls: readonly Waiting[], record: number): Promise<void> {
    const { stores, scope } = this.#options;
    const again: Waiting[] = [];
    for (const waiting of calls) {
      waiting.lost += 1;
      if (waiting.lost < lostMax) again.push(waiting);
      else {
        const text = `${recordKey(scope, record)} is another's, as were the ${lostMax - 1} records before it that were tried`;
        waiting.reject(new TroupeError("WRITE_CONTENDED", text));
      }
    }
    this.#queue.unshift(...again);
    await contentionDelay(stores.clock, again[0]?.lost ?? 0, lostWaitMsMax);
  }
}

function answer(calls: readonly Waiting[], { slots }: Group, places: readonly IdPlace[], era: number): void {
  for (const [at, waiting] of calls.entries()) {
    const entries = (slots[at] ?? []).flatMap((slot): AppendedEntry[] => {
      if (slot.kind === "known") return [slot.entry];
      const place = places[slot.index];
      return place === undefined ? [] : [{ ...place, isDuplicate: slot.kind === "repeat" }];
    });
    waiting.resolve({ entries, era });
  }
}

function erasedError(scope: Scope, reason: string): TroupeError {
  return new TroupeError("SCOPE_ERASED", `${scopeKey(scope)}: ${reason}`);
}
