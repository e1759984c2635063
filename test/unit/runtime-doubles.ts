// Adapters over the ports in memory that fail as they are told to, one operation after the other.

import { TroupeError } from "../../src/core/errors.ts";
import type { KvStore } from "../../src/kv/store.ts";
import type { FaultPlan, MemoryFault, MemoryOperation } from "../../src/runtime/memory-faults.ts";
import type { MemoryWorldOptions } from "../../src/runtime/memory-world.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import type { SimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";

/** What becomes of a write. */
export type WriteFate =
  | "well"
  /** Stored, and nobody hears of it. */
  | "stored-unheard"
  /** Not stored, and nobody knows. */
  | "lost"
  /** Not heard of, and stored when `arrive` is called. */
  | "late"
  /** Not stored: there is nobody who could. */
  | "unreachable"
  | "refused"
  | "too-large";

/** A store whose updates meet their fates in order; whatever comes after them goes well. */
export class FatefulStore {
  readonly store: KvStore;
  /** Reads that find nobody. */
  unreachableReads = 0;
  readonly #fates: WriteFate[];
  readonly #late: (() => Promise<unknown>)[] = [];

  constructor(near: KvStore, fates: readonly WriteFate[]) {
    this.#fates = [...fates];
    const update: KvStore["update"] = (key, value, expected) => this.#update(near, key, value, expected);
    const get: KvStore["get"] = async (key) => {
      if (this.unreachableReads > 0) {
        this.unreachableReads -= 1;
        throw new TroupeError("SERVER_UNREACHABLE", "nobody answers");
      }
      return near.get(key);
    };
    this.store = over(near, { update, get });
  }

  /** What was under way arrives. */
  async arrive(): Promise<void> {
    for (const write of this.#late.splice(0)) await write();
  }

  async #update(
    near: KvStore,
    ...[key, value, expected]: Parameters<KvStore["update"]>
  ): ReturnType<KvStore["update"]> {
    const write = () => near.update(key, value, expected);
    switch (this.#fates.shift() ?? "well") {
      case "well":
        return write();
      case "stored-unheard":
        await write();
        break;
      case "lost":
        break;
      case "late":
        this.#late.push(write);
        break;
      case "unreachable":
        throw new TroupeError("SERVER_UNREACHABLE", "no leader");
      case "refused":
        throw new TroupeError("STORE_FAILED", "no space left on device");
      case "too-large":
        throw new TroupeError("PAYLOAD_TOO_LARGE", "too large");
    }
    throw new TroupeError("OUTCOME_UNKNOWN", "no answer in time");
  }
}

/** The port with some of its methods replaced. */
export function over<Port extends object>(port: Port, changed: Partial<Port>): Port {
  return new Proxy(port, {
    get: (target, name) => {
      const value: unknown = Reflect.get(changed, name) ?? Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A world on a simulated clock in which the operations that match meet the faults given, in order, and then none. */
export function worldWithFaults(
  matches: MemoryOperation["kind"] | ((operation: MemoryOperation) => boolean),
  faults: readonly (MemoryFault | undefined)[],
  options: Pick<MemoryWorldOptions, "duplicateWindowMs"> = {},
): { readonly world: MemoryWorld; readonly clock: SimulatedClock } {
  const left = [...faults];
  const isIt = typeof matches === "function" ? matches : ({ kind }: MemoryOperation) => kind === matches;
  const plan: FaultPlan = (operation) => (isIt(operation) ? left.shift() : undefined);
  const clock = createSimulatedClock({ seed: 1 });
  return { world: new MemoryWorld({ ...options, clock, faults: plan }), clock };
}
