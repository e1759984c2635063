// The central state store: states of models that anybody may read and change, in one bucket of any KvStore.
//
//   C1. Every change is decided on what stands when it is written: none is lost, none is made twice (W1, W2 of
//       state-writer.ts), and none that the model does not allow (D1 to D3 of state-model.ts).
//   C2. Every change says who made it, when, why and in which trace, and the last ones are kept.
//   C3. What reads and changes single states is linearizable, on every store. What reads many misses nothing from before it was called, and
//       says whether all of it is of one moment.
//   C4. Nothing here knows which store is behind: all of it is built on the laws K1 to K8 of `kv/store.ts`.

import type { Clock } from "../core/clock.ts";
import { systemClock } from "../core/clock.ts";
import type { KvStore } from "../kv/store.ts";
import type { StateLock } from "./state-lock.ts";
import type { LockOptions } from "./state-lock-wait.ts";
import { acquireLock } from "./state-lock-wait.ts";
import type { StateModel } from "./state-model.ts";
import { sweepStates } from "./state-sweep.ts";
import { States } from "./state-table.ts";
import type { StateRef, StateTransaction, Transacted, TransactOptions } from "./state-transaction.ts";
import { transactStates } from "./state-transaction.ts";
import { checkOrigin } from "./state-value.ts";
import { StateWriter } from "./state-writer.ts";

export interface StateStoreOptions {
  /** The bucket, with a history (8, say): that is how far `history` and `at` see, and how a lost answer is found out. Whoever opened it closes it. */
  readonly kv: KvStore;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Who makes the changes that do not say it themselves. */
  readonly actor?: string;
}

export interface SweepOptions {
  /** States that were deleted at least so long ago, by this process's clock. Unit: ms, at least 60,000. Default 3,600,000. */
  readonly deletedForMs?: number;
  readonly signal?: AbortSignal;
}

/** Throws OPTION_INVALID. */
export function openStateStore(options: StateStoreOptions): StateStore {
  return new StateStore(options);
}

export class StateStore {
  readonly #writer: StateWriter;
  readonly #actor: string | undefined;

  constructor({ kv, clock = systemClock, actor }: StateStoreOptions, writer = new StateWriter(kv, clock, actor)) {
    checkOrigin(actor === undefined ? {} : { actor });
    this.#actor = actor;
    this.#writer = writer;
  }

  /** The same store, whose changes are somebody else's. Costs nothing. Throws OPTION_INVALID. */
  by(actor: string): StateStore {
    const { kv, clock } = this.#writer;
    return new StateStore({ kv, clock, actor }, this.#writer.by(actor));
  }

  /** The states of a model. Costs nothing and asks nobody. */
  of<Status extends string, Event extends string, Data>(
    model: StateModel<Status, Event, Data>,
  ): States<Status, Event, Data> {
    return new States(model, this.#writer);
  }

  /**
   * Changes several states at once: all of them or none. `run` is given the states of `refs` as of one moment, looks at them and
   * changes them; it must return now, and runs again when one of them was changed meanwhile, also one that it only looked at. What it
   * throws rejects, and nothing is written. 1 to 500 states. Where NATS keeps one copy on disk a transaction of several states
   * costs some 5 ms of the server, and it does some 200 a second; `update` of one state is ten times as quick.
   *
   *     const outcome = await store.transact([from, to], (tx) => {
   *       tx.update(from, (account) => { account.balance -= 10; });
   *       tx.update(to, (account) => { account.balance += 10; });
   *     });
   *
   * A change that cannot be (illegal, missing, there already) answers `refused`. Rejects as the methods of `States` do.
   */
  transact<Value>(
    refs: readonly StateRef[],
    run: (transaction: StateTransaction) => Value,
    options: TransactOptions = {},
  ): Promise<Transacted<Value>> {
    return transactStates(this.#writer, refs, run, options);
  }

  /**
   * Waits for a lock. One has it at a time; who holds it is lost frees it by its silence. Give it to changes (`{ lock }`), which then
   * count only while it is held: a holder that was frozen and has lost it cannot write any more. Changes without the lock are not kept
   * out. Rejects with LOCK_HELD after `waitMs`, with the signal's reason, OPTION_INVALID, ID_INVALID, SERVER_UNREACHABLE, CLOSED.
   *
   *     await using lock = await store.lock("nightly-report", { ttlMs: 5_000 });
   *     await reports.update("today", (report) => { … }, { lock });
   */
  lock(name: string, options: LockOptions = {}): Promise<StateLock> {
    const { kv, clock } = this.#writer;
    const holder = options.holder ?? this.#actor;
    return acquireLock(kv, clock, name, { ...options, ...(holder === undefined ? {} : { holder }) });
  }

  /** Takes away what is left of states that were deleted long ago. Reads the whole bucket. Returns how many. */
  sweep(options: SweepOptions = {}): Promise<number> {
    return sweepStates(this.#writer, options);
  }
}
