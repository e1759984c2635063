// A memory in which a seed decides when each call of each client arrives at the store, and when its answer comes back:
// any call may be overtaken by any other of anybody, also of the same client.

import type { Clock } from "../../src/core/clock.ts";
import { drawId } from "../../src/core/clock.ts";
import { TroupeError } from "../../src/core/errors.ts";
import { MemoryPlace, openMemoryStore } from "../../src/kv/memory-store.ts";
import type { KvStore } from "../../src/kv/store.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";

/** A generator of numbers in [0, 1) from a seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Held {
  readonly client: string;
  readonly what: "arrive" | "answer" | "timer";
  readonly isSlow: boolean;
  readonly go: () => void;
}

/** So many calls are slow on their way, and so seldom one of them gets its turn while others wait. */
const slowCalls = 0.1;
const slowShare = 0.02;
/** Of a disturbed client's writes so many are answered by OUTCOME_UNKNOWN. */
const lostCalls = 0.08;
const writes: ReadonlySet<string> = new Set(["create", "put", "update", "delete", "purge", "transact"]);

export class HeldStores {
  readonly random: () => number;
  /** The stores as they are, for preparing and for looking afterwards. */
  readonly near: Promise<MemoryStores>;
  readonly #held: Held[] = [];
  readonly #dead = new Set<string>();
  readonly #faulty = new Set<string>();

  constructor(seed: number) {
    this.random = randomFrom(seed);
    const place = new MemoryPlace();
    const frozen = { ...this.#clockOf("store"), after: () => () => undefined };
    const open = (bucket: string, history: number) => openMemoryStore({ bucket, history, place, clock: frozen });
    this.near = (async () => ({
      entries: await open("memory", 1),
      facts: await open("facts", 16),
      clock: this.#clockOf("near"),
      codecs: new ValueCodecs(),
    }))();
  }

  /** The stores as a client reaches them. */
  async connect(client: string): Promise<MemoryStores> {
    const { entries, facts, codecs } = await this.near;
    return {
      entries: this.#hold(entries, client),
      facts: this.#hold(facts, client),
      clock: this.#clockOf(client),
      codecs,
    };
  }

  /** From now on answers to what the client writes are lost now and then. */
  disturb(client: string): void {
    this.#faulty.add(client);
  }

  /** The client does no more; what it has sent arrives all the same. */
  kill(client: string): void {
    this.#dead.add(client);
  }

  /** Lets held calls go, in an order drawn by the seed, until `isDone` or nothing is held; `onStep` before each. */
  async run(isDone: () => boolean, onStep: (step: number) => void = () => undefined): Promise<void> {
    for (let step = 0; ; step += 1) {
      await new Promise(setImmediate);
      if (isDone() || this.#held.length === 0) return;
      onStep(step);
      const [held] = this.#held.splice(this.#draw(), 1);
      if (held !== undefined && (held.what === "arrive" || !this.#dead.has(held.client))) held.go();
    }
  }

  /** Mostly one that is not slow: the others stay on their way while much happens. */
  #draw(): number {
    const all = [...this.#held.keys()];
    const quick = all.filter((at) => this.#held[at]?.isSlow !== true);
    const from = quick.length === 0 || this.random() < slowShare ? all : quick;
    return from[Math.floor(this.random() * from.length)] ?? 0;
  }

  #wait(client: string, what: Held["what"]): Promise<void> {
    const isSlow = this.random() < slowCalls;
    return new Promise((go) => this.#held.push({ client, what, isSlow, go }));
  }

  #hold(store: KvStore, client: string): KvStore {
    return new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        return async (...args: unknown[]) => {
          if (this.#faulty.has(client) && writes.has(String(name)) && this.random() < lostCalls) {
            // Whoever waits is told that it is not known; it arrives all the same, earlier or later than that.
            const arriving = this.#wait(client, "arrive").then(() => Reflect.apply(member, target, args));
            arriving.catch(() => undefined);
            await this.#wait(client, "answer");
            throw new TroupeError("OUTCOME_UNKNOWN", `${String(name)}: the answer was lost`);
          }
          await this.#wait(client, "arrive");
          const answer: unknown = await Reflect.apply(member, target, args).catch((thrown: unknown) => ({ thrown }));
          await this.#wait(client, "answer");
          if (typeof answer === "object" && answer !== null && "thrown" in answer) throw answer.thrown;
          return answer;
        };
      },
    });
  }

  #clockOf(client: string): Clock {
    const timeMs = 1_800_000_000_000;
    return {
      now: () => timeMs,
      monotonicMs: () => 0,
      after: (_, fn) => {
        const held: Held = { client, what: "timer", isSlow: false, go: fn };
        this.#held.push(held);
        return () => {
          const at = this.#held.indexOf(held);
          if (at >= 0) this.#held.splice(at, 1);
        };
      },
      random: this.random,
      uniqueId: () => drawId(this.random),
    };
  }
}
