// What the committed value of one actor says is still to be done, and whether it is: published, carried out, shown.
//
//   R2. What a turn sent is published only after its commit stands (P3).

import type { OutboxEntry, OutboxMemory, OutboxSent, OutboxTell, OutboxTimer, Snapshot } from "../actors/snapshot.ts";
import { isErrand, isMirror } from "../actors/snapshot.ts";
import { timerOf } from "../actors/timer.ts";
import type { TroupeError } from "../core/errors.ts";
import type { RuntimeEvent } from "../core/events.ts";
import type { ActorAddress } from "../core/ids.ts";
import { buryStored } from "./burial.ts";
import type { Cell } from "./cell.ts";
import { Errands } from "./errands.ts";
import { Mirroring } from "./mirroring.ts";
import { Publisher } from "./publisher.ts";
import { remember } from "./remember.ts";

/** Unpublished outbox entries at most, and their share of the largest value. */
const outboxPendingMax = 1_000;
const outboxShareMax = 1 / 4;

/** The value whose outbox it is. */
export interface OutboxOwner {
  readonly committed: Snapshot;
  /** As the turns since have left it. */
  working: Snapshot;
  /** Appends to the actor's own mailbox what only wakes it; its sequence, or why the server does not take it. */
  appendWake(): Promise<number | TroupeError>;
}

export class CellOutbox {
  readonly #cell: Cell;
  readonly #owner: OutboxOwner;
  readonly #onMoved: () => void;
  /** Number of the last entry that was handed to the publisher. */
  #publishedUpTo = 0;
  #publisher: Publisher | undefined;
  #errands: Errands | undefined;
  #mirroring: Mirroring | undefined;
  #onPublished: (() => void) | undefined;
  /** Numbers that the mail stream has and the committed outbox still holds. */
  #stored: Set<number> | undefined;

  /** `onMoved` runs whenever something is done. */
  constructor(cell: Cell, owner: OutboxOwner, onMoved: () => void) {
    this.#cell = cell;
    this.#owner = owner;
    this.#onMoved = onMoved;
  }

