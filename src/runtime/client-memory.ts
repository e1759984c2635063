// The context store of one client, opened by whoever needs it first.

import type { ContextStore } from "../memory/context-store.ts";
import { openContextStore } from "../memory/context-store.ts";
import type { ContextStoreSettings } from "../memory/context-store-options.ts";
import type { Ports } from "./ports.ts";

export class ClientMemory {
  readonly #ports: Pick<Ports, "openMemory" | "clock">;
  readonly #settings: ContextStoreSettings;
  #opening: Promise<ContextStore> | undefined;

  constructor(ports: Pick<Ports, "openMemory" | "clock">, settings: ContextStoreSettings) {
    this.#ports = ports;
    this.#settings = settings;
  }

  /** The same for all callers. One that failed is tried again by the next call. */
  open(): Promise<ContextStore> {
    this.#opening ??= this.#open().catch((thrown: unknown) => {
      this.#opening = undefined;
      throw thrown;
    });
    return this.#opening;
  }

  /** The buckets are the ports' and closed with them. */
  async close(): Promise<void> {
    const memory = await this.#opening?.catch(() => undefined);
    await memory?.close();
  }

  async #open(): Promise<ContextStore> {
    const buckets = await this.#ports.openMemory();
    return openContextStore({ ...this.#settings, ...buckets, clock: this.#ports.clock });
  }
}
