// Makes the faults of a schedule, and mends everything at the end.

import type { Clock } from "../../src/index.ts";
import type { Direction } from "../support/tcp-proxy.ts";
import type { Caller } from "./caller.ts";
import type { Fleet } from "./fleet.ts";
import type { Journal } from "./journal.ts";
import type { PlannedFault } from "./schedule.ts";
import { befalls } from "./schedule.ts";
import type { Servers } from "./servers.ts";
import type { Mend } from "./strikes.ts";
import { strikeClient, strikeServer, strikeWorker } from "./strikes.ts";

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
  readonly #failures: string[] = [];
  #isOver = false;

  constructor(options: NemesisOptions) {
    this.#options = options;
  }

  begin(): void {
    for (const fault of this.#options.schedule) {
      this.#after(fault.atMs, () => this.#begin(this.#make(fault)));
    }
  }

  /** What could not be done, or not be mended: the run is then not what its schedule says. */
  get failures(): readonly string[] {
    return this.#failures;
  }

  /** No fault any more, and everything that was broken is whole. */
  async heal(): Promise<void> {
    this.#isOver = true;
    for (const cancel of this.#cancels) cancel();
    for (const mend of this.#mending.values()) this.#begin(mend());
    while (this.#acts.size > 0) await Promise.all(this.#acts);
    const { fleet, servers, journal } = this.#options;
    await servers.settled();
    await fleet.fill();
    journal.note("all is healed");
  }

  async #make(fault: PlannedFault): Promise<void> {
    const { kind, form } = fault;
    const { fleet, callers, servers } = this.#options;
    const direction = directions[Math.floor(form * directions.length)] ?? "both";
    if (befalls(kind, "newcomer")) return this.#addWorker();
    if (befalls(kind, "worker")) {
      return this.#befall(fault, fleet.present, (worker) => strikeWorker(kind, worker, direction));
    }
    if (befalls(kind, "client")) {
      return this.#befall(fault, callers, (caller) => strikeClient(kind, caller, direction));
    }
    const isOfLeader = befalls(kind, "leader");
    this.#befall(fault, isOfLeader ? [await servers.leader(form)] : servers.all, (server) =>
      strikeServer(kind, server),
    );
  }

  /** Chooses one of them to whom nothing is being done now. */
  #befall<Each extends Victim>(fault: PlannedFault, from: readonly Each[], strike: (victim: Each) => Mend): void {
    const { kind, pick, forMs } = fault;
    const { journal } = this.#options;
    const whole = from.filter((each) => !this.#afflicted.has(each));
    const victim = whole[Math.floor(pick * whole.length)];
    if (victim === undefined || this.#isOver) return journal.note(`${kind}: nobody is there for it`);
    const end = journal.begin(kind, victim.name);
    const mend = strike(victim);
    if (mend === undefined) return end();
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

  async #addWorker(): Promise<void> {
    const { fleet, journal, workersMax } = this.#options;
    if (fleet.present.length >= workersMax) return journal.note("add-worker: there are enough");
    const end = journal.begin("add-worker", "a further one");
    await fleet.start();
    end();
  }

  #after(delayMs: number, act: () => void): void {
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#cancels.delete(cancel);
      act();
    });
    this.#cancels.add(cancel);
  }

  #begin(act: Promise<void>): void {
    const ended = act
      .catch((thrown: unknown) => void this.#failures.push(`the nemesis failed: ${String(thrown)}`))
      .finally(() => this.#acts.delete(ended));
    this.#acts.add(ended);
  }
}
