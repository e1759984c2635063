// A worker: the actors that it is given live here. It is also a client, whose asks of its own actors stay in the process.
//
//   Drain, in this order: close the doors, say so with the lease, then for each partition stop the intake, finish the turns
//   that run, publish what they sent, save the cursor and give it back; stop keeping, leave, close the connection.

import type { ActorDefinition, AnyActor, MethodTable, Outline } from "../actors/definition.ts";
import { MailBudget } from "../actors/mail-budget.ts";
import { messageOf, TroupeError } from "../core/errors.ts";
import { EventStream } from "../core/events.ts";
import type { FiguresSnapshot } from "../core/figures.ts";
import type { ContextStore } from "../memory/context-store.ts";
import type { StateStore } from "../memory/state-store.ts";
import { Activations } from "./activations.ts";
import { AgentStatuses } from "./agent-statuses.ts";
import type { HereDoor } from "./asker.ts";
import type { Change } from "./changes.ts";
import type { ActorRef, Troupe, UntypedRef } from "./client.ts";
import { TroupeClient } from "./client.ts";
import { Committer } from "./committer.ts";
import type { DoorCounts } from "./doors.ts";
import { newDoorCounts, openDoors } from "./doors.ts";
import { logEvents } from "./event-log.ts";
import { heardPorts, listenerOf } from "./heard-ports.ts";
import { Keeper } from "./keeper.ts";
import { KeptFigures } from "./kept-figures.ts";
import { Lease } from "./lease.ts";
import type { MailServer } from "./mail.ts";
import type { ResolvedWorkerOptions, WorkerOptions } from "./options.ts";
import { resolveWorkerOptions } from "./options.ts";
import { Ownership } from "./ownership.ts";
import type { HostServices } from "./partition-host.ts";
import { PartitionHost } from "./partition-host.ts";
import { PoolKeeper } from "./pool-keeper.ts";
import type { Ports } from "./ports.ts";
import type { PooledAddress } from "./routes.ts";
import { subjectsOf } from "./subjects.ts";
import type { TypeRegistry } from "./type-registry.ts";
import { WorkerControl } from "./worker-control.ts";
import { servedBy, workerGauges } from "./worker-figures.ts";
import { WorkerMemory } from "./worker-memory.ts";
import { workerService } from "./worker-service.ts";

/** A running worker. */
export interface Worker extends Troupe {
  readonly id: string;
  /** Activations in memory. */
  readonly activations: number;
  /** Resolves when it has ended, whoever told it to: this process, or a command (`troupe drain`). Never rejects. */
  readonly ended: Promise<void>;
  /** Polite: finishes what was begun, gives its partitions back and closes. Idempotent. */
  drain(options?: { readonly graceMs?: number }): Promise<void>;
  /** Abrupt: ends everything at once, as a crash would, and closes. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a worker; resolves when it is one of those that share the partitions of its pools, and serves what was free for
 * it. What other workers are to give it they give it then. Rejects with OPTION_INVALID, SERVER_UNREACHABLE,
 * SERVER_TOO_OLD, SERVER_UNSUITABLE, LAYOUT_MISMATCH, CLOSED (told to end by the option `signal`, or by a command).
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

/** What all pools of a worker share. */
interface Shared {
  readonly registry: TypeRegistry;
  readonly committer: Committer;
  readonly memory: WorkerMemory;
}

class TroupeWorker implements Worker {
  readonly id: string;
  readonly events: EventStream;
  readonly ports: Ports;
  readonly #options: ResolvedWorkerOptions;
  readonly #client: TroupeClient;
  readonly #lease: Lease;
  readonly #keeper: Keeper;
  readonly #activations: Activations;
  readonly #mailBudget: MailBudget;
  readonly #committer: Committer;
  readonly #figures: KeptFigures;
  readonly #control: WorkerControl;
  readonly #pools = new Map<string, PoolKeeper>();
  #statuses: AgentStatuses | undefined;
  readonly #startedAt: string;
  #servers: readonly MailServer[] = [];
  #commits = 0;
  readonly #ended = Promise.withResolvers<void>();
  #ending: Promise<void> | undefined;

