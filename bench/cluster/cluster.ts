// Several workers of one app, each a process, and what they share among them.

import { escapeId } from "../../src/core/ids.ts";
import { partitionOf } from "../../src/core/partition.ts";
import type { CommandsOf } from "../child.ts";
import type { Child } from "../processes.ts";
import { startChild } from "../processes.ts";
import type { Role } from "../side.ts";
import { ClusterView } from "./view.ts";

export type Member = Child<CommandsOf["worker"]>;

export class Cluster implements AsyncDisposable {
  readonly #servers: string;
  readonly #app: string;
  readonly #children: { close(): Promise<void> }[] = [];
  #view: ClusterView | undefined;
  #members: readonly Member[] = [];

  private constructor(servers: string, app: string) {
    this.#servers = servers;
    this.#app = app;
  }

  /** Starts as many workers; resolves when they share all partitions. */
  static async open(servers: string, app: string, size: number): Promise<Cluster> {
    const cluster = new Cluster(servers, app);
    try {
      cluster.#view = await ClusterView.open(servers, app);
      for (let count = 0; count < size; count += 1) await cluster.join();
      await cluster.untilShared();
      return cluster;
    } catch (thrown) {
      await cluster[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  get view(): ClusterView {
    if (this.#view === undefined) throw new Error("this cluster is not open");
    return this.#view;
  }
  get members(): readonly Member[] {
    return this.#members;
  }

  /** Starts one more worker; resolves when it says that it serves, which it does before it has its share. */
  async join(): Promise<Member> {
    const member = await this.start("worker");
    this.#members = [...this.#members, member];
    return member;
  }

  /** A member is none any more, its process has ended or is about to. */
  strike(member: Member): void {
    this.#members = this.#members.filter((other) => other !== member);
  }

  untilShared(): Promise<void> {
    return this.view.untilShared(this.#members.map(({ pid }) => pid));
  }

  async start<R extends Role>(role: R): Promise<Child<CommandsOf[R]>> {
    const child = await startChild({ side: "ours", role, servers: this.#servers, app: this.#app });
    this.#children.push(child);
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The last one first: callers go before the workers that they call.
    for (const child of this.#children.toReversed()) await child.close();
    await this.#view?.[Symbol.asyncDispose]();
  }
}

/** For each partition the id of a counter that lives in it. */
export function idsByPartition(partitionCount: number): readonly string[] {
  const ids: string[] = [];
  for (let at = 0, found = 0; found < partitionCount; at += 1) {
    const id = `probe${at}`;
    const partition = partitionOf("counter", escapeId(id), partitionCount);
    if (ids[partition] !== undefined) continue;
    ids[partition] = id;
    found += 1;
  }
  return ids;
}
