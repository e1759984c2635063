// Watches the buckets of a run over a connection that nobody touches: each commit as it comes, and who takes what.

import { readSnapshot } from "../../src/actors/snapshot.ts";
import { decodeText } from "../../src/core/codec.ts";
import { partitionOf } from "../../src/core/partition.ts";
import type { Troupe } from "../../src/index.ts";
import type { KvEntry, KvStore } from "../../src/kv/store.ts";
import { StaleWrites } from "./stale-writes.ts";
import type { Stored, Workload } from "./workloads/workload.ts";

/** Keys read at once. */
const batch = 400;

export class Observer implements AsyncDisposable {
  readonly staleWrites = new StaleWrites();
  readonly #troupe: Troupe;
  readonly #workloads: readonly Workload[];
  readonly #end = new AbortController();
  #watching: Promise<unknown> = Promise.resolve();
  #revision = 0;
  #onCommit: () => void = () => {};

  constructor(troupe: Troupe, workloads: readonly Workload[]) {
    this.#troupe = troupe;
    this.#workloads = workloads;
  }

  begin(): void {
    const { state, cluster } = this.#troupe.ports;
    const commits = this.#follow(state, ">", (entry) => this.#committed(entry));
    const records = this.#follow(cluster, "partition.>", (entry) => this.#owned(entry));
    this.#watching = Promise.all([commits, records]);
  }

  /** Resolves when `isDone`, looked at after each commit, or when `signal` aborts. Returns which. */
  async until(isDone: () => boolean, signal: AbortSignal): Promise<boolean> {
    while (!isDone()) {
      if (signal.aborted) return false;
      await new Promise<void>((resolve) => {
        this.#onCommit = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    return true;
  }

  /** Every actor's state, read from the bucket's leader now. */
  async read(): Promise<Stored> {
    const { state } = this.#troupe.ports;
    const keys = await state.list(">");
    const stored = new Map<string, unknown>();
    for (let at = 0; at < keys.length; at += batch) {
      const entries = await state.getMany(keys.slice(at, at + batch));
      for (const [key, entry] of entries) stored.set(key, readSnapshot(key, entry.value).state);
    }
    return stored;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#watching;
  }

  async #follow(store: KvStore, pattern: string, onEntry: (entry: KvEntry) => void): Promise<void> {
    const watcher = await store.watch(pattern, { from: 1, signal: this.#end.signal });
    for await (const change of watcher) {
      if (change.kind === "entry" && change.entry.operation === "put") onEntry(change.entry);
    }
  }

  #committed({ key, value, revision, writtenAtMs }: KvEntry): void {
    const { state, epoch, commit } = readSnapshot(key, value);
    const [type = "", id = ""] = key.split(".");
    const partition = partitionOf(type, id, this.#troupe.ports.partitionCount);
    this.staleWrites.committed({ key, partition, epoch, commit, writtenAtMs });
    const isGap = revision > this.#revision + 1;
    this.#revision = revision;
    for (const workload of this.#workloads) workload.saw(key, state, isGap);
    this.#onCommit();
  }

  #owned({ key, value, writtenAtMs }: KvEntry): void {
    const { epoch } = JSON.parse(decodeText(value)) as { readonly epoch?: number };
    if (epoch !== undefined) this.staleWrites.owned(Number(key.split(".").at(-1)), epoch, writtenAtMs);
  }
}