  /** Entries that are committed and not published yet. */
  get unpublished(): number {
    return (this.#publisher?.pending ?? 0) + (this.#mirroring?.isBehind === true ? 1 : 0);
  }

  /** No errand is under way: those that are not begun are for the next owner. */
  get isQuiet(): boolean {
    return this.#errands?.isQuiet !== false;
  }

  get errandsSinceMs(): number {
    return this.#errands?.sinceMs ?? Infinity;
  }

  /** Whether an errand stands: whoever takes the actor over has to come by (E1 of `errand.ts`). */
  get hasErrands(): boolean {
    return this.#cell.definition.errands !== undefined && this.#owner.committed.outbox.some(isErrand);
  }

  /** How much of what may wait to be published does: above 1 it is too much for the value to carry along. */
  get crowding(): number {
    const bytes = (this.#publisher?.pendingBytes ?? 0) / (this.#cell.host.mail.payloadBytesMax * outboxShareMax);
    return Math.max(this.unpublished / outboxPendingMax, bytes);
  }

  /** Lowest mail sequence of what was given up on and is no dead letter yet. */
  get oldestDead(): number | undefined {
    return this.#publisher?.oldestDead;
  }

  /** What is not known to be in a memory yet. */
  unwritten({ outbox }: Snapshot): readonly OutboxMemory[] {
    return outbox.filter((entry) => "memory" in entry && !this.#isDone(entry)) as readonly OutboxMemory[];
  }

  /** What the next commit still has to hold. */
  left({ outbox }: Snapshot): readonly OutboxEntry[] {
    return outbox.some((entry) => this.#isDone(entry)) ? outbox.filter((entry) => !this.#isDone(entry)) : outbox;
  }

  /** Resolves when everything that is committed is published; never, when ownership is lost before. */
  untilPublished(): Promise<void> {
    if (this.unpublished === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onPublished = resolve;
    });
  }

  /** The value was read, and is what stands. */
  adopt(snapshot: Snapshot): void {
    const { outbox } = snapshot;
    this.#publishedUpTo = snapshot.sent;
    this.#stored = undefined;
    if (outbox.length === 0) return;
    this.#begin(snapshot);
    // The cursor passes the guard only when the outbox was published: then nothing of it is to be done again.
    if (snapshot.guard <= this.#cell.host.cursor)
      this.#stored = new Set(outbox.filter((entry) => !isErrand(entry)).map(({ n }) => n));
    else {
      this.#publish(outbox.filter(isSent));
      this.#show(snapshot);
    }
  }

  /** A commit stands (R2). */
  stands(snapshot: Snapshot): void {
    if (this.#stored !== undefined && this.#stored.size > 0) {
      const kept = new Set(snapshot.outbox.map((entry) => entry.n));
      for (const number of this.#stored) if (!kept.has(number)) this.#stored.delete(number);
    }
    if (snapshot.sent <= this.#publishedUpTo) return;
    const from = this.#publishedUpTo;
    this.#publishedUpTo = snapshot.sent;
    this.#publish(snapshot.outbox.filter((entry): entry is OutboxSent => entry.n > from && isSent(entry)));
    this.#show(snapshot);
    this.#begin(snapshot);
  }

  /** Begins nothing more: what is under way ends, the rest is for the next owner. */
  leave(): void {
    this.#errands?.leave();
    this.#mirroring?.hurry();
  }

  /** The activation has ended. */
  drop(): void {
    this.#errands?.drop();
  }

  #isDone({ n }: OutboxEntry): boolean {
    return this.#stored?.has(n) === true;
  }

  #begin({ outbox, stopped }: Snapshot): void {
    if (this.#cell.definition.errands === undefined || stopped !== undefined) return;
    if (this.#cell.isGone) return; // Its last commit stands, and is known too late: the next owner begins what it orders.
    this.#errands ??= new Errands(this.#cell, this.#owner, this.#onMoved);
    this.#errands.follow(outbox.filter(isErrand));
  }

  #show({ outbox }: Snapshot): void {
    const entry = outbox.find(isMirror);
    const { mirror } = this.#cell.definition;
    if (entry === undefined || mirror === undefined) return;
    this.#mirroring ??= new Mirroring(this.#cell, mirror, this.#owner, (number) => this.#isStored(number));
    this.#mirroring.follow(entry);
  }

  #publish(entries: readonly OutboxSent[]): void {
    if (entries.length === 0) return;
    const { host, key, self } = this.#cell;
    this.#publisher ??= new Publisher({
      clock: host.clock,
      from: key,
      routeTo: (pool) => host.routeTo(pool),
      bury: (entry) => buryStored(host, key, entry),
      remember: (left) => this.#remember(left),
      lost: host.lost,
      pool: this.#cell.definition.pool,
      timerOf: (name) => timerOf(this.#owner.committed.timers, name),
      onRefused: ({ timer: name }, reason) => {
        host.events.emit({ kind: "timer-refused", actor: self, name, message: reason });
      },
      onStored: (entry, isNews) => {
        if (isNews && host.events.isHeard && !("dead" in entry || "memory" in entry)) {
          host.events.emit(storedEvent(self, entry));
        }
        this.#isStored(entry.n);
      },
    });
    this.#publisher.publish(entries);
  }

  #isStored(number: number): void {
    this.#stored ??= new Set();
    this.#stored.add(number);
    this.#onMoved();
    if (this.unpublished === 0) this.#onPublished?.();
  }

  #remember(entries: readonly OutboxMemory[]): Promise<boolean> {
    const { host, key, self } = this.#cell;
    const { clock, events, log, lost, memory } = host;
    return remember({ clock, events, log, lost, memory, key, self }, entries);
  }
}

function isSent(entry: OutboxEntry): entry is OutboxSent {
  return !isErrand(entry) && !isMirror(entry);
}

function storedEvent(actor: ActorAddress, entry: OutboxTell | OutboxTimer): RuntimeEvent {
  if (entry.timer === undefined) return { kind: "sent", actor, to: entry.to, method: entry.method, number: entry.n };
  const { n, timer: name, cancels } = entry;
  if (cancels !== undefined) return { kind: "timer-cancelled", actor, name, number: cancels };
  return { kind: "timer-set", actor, name, number: n };
}
