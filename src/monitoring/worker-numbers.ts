// A short number for each worker that lives, so that all who look at the same dashboard call it by the same letter. Nobody gets the
// number of one that is gone: it would look as if nothing had happened.

export class WorkerNumbers {
  #numbers = new Map<string, number>();
  #next = 0;

  /** These live now: who is new gets the next number, in the order given. */
  meet(workers: readonly string[]): void {
    this.#numbers = new Map(workers.map((worker) => [worker, this.#numbers.get(worker) ?? this.#next++]));
  }

  of(worker: string): number {
    return this.#numbers.get(worker) ?? 0;
  }
}
