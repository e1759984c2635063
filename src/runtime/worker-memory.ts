// What all actors of one worker share of the memory and of the central state store, opened by the first that needs it.

import { AgentMemory } from "../memory/agent-memory.ts";
import type { ContextStoreSettings } from "../memory/context-store-options.ts";
import { resolveContextStore } from "../memory/context-store-options.ts";
import type { StateStore } from "../memory/state-store.ts";
import { openStateStore } from "../memory/state-store.ts";
import { originLengthMax } from "../memory/state-value.ts";
import type { Ports } from "./ports.ts";
import type { StatusKeeper } from "./status-keeper.ts";

export class WorkerMemory {
  readonly #ports: Pick<Ports, "openMemory" | "openCentral" | "clock">;
  readonly #settings: ContextStoreSettings;
  /** Who keeps the statuses of its actors; set before anything is served, where some are to be kept. */
  statuses: StatusKeeper | undefined;
  #opened: AgentMemory | undefined;
  #states: StateStore | undefined;

  constructor(ports: Pick<Ports, "openMemory" | "openCentral" | "clock">, settings: ContextStoreSettings) {
    this.#ports = ports;
    this.#settings = settings;
  }

  /** Undefined until somebody has opened it. */
  get opened(): AgentMemory | undefined {
    return this.#opened;
  }

  /** The same for all. Rejects as opening a bucket does, and with OPTION_INVALID. */
  async open(): Promise<AgentMemory> {
    if (this.#opened !== undefined) return this.#opened;
    const buckets = await this.#ports.openMemory();
    const settings = resolveContextStore({ ...this.#settings, ...buckets, clock: this.#ports.clock });
    const { reading, entrySchema, factForm, embedder, idempotencyEntries, events } = settings;
    this.#opened ??= new AgentMemory(reading.stores, {
      ...{ factForm, idempotencyEntries },
      ...(entrySchema === undefined ? {} : { entrySchema }),
      ...(embedder === undefined ? {} : { embedder }),
      ...(events === undefined ? {} : { events }),
    });
    return this.#opened;
  }

  /** The central state store, for changes of one actor. All of the worker take turns on a key. Rejects as opening a bucket does. */
  async states(actor: string): Promise<StateStore> {
    if (this.#states === undefined) {
      const kv = await this.#ports.openCentral();
      this.#states ??= openStateStore({ kv, clock: this.#ports.clock });
    }
    return this.#states.by(actor.slice(0, originLengthMax));
  }
}
