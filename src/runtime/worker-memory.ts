// The memories of all actors of one worker, opened by the first that needs them.

import { AgentMemory } from "../memory/agent-memory.ts";
import type { ContextStoreSettings } from "../memory/context-store-options.ts";
import { resolveContextStore } from "../memory/context-store-options.ts";
import type { Ports } from "./ports.ts";

export class WorkerMemory {
  readonly #ports: Pick<Ports, "openMemory" | "clock">;
  readonly #settings: ContextStoreSettings;
  #opened: AgentMemory | undefined;

  constructor(ports: Pick<Ports, "openMemory" | "clock">, settings: ContextStoreSettings) {
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
    const { reading, entrySchema, factForm, embedder, idempotencyEntries } = settings;
    this.#opened ??= new AgentMemory(reading.stores, {
      ...{ factForm, idempotencyEntries },
      ...(entrySchema === undefined ? {} : { entrySchema }),
      ...(embedder === undefined ? {} : { embedder }),
    });
    return this.#opened;
  }
}
