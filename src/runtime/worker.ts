// A worker: the actors that it is given live here. It is also a client, whose asks of its own actors stay in the process.
//
//   Drain, in this order: close the doors, stop keeping, stop the intake, finish turns and publish what they sent, save
//   cursors and give the partitions back, close the connection.

import type { ActorDefinition, MethodTable } from "../actors/definition.ts";
import { messageOf, TroupeError } from "../core/errors.ts";
import { EventStream } from "../core/events.ts";
import type { Change } from "./changes.ts";
import type { ActorRef, Troupe, UntypedRef } from "./client.ts";
import { TroupeClient } from "./client.ts";
import { Committer } from "./committer.ts";
import { openDoors } from "./doors.ts";
import { logEvents } from "./event-log.ts";
import { Keeper } from "./keeper.ts";
import type { MailServer } from "./mail.ts";
import type { ResolvedWorkerOptions, WorkerOptions } from "./options.ts";
import { resolveWorkerOptions } from "./options.ts";
import { Ownership } from "./ownership.ts";
import type { HostServices } from "./partition-host.ts";
import { PartitionHost } from "./partition-host.ts";
import type { Ports } from "./ports.ts";

/** A running worker. */
export interface Worker extends Troupe {
  readonly id: string;
  /** Activations in memory. */
  readonly activations: number;
  /** Polite: finishes what was begun, gives its partitions back and closes. Idempotent. */
  drain(options?: { readonly graceMs?: number }): Promise<void>;
  /** Abrupt: ends everything at once, as a crash would, and closes. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a worker; resolves when it serves. While another worker of the pool lives and owns its partitions this one
 * stands by, and takes over when the other is gone. Rejects with OPTION_INVALID, SERVER_UNREACHABLE, SERVER_TOO_OLD,
 * SERVER_UNSUITABLE, LAYOUT_MISMATCH, CLOSED (the option `signal`).
 */
export async function createWorker(options: WorkerOptions): Promise<Worker> {
  const resolved = resolveWorkerOptions(options);
  const { app, pool, openPorts, partitionCount } = resolved;
  const ports = await openPorts({ app, pool, partitionCount });
  const worker = new TroupeWorker(resolved, ports);
  try {
    await worker.start();
    return worker;
  } catch (thrown) {
    await worker.close();
    throw thrown;
  }
}

class TroupeWorker implements Worker {
  readonly id: string;
  readonly events: EventStream;
  readonly ports: Ports;
  readonly #options: ResolvedWorkerOptions;
  readonly #client: TroupeClient;
  readonly #keeper: Keeper;
  #servers: readonly MailServer[] = [];
  #commits = 0;
  #ending: Promise<void> | undefined;

  constructor(options: ResolvedWorkerOptions, ports: Ports) {
    const { clock, mail, state, cluster } = ports;
    const { logger, actors, pool } = options;
    this.#options = options;
    this.ports = ports;
    this.id = clock.uniqueId();
    this.events = new EventStream((thrown) => logger.error({ error: messageOf(thrown) }, "an event listener threw"));
    logEvents(this.events, logger);
    this.#client = new TroupeClient(options.app, ports, this.events, {
      owns: (partition) => this.#keeper.hostOf(partition) !== undefined,
      deliver: (to, ask) => this.#keeper.hostOf(to.partition)?.deliver(to.key, ask),
      withdraw: (to, askId) => this.#keeper.hostOf(to.partition)?.withdraw(to.key, askId),
    });
    const committer = new Committer(state, clock);
    const keeperNow = () => this.#keeper.coarseNowMs;
    const services: HostServices = {
      ...{ clock, events: this.events, log: logger, mail, state, committer, actors },
      get coarseNowMs() {
        return keeperNow();
      },
      nextCommitId: () => `${this.id.slice(0, 10)}-${(this.#commits++).toString(36)}`,
      partitionOf: (key) => this.#client.partitionOf(key),
      ask: (question, origin) => this.#client.askFor(question, origin),
    };
    const about = {
      pid: process.pid,
      actors: [...actors.keys()],
      pool,
      startedAt: new Date(clock.now()).toISOString(),
    };
    const { partitionCount } = ports;
    this.#keeper = new Keeper({
      worker: this.id,
      ports,
      ownership: new Ownership({ cluster, mail, clock, pool, partitionCount, worker: this.id, about }),
      events: this.events,
      log: logger,
      openHost: ({ partition, epoch, cursor }) => new PartitionHost(services, partition, epoch, cursor),
    });
  }

  get app(): string {
    return this.#client.app;
  }
  get activations(): number {
    return this.#keeper.hosts.reduce((sum, host) => sum + host.activations, 0);
  }

  async start(): Promise<void> {
    const pings = await this.ports.mail.servePings(this.id);
    this.#servers = [pings];
    await this.#startKeeping();
    this.#servers = [pings, ...(await openDoors(this.ports, this.#client))];
    this.events.emit({ kind: "worker-started", worker: this.id, partitions: this.ports.partitionCount });
  }

  /** Rejects with CLOSED when the option `signal` aborts first. */
  async #startKeeping(): Promise<void> {
    const { signal } = this.#options;
    const stopWaiting = () => void this.#keeper.stop();
    signal?.addEventListener("abort", stopWaiting, { once: true });
    if (signal?.aborted !== true) await this.#keeper.start();
    signal?.removeEventListener("abort", stopWaiting);
    if (signal?.aborted === true) throw new TroupeError("CLOSED", "this worker was told to end before it served");
  }

  actor<S, M extends MethodTable<S>>(definition: ActorDefinition<S, M>, id: string): ActorRef<S, M> {
    return this.#client.actor(definition, id);
  }
  untyped(type: string, id: string): UntypedRef {
    return this.#client.untyped(type, id);
  }
  watch(pattern: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<Change<unknown>> {
    return this.#client.watch(pattern, options);
  }
  list(pattern: string): Promise<readonly string[]> {
    return this.#client.list(pattern);
  }

  drain(options: { readonly graceMs?: number } = {}): Promise<void> {
    this.#ending ??= this.#drain(options.graceMs ?? this.#options.drainMsMax);
    return this.#ending;
  }

  close(): Promise<void> {
    this.#ending ??= this.#close();
    return this.#ending;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain();
  }

  async #drain(graceMs: number): Promise<void> {
    const grace = new AbortController();
    const cancel = this.ports.clock.after(graceMs, () => grace.abort());
    try {
      await Promise.all(this.#servers.slice(1).map((server) => server.close()));
      await this.#keeper.giveBack(grace.signal);
      this.events.emit({ kind: "worker-drained", worker: this.id });
    } catch (thrown) {
      // The server is gone or refuses: what is acknowledged is stored, and the next owner goes on from there.
      this.#options.logger.warn({ error: messageOf(thrown) }, "the worker could not give everything back");
    } finally {
      cancel();
      await this.#close();
    }
  }

  async #close(): Promise<void> {
    const stopping = this.#keeper.stop();
    await this.#keeper.drop("closed");
    await stopping;
    await this.#client.close();
  }
}
