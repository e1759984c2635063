// What a client or a worker runs on. With NATS in production, all in memory for tests and for `--memory`.

import type { Clock } from "../core/clock.ts";
import type { KvStore } from "../kv/store.ts";
import type { Mail, MailServer } from "./mail.ts";
import type { MicroService } from "./micro.ts";

/** What is of one pool. */
export interface PoolPorts {
  readonly pool: string;
  readonly mail: Mail;
  readonly partitionCount: number;
}

/** The buckets of a memory: what `MemoryStores` of `memory/memory-stores.ts` is put together from. */
export interface MemoryBuckets {
  /** Logs and heads. History 1. */
  readonly entries: KvStore;
  /** Facts and heads. */
  readonly facts: KvStore;
}

/** Those of the pool that they were opened for, and the way to the others. */
export interface Ports extends PoolPorts, AsyncDisposable {
  readonly clock: Clock;
  /** Actors' committed values. */
  readonly state: KvStore;
  /** Who lives and who owns what. */
  readonly cluster: KvStore;
  /** What agents remember. Opened by the first call, made when it is not there; closed with the ports. */
  openMemory(): Promise<MemoryBuckets>;
  /** The central state store's bucket. Opened by the first call, made when it is not there; closed with the ports. */
  openCentral(): Promise<KvStore>;
  /** How long the mail knows a message id. What it has stored is not trimmed before. Unit: ms. */
  readonly duplicateWindowMs: number;
  /** Says to whoever looks for NATS services what this one is. Absent where there is no server that others could ask. */
  readonly serveMicro?: (service: MicroService) => Promise<MailServer>;
  /** Another pool of the app, over the same connection and closed with it. Makes it when it is not there. */
  openPool(pool: string): Promise<PoolPorts>;
  close(): Promise<void>;
}

/** What the ports are opened for. */
export interface PortsRequest {
  readonly app: string;
  readonly pool: string;
  readonly partitionCount: number | undefined;
}

export type OpenPorts = (request: PortsRequest) => Promise<Ports>;
