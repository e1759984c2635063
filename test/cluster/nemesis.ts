// Makes the faults of a schedule, and mends everything at the end.

import type { Clock } from "../../src/index.ts";
import type { DeployedServer } from "../support/nats-cluster.ts";
import type { Direction } from "../support/tcp-proxy.ts";
import type { Caller } from "./caller.ts";
import type { Fleet } from "./fleet.ts";
import type { Journal } from "./journal.ts";
import type { Route } from "./route.ts";
import type { FaultKind, PlannedFault } from "./schedule.ts";
import { faultForms } from "./schedule.ts";
import type { Servers } from "./servers.ts";

export interface NemesisOptions {
  readonly schedule: readonly PlannedFault[];
  readonly fleet: Fleet;
  readonly servers: Servers;
  readonly callers: readonly Caller[];
  readonly journal: Journal;
  readonly clock: Clock;
  /** Workers beyond which none is added. */
  readonly workersMax: number;
}

/** What a fault is done to. */
interface Victim {
  readonly name: string;
}

const directions: readonly Direction[] = ["both", "to-client", "to-server"];

export class Nemesis {
  readonly #options: NemesisOptions;
  /** Those to whom a fault is being done: one at a time for each. */
  readonly #afflicted = new Set<Victim>();
  readonly #cancels = new Set<() => void>();
  /** What ends the faults that last. */
  readonly #mending = new Map<Victim, () => Promise<void>>();
  readonly #acts = new Set<Promise<void>>();
  #isOver = false;

  constructor(options: NemesisOptions) {
    this.#options = options;
  }

  begin(): void {
    for (const fault of this.#options.schedule) {
      this.#after(fault.atMs, () => this.#begin(this.#make(fault)));
    }
  }

  /** No fault any more, and everything that was broken is whole. */
  async heal(): Promise<void> {
    this.#isOver = true;
    for (const cancel of this.#cancels) cancel();
    await Promise.all([...this.#mending.values()].map((mend) => mend()));
    await Promise.all(this.#acts);
    const { fleet, servers, callers, journal } = this.#options;
    for (const { route } of callers) route.heal();
    for (const worker of fleet.present) {
      worker.route.heal();
      worker.thaw();
    }
    await servers.settled();
    await fleet.fill();
    journal.note("all is healed");
  }

  async #make({ kind, pick, form, forMs }: PlannedFault): Promise<void> {
    const { fleet, callers, servers, journal } = this.#options;
    const free = <Each extends Victim>(from: readonly Each[]): Each | undefined => {
      const whole = from.filter((each) => !this.#afflicted.has(each));
      return whole[Math.floor(pick * whole.length)];
    };
    const victimKind = faultForms[kind].victim;
    if (kind === "add-worker") return this.#addWorker();
    const direction = directions[Math.floor(form * directions.length)] ?? "both";
    if (victimKind === "worker") {
      const worker = free(fleet.present);
      if (worker === undefined) return journal.note(`${kind}: nobody is there for it`);
      if (kind === "kill-worker") return this.#atOnce(kind, worker, () => worker.kill());
      if (kind === "drain-worker") return this.#atOnce(kind, worker, () => worker.drain());
      if (kind === "cut-worker") return this.#atOnce(kind, worker, () => worker.route.cut());
      if (kind === "freeze-worker" || kind === "pause-worker") {
        worker.freeze();
        return this.#lasting(kind, worker, forMs, () => worker.thaw());
      }
      return this.#sever(kind, worker, direction, forMs);
    }
    if (victimKind === "client") {
      const caller = free(callers);
      if (caller === undefined) return journal.note(`${kind}: nobody is there for it`);
      if (kind === "cut-client") return this.#atOnce(kind, caller, () => caller.route.cut());
      return this.#sever(kind, caller, direction, forMs);
    }
    const leader = victimKind === "leader" ? await servers.leader(form) : undefined;
    const server = leader ?? free(servers.all);
    if (server === undefined || this.#afflicted.has(server)) return journal.note(`${kind}: nobody is there for it`);
    return this.#breakServer(kind, server, forMs);
  }

  #atOnce(kind: FaultKind, { name }: Victim, act: () => void): void {
    const end = this.#options.journal.begin(kind, name);
    act();
    end();
  }

  /** Ends it after its time, or when all is mended. */
  #lasting(kind: FaultKind, victim: Victim, forMs: number, mend: () => void | Promise<void>): void {
    const end = this.#options.journal.begin(kind, victim.name);
    this.#afflicted.add(victim);
    const mendOnce = async () => {
      if (!this.#mending.delete(victim)) return;
      await mend();
      this.#afflicted.delete(victim);
      end();
    };
    this.#mending.set(victim, mendOnce);
    this.#after(forMs, () => this.#begin(mendOnce()));
  }

  #sever(kind: FaultKind, victim: Victim & { readonly route: Route }, direction: Direction, forMs: number): void {
    const { route } = victim;
    switch (kind) {
      case "bar-worker":
        route.refuse();
        return this.#lasting(kind, victim, forMs, () => route.heal());
      case "isolate-worker":
      case "isolate-client":
        route.hold("both");
        return this.#lasting(kind, victim, forMs, () => route.heal());
      case "mute-worker":
        route.hold("to-server");
        return this.#lasting(kind, victim, forMs, () => route.heal());
      case "deafen-worker":
        route.hold("to-client");
        return this.#lasting(kind, victim, forMs, () => route.heal());
      case "blackhole-worker":
      case "blackhole-client":
        route.swallow(direction);
        return this.#lasting(kind, victim, forMs, () => route.cut());
      default:
        throw new Error(`${kind} is nothing that is done to a connection`);
    }
  }

  #breakServer(kind: FaultKind, server: DeployedServer, forMs: number): void {
    if (kind === "freeze-server") {
      server.freeze();
      return this.#lasting(kind, server, forMs, () => server.thaw());
    }
    const restart = async () => {
      await gone;
      await server.restart();
    };
    const gone = endServer(kind, server);
    this.#lasting(kind, server, forMs, restart);
  }

  async #addWorker(): Promise<void> {
    const { fleet, journal, workersMax } = this.#options;
    if (fleet.present.length >= workersMax) return journal.note("add-worker: there are enough");
    const end = journal.begin("add-worker", "a further one");
    await fleet.start();
    end();
  }

  #after(delayMs: number, act: () => void): void {
    if (this.#isOver) return act();
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#cancels.delete(cancel);
      act();
    });
    this.#cancels.add(cancel);
  }

  #begin(act: Promise<void>): void {
    this.#acts.add(act);
    void act.finally(() => this.#acts.delete(act));
  }
}

/** Resolves when it is gone. Lame duck mode takes half a minute, since it lets its clients go one by one. */
function endServer(kind: FaultKind, server: DeployedServer): Promise<void> {
  switch (kind) {
    case "restart-server":
      return server.stop();
    case "retire-server":
      return server.retire();
    default:
      return server.kill9();
  }
}
