import type { Clock } from "../../src/core/clock.ts";

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #now = 1_000_000;
  #ids = 0;
  readonly #timers = new Map<number, { readonly dueMs: number; readonly fn: () => void }>();

  now(): number {
    return this.#now;
  }

  monotonicMs(): number {
    return this.#now;
  }

  after(delayMs: number, fn: () => void): () => void {
    this.#ids += 1;
    const id = this.#ids;
    this.#timers.set(id, { dueMs: this.#now + delayMs, fn });
    return () => this.#timers.delete(id);
  }

  random(): number {
    return 0.5;
  }

  uniqueId(): string {
    this.#ids += 1;
    return String(this.#ids);
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Lets time pass; timers run in the order in which they are due. */
  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#timers]
        .filter(([, { dueMs }]) => dueMs <= end)
        .sort(([, a], [, b]) => a.dueMs - b.dueMs);
      if (next === undefined) break;
      this.#timers.delete(next[0]);
      this.#now = Math.max(this.#now, next[1].dueMs);
      next[1].fn();
    }
    this.#now = end;
  }
}
