// What befalls processes and the server while clients go about their business.

import type { AnyActor } from "../../src/actors/definition.ts";
import { printSnapshot } from "../../src/actors/snapshot.ts";
import { encodeText } from "../../src/core/codec.ts";
import type { RuntimeEvent } from "../../src/core/events.ts";
import { printAddress } from "../../src/core/ids.ts";
import { silentLogger } from "../../src/core/log.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import type { MemoryFault, MemoryOperation } from "../../src/runtime/memory-faults.ts";
import type { Ports } from "../../src/runtime/ports.ts";
import { workerKey } from "../../src/runtime/subjects.ts";
import type { Worker } from "../../src/runtime/worker.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import type { Blow } from "./ambush.ts";
import { Ambushes, blowAfterMs } from "./ambush.ts";
import type { Clients } from "./clients.ts";
import { FigureWitness } from "./figure-witness.ts";
import { overheard } from "./overheard.ts";
import type { Mishap } from "./plan.ts";
import { drawClockFault, SimulatedProcess } from "./process.ts";
import type { Stage } from "./run.ts";

interface RunningWorker {
  readonly process: SimulatedProcess;
  worker: Worker | undefined;
  isLeaving: boolean;
  /** It has all types of actors. */
  readonly isWhole: boolean;
}

/** Longer than the server knows the ids of messages, when it forgets them early. Unit: ms. */
const desertedMs = { least: 45_000, most: 90_000 } as const;

export class Mishaps {
  readonly #stage: Stage;
  readonly #clients: Clients;
  readonly #ambushes: Ambushes;
  readonly #workers = new Map<string, RunningWorker>();
  /** Of all workers that there ever were. */
  readonly #figures: FigureWitness[] = [];
  #count = 0;
  #desertedUntilMs = 0;
  #isHealed = false;
  #hasServed = false;

  constructor(stage: Stage, clients: Clients) {
    this.#stage = stage;
    this.#clients = clients;
    this.#ambushes = new Ambushes(stage.plan.ambushes, stage.dice);
  }