  constructor(options: ResolvedWorkerOptions, opened: Ports) {
    const { logger, actors, name } = options;
    this.#options = options;
    this.events = new EventStream((thrown) => logger.error({ error: messageOf(thrown) }, "an event listener threw"));
    logEvents(this.events, logger);
    const ports = heardPorts(opened, this.events);
    const { clock, cluster, mail } = ports;
    this.ports = ports;
    this.id = clock.uniqueId();
    this.#committer = new Committer(opened.state, clock, listenerOf("state", this.events).conflict);
    this.#figures = new KeptFigures({
      ...{ id: this.id, clock, events: this.events, isOn: options.figures, served: servedBy(actors) },
      gauges: () => workerGauges(this.activations, this.#pools.values()),
    });
    this.#control = new WorkerControl({
      ...{ worker: this.id, clock, events: this.events, mail },
      drain: () => void this.drain(),
      figures: () => this.figures(),
    });
    this.#activations = new Activations(options.activationsMax, this.events);
    this.#mailBudget = new MailBudget(options.mailboxBytesMax);
    const hostOf = (to: PooledAddress, isNested: boolean) => this.#pools.get(to.pool)?.hostOf(to.partition, isNested);
    const here: HereDoor = {
      owns: (to, isNested) => hostOf(to, isNested) !== undefined,
      deliver: (to, ask) => hostOf(to, true)?.deliver(to.key, ask),
      withdraw: (to, askId) => hostOf(to, true)?.withdraw(to.key, askId),
    };
    this.#client = new TroupeClient(options.app, ports, this.events, { here, memory: options.memory });
    const types = Object.fromEntries(
      [...actors.values()].flatMap((ofPool) => [...ofPool.values()].map(({ type, schema }) => [type, schema])),
    );
    this.#startedAt = new Date(clock.now()).toISOString();
    const about = { worker: this.id, name, pid: process.pid, pools: [...actors.keys()], types };
    this.#lease = new Lease({ cluster, clock, about: { ...about, startedAt: this.#startedAt } });
    this.#keeper = new Keeper({ worker: this.id, ports, lease: this.#lease, events: this.events, log: logger });
  }

  get app(): string {
    return this.#client.app;
  }
  get ended(): Promise<void> {
    return this.#ended.promise;
  }
  get activations(): number {
    return this.#activations.count;
  }
  figures(): FiguresSnapshot {
    return this.#figures.snapshot();
  }

  async start(): Promise<void> {
    const control = await this.ports.mail.serveControl(this.id, (payload) => this.#control.answer(payload));
    this.#servers = [control];
    await this.#unlessAborted(this.#join());
    const doorCounts = newDoorCounts();
    const doors = await openDoors(this.ports, this.#client, doorCounts);
    this.#servers = [control, ...doors, ...(await this.#serveMicro(doorCounts))];
    const partitions = this.#keeper.hosts.length;
    this.events.emit({ kind: "worker-started", worker: this.id, partitions });
  }

  /** For `nats micro`. A user who may not is a worker all the same. */
  async #serveMicro(counts: DoorCounts): Promise<readonly MailServer[]> {
    const { ports } = this;
    const { app, pool, name, actors, logger } = this.#options;
    if (ports.serveMicro === undefined) return [];
    const about = { worker: this.id, name, pools: [...actors.keys()], startedAt: this.#startedAt };
    const definitions = [...actors.values()].flatMap((ofPool) => [...ofPool.values()]);
    const service = workerService({ ...about, actors: definitions }, subjectsOf(app, pool), counts);
    try {
      return [await ports.serveMicro(service)];
    } catch (thrown) {
      logger.warn({ error: messageOf(thrown) }, "`nats micro` will not show this worker");
      return [];
    }
  }

  /** Registers what it serves, and takes its place among the workers. */
  async #join(): Promise<void> {
    const { actors } = this.#options;
    const registry = await this.#client.routes.types();
    for (const [pool, ofPool] of actors) {
      for (const { type, schema, outline } of ofPool.values()) {
        await registry.register(type, { pool, schema });
        if (outline !== undefined) await this.#registerOutline(registry, type, outline);
      }
    }
    const shared = { registry, committer: this.#committer, memory: await this.#openMemory() };
    this.#statuses = this.#openStatuses(shared.memory);
    for (const [pool, ofPool] of actors) this.#pools.set(pool, await this.#openPool(pool, ofPool, shared));
    await this.#keeper.start([...this.#pools.values()]);
  }

  /** Only people miss it: whatever is wrong with it keeps no worker from serving. */
  async #registerOutline(registry: TypeRegistry, type: string, outline: Outline): Promise<void> {
    try {
      await registry.registerOutline(type, outline);
    } catch (thrown) {
      this.#options.logger.warn({ type, error: messageOf(thrown) }, "a definition's outline was not registered");
    }
  }

  /** Before anything is served by actors that remember; for others it is not opened at all. */
  async #openMemory(): Promise<WorkerMemory> {
    const memory = new WorkerMemory(this.ports, { events: this.events, ...this.#options.memory });
    const definitions = [...this.#options.actors.values()].flatMap((ofPool) => [...ofPool.values()]);
    if (definitions.some((definition) => definition.memory !== undefined)) await memory.open();
    return memory;
  }

  #openStatuses(memory: WorkerMemory): AgentStatuses | undefined {
    const { actors, logger: log } = this.#options;
    const ownerOf = (pool: string, key: string) => {
      const route = this.#client.routes.find(pool);
      return route === undefined ? undefined : this.#pools.get(pool)?.hostOf(route.partitionOf(key), true);
    };
    return AgentStatuses.open({ ports: this.ports, memory, events: this.events, log, actors, ownerOf });
  }

  async #openPool(
    pool: string,
    actors: ReadonlyMap<string, AnyActor>,
    { registry, committer, memory }: Shared,
  ): Promise<PoolKeeper> {
    const { clock, state, cluster, duplicateWindowMs } = this.ports;
    const { logger: log, drainMsMax, handOverMsMax } = this.#options;
    const { routes } = this.#client;
    const { mail } = await routes.open(pool);
    const directory = await routes.openDirectory(pool);
    const keeper = this.#keeper;
    const services: HostServices = {
      ...{ clock, events: this.events, log, pool, mail, state, committer, memory, actors },
      ...{ activations: this.#activations, mailBudget: this.#mailBudget },
      get coarseNowMs() {
        return keeper.coarseNowMs;
      },
      get isOwner() {
        return keeper.isOwner;
      },
      get verifying() {
        return keeper.verifying;
      },
      nextCommitId: () => `${this.id.slice(0, 10)}-${(this.#commits++).toString(36)}`,
      findType: (type) => registry.find(type),
      learnType: (type) => registry.learn(type),
      lookUpType: (type) => registry.refresh(type),
      routeTo: (receivers) => routes.open(receivers ?? routes.ownPool),
      ask: (question, origin) => this.#client.askFor(question, origin),
    };
    return new PoolKeeper({
      ...{ worker: this.id, directory, mail, clock, events: this.events, log, duplicateWindowMs },
      ...{ drainMsMax, handOverMsMax },
      ownership: new Ownership({ cluster, directory, worker: this.id, now: () => clock.now() }),
      members: () => keeper.members,
      lastSignMs: (worker) => keeper.lastSignMs(worker),
      hasLease: () => this.#lease.leftMs > 0,
      openHost: (owned, listener) => new PartitionHost(services, owned, listener),
    });
  }

  /** Rejects with CLOSED when the option `signal` aborts first. */
  async #unlessAborted(joining: Promise<void>): Promise<void> {
    const { signal } = this.#options;
    if (signal === undefined) return joining;
    const aborted = Promise.withResolvers<never>();
    const abort = () => {
      aborted.reject(new TroupeError("CLOSED", "this worker was told to end before it served"));
      void this.#keeper.stop();
    };
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    joining.catch(() => undefined); // It fails with what it waits for, when nobody waits for it any more.
    await Promise.race([joining, aborted.promise]).finally(() => signal.removeEventListener("abort", abort));
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
  states(actor?: string): Promise<StateStore> {
    return this.#client.states(actor);
  }
  list(pattern: string): Promise<readonly string[]> {
    return this.#client.list(pattern);
  }
  memory(): Promise<ContextStore> {
    return this.#client.memory();
  }

  drain(options: { readonly graceMs?: number } = {}): Promise<void> {
    this.#ending ??= this.#drain(options.graceMs ?? this.#options.drainMsMax).finally(this.#ended.resolve);
    return this.#ending;
  }

  close(): Promise<void> {
    this.#ending ??= this.#close().finally(this.#ended.resolve);
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
      await this.#keeper.drain(grace.signal);
      await this.#statuses?.drain();
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
    this.#control.close();
    const stopping = this.#keeper.stop();
    await this.#keeper.drop();
    this.#statuses?.close();
    await Promise.all([stopping, this.#client.close()]); // What the keeper still waits for ends with the connection.
  }
}
