// The memories of all actors of one worker, opened by the first that needs them.

import { AgentMemory } from "../memory/agent-memory.ts";
import { ValueCodecs } from "../memory/value-codec.ts";
import type { Ports } from "./ports.ts";

export class WorkerMemory {
  readonly #ports: Pick<Ports, "openMemory" | "clock">;
  #opened: AgentMemory | undefined;

  constructor(ports: Pick<Ports, "openMemory" | "clock">) {
    this.#ports = ports;
  }

  /** Undefined until somebody has opened it. */
  get opened(): AgentMemory | undefined {
    return this.#opened;
  }

  /** The same for all. Rejects as opening a bucket does. */
  async open(): Promise<AgentMemory> {
    if (this.#opened !== undefined) return this.#opened;
    const buckets = await this.#ports.openMemory();
    this.#opened ??= new AgentMemory({ ...buckets, clock: this.#ports.clock, codecs: new ValueCodecs() });
    return this.#opened;
  }
}