  begin(): void {
    const { clock, dice, plan } = this.#stage;
    clock.after(dice.whole(1, 2 * plan.mishapEveryMs), () => {
      if (this.#isHealed) return;
      this.#befall(dice.one(plan.mishaps));
      this.begin();
    });
  }

  /** A worker is about to do this: whatever lies in wait for it falls upon it, with a fault of the operation itself. */
  meet(operation: MemoryOperation): MemoryFault | undefined {
    const { subjects, ledger, clock } = this.#stage;
    const running = this.#workers.get(operation.client);
    if (running === undefined || this.#isHealed) return undefined;
    const strike = this.#ambushes.strike(operation, subjects, running.isLeaving);
    if (strike === undefined) return undefined;
    const { blow, moment } = strike.ambush;
    ledger.note(`ambush: ${blow} ${operation.client} at ${moment}, ${JSON.stringify(strike.fault)}`);
    clock.after(blowAfterMs, () => {
      if (!this.#isHealed) this.#hit(blow, running);
    });
    return strike.fault;
  }

  /** No worker may live yet. */
  get isDeserted(): boolean {
    return this.#stage.clock.monotonicMs() < this.#desertedUntilMs;
  }

  startWorker(): void {
    const { world, ledger, plan, dice, actorsOf, sabotage } = this.#stage;
    if (this.isDeserted) return;
    this.#count += 1;
    const process = new SimulatedProcess(world, `worker-${this.#count}`, drawClockFault(dice, plan));
    const { tally, relay, bell, flow } = actorsOf(process);
    const all: readonly (readonly AnyActor[])[] = [
      [tally],
      [relay],
      [bell],
      ...(plan.runShare > 0 ? [flow.actors] : []),
    ];
    // A type that no worker ever had is unknown: the first to serve has all.
    const isWhole = !plan.isMixed || this.#isHealed || !this.#hasServed || dice.happens(0.5);
    const actors = isWhole ? all.flat() : dice.one(all);
    const running: RunningWorker = { process, worker: undefined, isLeaving: false, isWhole };
    this.#workers.set(process.name, running);
    ledger.note(`${process.name} starts with ${actors.map(({ type }) => type).join(" and ")}`);
    const options = { actors, partitions: plan.partitions, logger: silentLogger };
    const listen = (ports: Ports) =>
      overheard(sabotage(ports), ({ key, method }) => this.#hearAnswer(running, key, method));
    createWorker({ ...options, ports: process.ports(listen) }).then(
      (worker) => {
        running.worker = worker;
        this.#hasServed = true;
        worker.events.listen((event) => this.#hear(process.name, event));
        this.#figures.push(new FigureWitness(worker));
        ledger.note(`${process.name} serves`);
      },
      (thrown: unknown) => {
        // A worker that cannot start is started anew by whoever runs it.
        ledger.note(`${process.name} did not start: ${String(thrown)}`);
        this.#workers.delete(process.name);
        process.kill();
        this.#replace();
      },
    );
  }

  /** Everything is well from now on. */
  heal(): void {
    const { world, dice } = this.#stage;
    this.#isHealed = true;
    world.start();
    for (const { process } of this.#workers.values()) {
      process.resume(dice.happens(0.5));
      world.restore(process.name);
    }
    for (const name of this.#clients.names) world.restore(name);
    this.#replace();
  }

  async end(): Promise<void> {
    for (const { worker } of this.#workers.values()) await worker?.drain();
    for (const { faults } of this.#figures) for (const fault of faults) this.#stage.ledger.fault(`F3: ${fault}`);
  }

  #befall(mishap: Mishap): void {
    const { dice, world, plan, ledger } = this.#stage;
    const present = [...this.#workers.values()].filter(({ isLeaving }) => !isLeaving);
    const victim = present.length === 0 ? undefined : dice.one(present);
    const absenceMs = dice.whole(1, plan.absenceMsMax);
    if (mishap === "start-worker") {
      if (present.length < plan.workersMax) this.startWorker();
      return;
    }
    ledger.note(`${mishap} ${victim?.process.name ?? "nobody"} ${absenceMs}`);
    switch (mishap) {
      case "kill-worker":
      case "pause-worker":
        if (victim !== undefined) this.#hit(mishap === "kill-worker" ? "kill" : "pause", victim);
        return;
      case "restart-worker":
        return this.#restart(victim, absenceMs);
      case "kill-all-workers":
        return this.#killAll();
      case "close-worker":
        if (victim?.worker !== undefined) void this.#leave(victim, () => victim.worker?.close());
        return;
      case "drain-worker":
        if (victim?.worker !== undefined) void this.#leave(victim, () => victim.worker?.drain({ graceMs: absenceMs }));
        return;
      case "kill-client":
        return this.#clients.replaceOne();
      case "cut-connection": {
        const name = dice.happens(0.5) ? victim?.process.name : dice.one(this.#clients.names);
        if (name !== undefined) this.#cut(name);
        return;
      }
      case "stop-server":
        world.stop();
        this.#later(absenceMs, () => world.start());
        return;
      case "jump-clock":
        victim?.process.setWallClock(plan.wallErrorMsMax * (2 * dice.random() - 1));
        return;
      case "foreign-write":
        void this.#writeAsAnother();
        return;
    }
  }

  #hit(blow: Blow, victim: RunningWorker): void {
    const { world, plan, dice } = this.#stage;
    const { process } = victim;
    const absenceMs = dice.whole(1, plan.absenceMsMax);
    switch (blow) {
      case "kill":
        this.#remove(victim);
        process.kill();
        return;
      case "kill-all":
        return this.#killAll();
      case "pause":
        process.pause(dice.one(["all", "incoming"]));
        // What comes shortly before it wakes up is the first that it hears.
        this.#later(Math.max(0, absenceMs - dice.whole(0, 1_500)), () => this.#clients.readOne());
        return this.#later(absenceMs, () => process.resume(dice.happens(0.5)));
      case "cut":
        return this.#cut(process.name);
      case "stop-server":
        world.stop();
        return this.#later(absenceMs, () => world.start());
    }
  }

  #cut(name: string): void {
    const { world, plan, dice } = this.#stage;
    world.cut(name, dice.happens(plan.linger) ? dice.whole(0, plan.absenceMsMax) : undefined);
    this.#later(dice.whole(1, plan.absenceMsMax), () => world.restore(name));
  }

  #restart(victim: RunningWorker | undefined, absenceMs: number): void {
    if (victim === undefined) return;
    this.#hit("kill", victim);
    this.#later(absenceMs, () => {
      if (!this.#isHealed) this.startWorker();
    });
  }

  /** Once in a run, or it would never end. */
  #killAll(): void {
    const { dice, clock } = this.#stage;
    if (this.#desertedUntilMs > 0) return;
    for (const running of [...this.#workers.values()]) this.#hit("kill", running);
    const absenceMs = dice.whole(desertedMs.least, desertedMs.most);
    this.#desertedUntilMs = clock.monotonicMs() + absenceMs;
    this.#later(absenceMs, () => {
      if (!this.#isHealed) this.startWorker();
    });
  }

  #later(ms: number, fn: () => void): void {
    this.#stage.clock.after(ms, fn);
  }

  /** Once all is well there is a worker that stays, and serves everything. */
  #replace(): void {
    const stays = [...this.#workers.values()].some(({ isLeaving, isWhole }) => !isLeaving && isWhole);
    if (this.#isHealed && !stays) this.startWorker();
  }

  #remove(running: RunningWorker): void {
    running.isLeaving = true;
    this.#workers.delete(running.process.name);
  }

  async #leave(running: RunningWorker, leave: () => Promise<void> | undefined): Promise<void> {
    running.isLeaving = true;
    await leave();
    this.#stage.ledger.note(`${running.process.name} has left`);
    this.#workers.delete(running.process.name);
  }

  /** Somebody else writes to an actor's key by the rules: what stands is kept, and counted up. */
  async #writeAsAnother(): Promise<void> {
    const { dice, ledger, world, clock, subjects } = this.#stage;
    const key = ledger.keys.length === 0 ? undefined : dice.one(ledger.keys);
    if (key === undefined) return;
    const store = await openMemoryStore({ bucket: subjects.stateBucket, place: world.place, clock });
    const entry = await store.get(key);
    const snapshot = ledger.committed(key);
    if (entry === undefined || snapshot === undefined) return;
    const state = snapshot.state as { readonly foreign?: number };
    const text = JSON.stringify(state.foreign === undefined ? state : { ...state, foreign: state.foreign + 1 });
    const value = printSnapshot({ ...snapshot, commit: `foreign-${clock.uniqueId()}` }, text);
    await store.update(key, encodeText(value), entry.revision);
  }

  /**
   * E2: a query is answered at once, so that its owner's lease is not over when it answers. (A neighbour that found nobody
   * may have ended the lease of one that lives; it does not know yet, and what it answers may be old for a moment.)
   */
  #hearAnswer({ process, worker }: RunningWorker, key: string, method: string): void {
    const { ledger, world, subjects } = this.#stage;
    if (method !== "size" || worker === undefined || process.isDead) return;
    const lease = world.place.buckets.get(subjects.clusterBucket)?.last(workerKey(worker.id));
    if (lease?.operation === "expired") ledger.fault(`E2: ${process.name} answered a query of ${key} after its lease`);
  }

  #hear(name: string, event: RuntimeEvent): void {
    const about = "actor" in event ? printAddress(event.actor) : "";
    const detail = event.kind === "turn-ended" ? `${event.messageId} ${event.error?.message ?? "ok"}` : "";
    this.#stage.ledger.note(`${name} ${event.kind} ${about} ${detail}`);
  }
}
