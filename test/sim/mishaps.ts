// What befalls processes and the server while clients go about their business.

import { printSnapshot } from "../../src/actors/snapshot.ts";
import { encodeText } from "../../src/core/codec.ts";
import type { RuntimeEvent } from "../../src/core/events.ts";
import { printAddress } from "../../src/core/ids.ts";
import { silentLogger } from "../../src/core/log.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import { subjectsOf } from "../../src/runtime/subjects.ts";
import type { Worker } from "../../src/runtime/worker.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import type { Mishap } from "./plan.ts";
import { SimulatedProcess } from "./process.ts";
import type { Stage } from "./run.ts";

interface RunningWorker {
  readonly process: SimulatedProcess;
  worker: Worker | undefined;
  isLeaving: boolean;
}

export class Mishaps {
  readonly #stage: Stage;
  readonly #workers = new Set<RunningWorker>();
  #count = 0;
  #isHealed = false;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  begin(): void {
    const { clock, dice, plan } = this.#stage;
    clock.after(dice.whole(1, 2 * plan.mishapEveryMs), () => {
      if (this.#isHealed) return;
      this.#befall(dice.one(plan.mishaps));
      this.begin();
    });
  }

  startWorker(): void {
    const { world, ledger, plan, actors, sabotage } = this.#stage;
    this.#count += 1;
    const process = new SimulatedProcess(world, `worker-${this.#count}`);
    const running: RunningWorker = { process, worker: undefined, isLeaving: false };
    this.#workers.add(running);
    ledger.note(`${process.name} starts`);
    const options = { actors: [actors.tally, actors.relay], partitions: plan.partitions, logger: silentLogger };
    createWorker({ ...options, ports: process.ports(sabotage) }).then(
      (worker) => {
        running.worker = worker;
        worker.events.listen((event) => this.#hear(process.name, event));
        ledger.note(`${process.name} serves`);
      },
      (thrown: unknown) => {
        // A worker that cannot start is started anew by whoever runs it.
        ledger.note(`${process.name} did not start: ${String(thrown)}`);
        this.#workers.delete(running);
        process.kill();
        this.#replace();
      },
    );
  }

  /** Everything is well from now on. */
  heal(): void {
    const { world } = this.#stage;
    this.#isHealed = true;
    world.start();
    for (const { process } of this.#workers) {
      process.resume();
      world.restore(process.name);
    }
    for (let at = 0; at < this.#stage.plan.clients; at += 1) world.restore(`client-${at}`);
    this.#replace();
  }

  async end(): Promise<void> {
    for (const { worker } of this.#workers) await worker?.drain();
  }

  #befall(mishap: Mishap): void {
    const { dice, world, plan, ledger, clock } = this.#stage;
    const { absenceMsMax, workersMax } = plan;
    const present = [...this.#workers].filter(({ isLeaving }) => !isLeaving);
    const victim = present.length === 0 ? undefined : dice.one(present);
    const absenceMs = dice.whole(1, absenceMsMax);
    const isServing = victim?.worker !== undefined;
    if (mishap === "start-worker") {
      if (present.length < workersMax) this.startWorker();
      return;
    }
    ledger.note(`${mishap} ${victim?.process.name ?? "nobody"} ${absenceMs}`);
    switch (mishap) {
      case "kill-worker":
        if (victim !== undefined) this.#remove(victim);
        victim?.process.kill();
        return;
      case "close-worker":
        if (isServing) void this.#leave(victim, victim.worker?.close());
        return;
      case "drain-worker":
        if (isServing) void this.#leave(victim, victim.worker?.drain({ graceMs: absenceMs }));
        return;
      case "pause-worker":
        victim?.process.pause();
        clock.after(absenceMs, () => victim?.process.resume());
        return;
      case "cut-connection": {
        const name = dice.happens(0.5) ? victim?.process.name : `client-${dice.whole(0, plan.clients - 1)}`;
        if (name === undefined) return;
        world.cut(name);
        clock.after(absenceMs, () => world.restore(name));
        return;
      }
      case "stop-server":
        world.stop();
        clock.after(absenceMs, () => world.start());
        return;
      case "foreign-write":
        void this.#writeAsAnother();
        return;
    }
  }

  /** Once all is well there is a worker that stays. */
  #replace(): void {
    if (this.#isHealed && [...this.#workers].every(({ isLeaving }) => isLeaving)) this.startWorker();
  }

  #remove(running: RunningWorker): void {
    running.isLeaving = true;
    this.#workers.delete(running);
  }

  async #leave(running: RunningWorker, leaving: Promise<void> | undefined): Promise<void> {
    running.isLeaving = true;
    await leaving;
    this.#stage.ledger.note(`${running.process.name} has left`);
    this.#workers.delete(running);
  }

  /** Somebody else writes to an actor's key by the rules: what stands is kept, and counted up. */
  async #writeAsAnother(): Promise<void> {
    const { dice, ledger, world, clock } = this.#stage;
    const key = ledger.keys.length === 0 ? undefined : dice.one(ledger.keys);
    if (key === undefined) return;
    const bucket = subjectsOf("troupe", "main").stateBucket;
    const store = await openMemoryStore({ bucket, place: world.place, clock });
    const entry = await store.get(key);
    const snapshot = ledger.committed(key);
    if (entry === undefined || snapshot === undefined) return;
    const state = snapshot.state as { readonly foreign: number };
    const text = JSON.stringify({ ...state, foreign: state.foreign + 1 });
    const value = printSnapshot({ ...snapshot, commit: `foreign-${clock.uniqueId()}` }, text);
    await store.update(key, encodeText(value), entry.revision);
  }

  #hear(name: string, event: RuntimeEvent): void {
    const about = "actor" in event ? printAddress(event.actor) : "";
    const detail = event.kind === "turn-ended" ? `${event.messageId} ${event.error?.message ?? "ok"}` : "";
    this.#stage.ledger.note(`${name} ${event.kind} ${about} ${detail}`);
  }
}
