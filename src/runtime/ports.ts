// What a client or a worker runs on. With NATS in production, all in memory for tests and for `--memory`.

import type { Clock } from "../core/clock.ts";
import type { KvStore } from "../kv/store.ts";
import type { Mail } from "./mail.ts";

export interface Ports extends AsyncDisposable {
  readonly clock: Clock;
  readonly mail: Mail;
  /** Actors' committed values. */
  readonly state: KvStore;
  /** Who lives and who owns what. */
  readonly cluster: KvStore;
  /** Partitions of the pool. */
  readonly partitionCount: number;
  /** How long the mail knows a message id. What it has stored is not trimmed before. Unit: ms. */
  readonly duplicateWindowMs: number;
  close(): Promise<void>;
}

/** What the ports are opened for. */
export interface PortsRequest {
  readonly app: string;
  readonly pool: string;
  readonly partitionCount: number | undefined;
}

export type OpenPorts = (request: PortsRequest) => Promise<Ports>;
