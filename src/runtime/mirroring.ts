// Shows in the central state store what the committed state of one actor is. The actor does not wait for it.
//
//   Y1. Every state that stands is shown, or a later one: what is written is what is committed when it is written, one write at
//       a time. An entry of the outbox stands until then, so that the next owner goes on with it (P2).
//   Y2. A change of its status is written at once; of those that follow each other closer than `restMs` within one, the last. The
//       first state counts as written when it stands: what is over sooner is written once.
//   Y3. What is refused for good is let go, and said: it would hold up the mail of its partition, for ever.

import type { Mirror } from "../actors/errand.ts";
import { shortName } from "../actors/memory-log.ts";
import type { OutboxMirror } from "../actors/snapshot.ts";
import { isTroupeError, messageOf } from "../core/errors.ts";
import { inTrace } from "../core/trace.ts";
import { waitAgain } from "./burial.ts";
import type { Cell } from "./cell.ts";
import type { OutboxOwner } from "./cell-outbox.ts";

/** Between two writes of one status. Unit: ms. */
const restMs = 100;

export class Mirroring {
  readonly #cell: Cell;
  readonly #mirror: Mirror;
  readonly #owner: OutboxOwner;
  readonly #onShown: (number: number) => void;
  /** What is not shown yet. */
  #entry: OutboxMirror | undefined;
  #isWriting = false;
  #shown: { readonly status: string; readonly atMs: number; readonly left: unknown } | undefined;
  #bornAtMs: number | undefined;
  #stopResting: (() => void) | undefined;

  constructor(cell: Cell, mirror: Mirror, owner: OutboxOwner, onShown: (number: number) => void) {
    this.#cell = cell;
    this.#mirror = mirror;
    this.#owner = owner;
    this.#onShown = onShown;
  }

  get isBehind(): boolean {
    return this.#entry !== undefined;
  }

  /** The state that stands now is to be shown. */
  follow(entry: OutboxMirror): void {
    this.#entry = entry;
    if (this.#shown === undefined) this.#beBorn();
    if (this.#stopResting !== undefined && this.#isPressing) this.#stopResting();
    if (!this.#isWriting) this.#next();
  }

  /** What is behind is written at once. */
  hurry(): void {
    this.#stopResting?.();
  }

  #beBorn(): void {
    const { state } = this.#owner.committed;
    if (!this.#mirror.isFirst(state)) return;
    const { clock } = this.#cell.host;
    this.#shown = { status: this.#mirror.statusOf(state), atMs: clock.monotonicMs(), left: undefined };
    this.#bornAtMs = clock.now();
  }

  get #isPressing(): boolean {
    return this.#shown?.status !== this.#mirror.statusOf(this.#owner.committed.state); // Y2
  }

  #next(): void {
    const { clock, lost } = this.#cell.host;
    if (this.#entry === undefined || this.#stopResting !== undefined || lost.aborted) return;
    const waitMs = this.#isPressing ? 0 : (this.#shown?.atMs ?? 0) + restMs - clock.monotonicMs();
    if (waitMs <= 0) return void this.#write();
    const goOn = () => {
      cancel();
      this.#stopResting = undefined;
      void this.#write();
    };
    const cancel = clock.after(waitMs, goOn);
    this.#stopResting = goOn;
  }

  async #write(): Promise<void> {
    const { host, key, self } = this.#cell;
    this.#isWriting = true;
    for (let attempt = 0; this.#entry !== undefined && !host.lost.aborted; attempt += 1) {
      const entry = this.#entry;
      const { state } = this.#owner.committed; // Y1
      const status = this.#mirror.statusOf(state);
      try {
        const states = await host.memory.states(key);
        const news = {
          states,
          self,
          state,
          cause: shortName(entry.mirror),
          atMs: host.clock.now(),
          before: this.#shown?.left,
          bornAtMs: this.#bornAtMs,
        };
        const left = await inTrace(entry.trace, () => this.#mirror.write(news));
        this.#shown = { status, atMs: host.clock.monotonicMs(), left };
        this.#bornAtMs = undefined;
        this.#done(entry);
        break;
      } catch (thrown) {
        const isFinal = isTroupeError(thrown) && thrown.retry === "never" && thrown.code !== "CLOSED";
        if ((attempt & (attempt - 1)) === 0) {
          const fields = { actor: key, attempt, error: messageOf(thrown) };
          host.log.warn(fields, isFinal ? "a state cannot be shown" : "a state could not be shown, trying again");
        }
        if (isFinal)
          this.#done(entry); // Y3
        else await waitAgain(host, attempt);
      }
    }
    this.#isWriting = false;
    this.#next();
  }

  #done(entry: OutboxMirror): void {
    if (this.#entry === entry) this.#entry = undefined;
    this.#onShown(entry.n);
  }
}
