// The statuses that stand in the central state store, as far as they are not idle, and what is wrong about them.
//
//   L1. Whoever owns an actor answers for its status. One that says that it is busy, or stopped, while nothing of it is under way
//       here, is put right: whoever has left it so, and however late that was written. One that cannot be checked holds up no
//       other; it is checked again, ever more rarely.

import type { Activity } from "../actors/activity.ts";
import { resting } from "../actors/activity.ts";
import type { Stopped } from "../actors/snapshot.ts";
import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { agentStatus } from "../memory/state-agent.ts";
import type { AgentStatus } from "../memory/state-agent-write.ts";
import type { StateStore } from "../memory/state-store.ts";
import type { StateOf } from "../memory/state-value.ts";
import type { StateNews } from "../memory/state-watch.ts";
import type { StatusKeeper, StatusOwner } from "./status-keeper.ts";
import { settleMs } from "./status-keeper.ts";

export interface LeftStatusesOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly openStates: () => Promise<StateStore>;
  readonly keeper: Pick<StatusKeeper, "has" | "note">;
  /** Who owns the actor in this worker; undefined when it is none whose status is kept here. */
  readonly ownerOf: (key: string) => StatusOwner | undefined;
  /** Why the actor is stopped, as its value says. */
  readonly stoppedOf: (key: string) => Promise<Pick<Stopped, "code" | "message"> | undefined>;
}

/** Wait before the statuses are watched again when that failed. Unit: ms. */
const againMs = 500;
/** The longest wait before one that could not be checked is checked again; the first is `settleMs`. Unit: ms. */
const uncheckedMsMax = 60_000;

export class LeftStatuses {
  readonly #options: LeftStatusesOptions;
  readonly #ended = new AbortController();
  readonly #standing = new Map<string, AgentStatus>();
  /** False until all that stands has been seen: what is not known then is idle. */
  #isCurrent = false;
  #suspects: Set<string> | "all" = new Set();
  #cancelCheck: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;
  /** Rounds in a row in which not all could be checked. */
  #failures = 0;

  constructor(options: LeftStatusesOptions) {
    this.#options = options;
  }

  /** Watches until it is closed. Once. */
  start(): void {
    void this.#watch();
  }

  /** The status that stands, as far as it is known. */
  standing(key: string): AgentStatus | undefined {
    return this.#standing.get(key) ?? (this.#isCurrent ? agentStatus.initial : undefined);
  }

  /** Something may be wrong: ownership has changed, or something was missed. */
  check(): void {
    this.#suspects = "all";
    this.#checkSoon();
  }

  /** Does not wait for a store that is away. Idempotent. */
  close(): void {
    this.#ended.abort();
    this.#cancelCheck?.();
    this.#cancelRetry?.();
  }

  async #watch(): Promise<void> {
    const { clock, log, openStates } = this.#options;
    const { signal } = this.#ended;
    while (!signal.aborted) {
      try {
        const states = await openStates();
        for await (const news of states.of(agentStatus).watch({ signal })) this.#take(news);
      } catch (thrown) {
        if (signal.aborted) return;
        log.debug({ error: messageOf(thrown) }, "the statuses cannot be watched, trying again");
      }
      this.#isCurrent = false;
      await delay(clock, againMs, signal);
    }
  }

  #take(news: StateNews<StateOf<typeof agentStatus>>): void {
    switch (news.kind) {
      case "restarted":
        this.#standing.clear();
        this.#isCurrent = false;
        return;
      case "current":
        this.#isCurrent = true;
        return this.check();
      case "unreadable":
        return;
      case "deleted":
        this.#standing.delete(news.id);
        return;
      case "changed":
        return this.#note(news.state.id, news.state.status);
    }
  }

  #note(key: string, status: AgentStatus): void {
    if (status === agentStatus.initial) return void this.#standing.delete(key);
    this.#standing.set(key, status);
    if (this.#options.ownerOf(key) === undefined) return;
    if (this.#suspects !== "all") this.#suspects.add(key);
    this.#checkSoon();
  }

  /** A while later: what is under way here is known by then, and what was written last has come. */
  #checkSoon(): void {
    if (this.#ended.signal.aborted) return;
    this.#cancelCheck ??= this.#options.clock.after(settleMs, () => {
      this.#cancelCheck = undefined;
      const suspects = this.#suspects;
      this.#suspects = new Set();
      void this.#putRight(suspects);
    });
  }

  /** L1. */
  async #putRight(suspects: ReadonlySet<string> | "all"): Promise<void> {
    const { keeper, ownerOf, stoppedOf, log } = this.#options;
    let unchecked = 0;
    for (const key of suspects === "all" ? [...this.#standing.keys()] : suspects) {
      if (this.#ended.signal.aborted) return;
      if (!this.#isSuspect(key)) continue;
      try {
        const stopped = await stoppedOf(key);
        const truth: Activity = stopped === undefined ? resting : { status: "stopped", failure: stopped };
        const owner = ownerOf(key);
        if (owner === undefined || !this.#isSuspect(key) || this.#standing.get(key) === truth.status) continue;
        keeper.note(key, owner, truth);
      } catch (thrown) {
        log.debug({ actor: key, error: messageOf(thrown) }, "a status cannot be checked, trying again");
        unchecked += 1;
      }
    }
    if (unchecked > 0) this.#checkAgain();
    else if (suspects === "all") this.#failures = 0;
  }

  #checkAgain(): void {
    if (this.#ended.signal.aborted || this.#cancelRetry !== undefined) return;
    const waitMs = Math.min(uncheckedMsMax, settleMs * 2 ** this.#failures);
    this.#failures += 1;
    this.#cancelRetry = this.#options.clock.after(waitMs, () => {
      this.#cancelRetry = undefined;
      this.check();
    });
  }

  #isSuspect(key: string): boolean {
    const status = this.#standing.get(key);
    if (status === undefined || status === "failed") return false;
    return this.#options.ownerOf(key) !== undefined && !this.#options.keeper.has(key);
  }
}
