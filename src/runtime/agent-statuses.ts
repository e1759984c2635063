// The statuses of the agents of one worker: its actors that are defined with `status`. Nothing of it is there when none is.

import type { AnyActor } from "../actors/definition.ts";
import type { Stopped } from "../actors/snapshot.ts";
import { readSnapshot } from "../actors/snapshot.ts";
import { delay } from "../core/clock.ts";
import type { EventStream } from "../core/events.ts";
import type { Logger } from "../core/log.ts";
import { LeftStatuses } from "./left-statuses.ts";
import type { Ports } from "./ports.ts";
import type { StatusOwner } from "./status-keeper.ts";
import { StatusKeeper } from "./status-keeper.ts";
import type { WorkerMemory } from "./worker-memory.ts";

export interface AgentStatusesOptions {
  readonly ports: Pick<Ports, "clock" | "state">;
  readonly memory: WorkerMemory;
  readonly events: EventStream;
  readonly log: Logger;
  /** Pool, then type. */
  readonly actors: ReadonlyMap<string, ReadonlyMap<string, AnyActor>>;
  /** This worker's ownership of an actor. */
  readonly ownerOf: (pool: string, key: string) => StatusOwner | undefined;
}

/** Longest that a drain waits for what is still to be written. Unit: ms. */
const drainMsMax = 2_000;

export class AgentStatuses {
  readonly #options: AgentStatusesOptions;
  readonly #keeper: StatusKeeper;
  readonly #left: LeftStatuses;
  readonly #stopListening: () => void;

  private constructor(options: AgentStatusesOptions, poolOf: ReadonlyMap<string, string>) {
    const { ports, memory, events, log } = options;
    const { clock } = ports;
    this.#options = options;
    this.#keeper = new StatusKeeper({
      ...{ clock, log },
      statesOf: (key) => memory.states(key),
      standing: (key) => this.#left.standing(key),
      onRoom: () => this.#left.check(),
    });
    this.#left = new LeftStatuses({
      ...{ clock, log, keeper: this.#keeper },
      openStates: () => memory.states("statuses"),
      ownerOf: (key) => {
        const pool = poolOf.get(key.slice(0, key.indexOf(".")));
        return pool === undefined ? undefined : options.ownerOf(pool, key);
      },
      stoppedOf: (key) => this.#stoppedOf(key),
    });
    const stop = events.listenToNotable(({ kind }) => {
      if (kind === "partition-taken" || kind === "actor-resumed") this.#left.check();
    });
    this.#stopListening = () => void stop();
  }

  /** Undefined when no actor's status is to be kept. Does not wait for the store. */
  static open(options: AgentStatusesOptions): AgentStatuses | undefined {
    const poolOf = new Map<string, string>();
    for (const [pool, ofPool] of options.actors) {
      for (const { type, keepsStatus } of ofPool.values()) if (keepsStatus) poolOf.set(type, pool);
    }
    if (poolOf.size === 0) return undefined;
    const statuses = new AgentStatuses(options, poolOf);
    options.memory.statuses = statuses.#keeper;
    statuses.#left.start();
    return statuses;
  }

  /** Writes what is still to be written. */
  async drain(): Promise<void> {
    const { clock } = this.#options.ports;
    const [late, done] = [new AbortController(), new AbortController()];
    void delay(clock, drainMsMax, done.signal).then(() => late.abort());
    await this.#keeper.drain(late.signal);
    done.abort();
  }

  /** Writes nothing any more. Idempotent. */
  close(): void {
    this.#stopListening();
    this.#keeper.close();
    this.#left.close();
  }

  async #stoppedOf(key: string): Promise<Stopped | undefined> {
    const entry = await this.#options.ports.state.get(key);
    return entry === undefined ? undefined : readSnapshot(key, entry.value, Number.MAX_SAFE_INTEGER).stopped;
  }
}
