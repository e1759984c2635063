// One run of the whole runtime by a seed: workers come, die and pause, clients tell and ask, the server loses what it is
// told to lose. First faults, while the checkers watch what must never be; then everything heals, and what was accepted
// must come to its end.

import { openMemoryStore } from "../../src/kv/memory-store.ts";
import type { FaultPlan } from "../../src/runtime/memory-faults.ts";
import { randomFaults } from "../../src/runtime/memory-faults.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import type { Ports } from "../../src/runtime/ports.ts";
import type { SimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { createSimulatedClock, seededRandom } from "../../src/runtime/simulated-clock.ts";
import type { Subjects } from "../../src/runtime/subjects.ts";
import { subjectsOf } from "../../src/runtime/subjects.ts";
import type { SimulatedActors } from "./actors.ts";
import { simulatedActors } from "./actors.ts";
import { checkEnd, missing } from "./checkers.ts";
import { Clients } from "./clients.ts";
import { Dice } from "./dice.ts";
import { Ledger } from "./ledger.ts";
import { Mishaps } from "./mishaps.ts";
import type { Plan } from "./plan.ts";
import { drawPlan } from "./plan.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Sabotage } from "./sabotage.ts";
import { withSabotage } from "./sabotage.ts";
import { Witness } from "./witness.ts";

export interface RunReport {
  readonly seed: number;
  /** Empty when all promises held. */
  readonly faults: readonly string[];
  /** Equal for equal runs. */
  readonly digest: string;
  readonly trace: readonly string[];
  readonly deeds: number;
  /** How long it took in the simulation. Unit: ms. */
  readonly simulatedMs: number;
}

/** Everything that belongs to one run. */
export interface Stage {
  readonly plan: Plan;
  readonly dice: Dice;
  readonly clock: SimulatedClock;
  readonly world: MemoryWorld;
  readonly subjects: Subjects;
  readonly ledger: Ledger;
  /** For clients, which need the types alone. */
  readonly actors: SimulatedActors;
  /** As they live in a process, by its clock. */
  readonly actorsOf: (process: SimulatedProcess) => SimulatedActors;
  readonly sabotage: (ports: Ports) => Ports;
}

/** How long a healed world may take to come to its end. Unit: ms. */
const healMsMax = 900_000;
const subjects = subjectsOf("troupe", "main");

export async function simulate(seed: number, sabotage?: Sabotage): Promise<RunReport> {
  const clock = createSimulatedClock({ seed });
  const dice = new Dice(seed + 1_000_003);
  const plan = drawPlan(dice, new Dice(seed + 3_000_003));
  const ledger = new Ledger(() => clock.monotonicMs());
  ledger.note(`plan ${JSON.stringify(plan)}`);
  const onFloating = (thrown: unknown) => ledger.fault(`a promise floats: ${stackOf(thrown)}`);
  process.on("unhandledRejection", onFloating);
  try {
    await withSabotage(sabotage, (sabotaged) => new Run(seed, plan, dice, clock, ledger, sabotaged).play());
  } catch (thrown) {
    ledger.fault(`the run broke off: ${stackOf(thrown)}`);
  } finally {
    process.off("unhandledRejection", onFloating);
  }
  const { faults, trace, deeds } = ledger;
  const simulatedMs = clock.monotonicMs();
  return { seed, faults: [...faults], digest: ledger.digest(), trace, deeds: deeds.length, simulatedMs };
}

class Run {
  readonly #stage: Stage;
  readonly #plannedFault: FaultPlan;
  readonly #witness: Witness;
  readonly #clients: Clients;
  readonly #mishaps: Mishaps;
  #isHealed = false;

  constructor(
    seed: number,
    plan: Plan,
    dice: Dice,
    clock: SimulatedClock,
    ledger: Ledger,
    sabotage: (ports: Ports) => Ports,
  ) {
    this.#plannedFault = randomFaults(seededRandom(seed + 2_000_003), plan.rates);
    const { duplicateWindowMs } = plan;
    const world = new MemoryWorld({ clock, duplicateWindowMs, faults: (operation) => this.#faultOf(operation) });
    const counts = new Map<string, number>();
    const count = (name: string) => {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      return counts.get(name) ?? 0;
    };
    const actorsOf = (on: Pick<SimulatedProcess, "after">) =>
      simulatedActors(
        {
          dawdle: () => new Promise<void>((resolve) => void on.after(dice.whole(0, 400), resolve)),
          count,
          stepGave: (id, value) => ledger.stepGave(id, value),
          hasBegun: (task) => ledger.hasBegun(task),
        },
        plan.relayPool,
      );
    const actors = actorsOf(clock);
    this.#stage = { plan, dice, clock, world, subjects, ledger, actors, actorsOf, sabotage };
    this.#witness = new Witness(world, ledger, plan, subjects, this.#pools());
    this.#clients = new Clients(this.#stage);
    this.#mishaps = new Mishaps(this.#stage, this.#clients);
  }

  async play(): Promise<void> {
    const { clock, ledger, plan } = this.#stage;
    await this.#follow();
    this.#mishaps.startWorker();
    await clock.runFor(this.#clients.open());
    this.#mishaps.begin();
    this.#clients.begin();
    await clock.runUntil(() => this.#clients.hasBegunAll && !this.#mishaps.isDeserted, healMsMax);
    ledger.note("heal");
    this.#isHealed = true;
    this.#mishaps.heal();
    const isAtEnd = () => missing(ledger, this.#witness).length === 0 && this.#clients.isQuiet;
    const deadlineMs = clock.monotonicMs() + healMsMax;
    const untilEnd = async () => {
      while (!isAtEnd() && clock.monotonicMs() < deadlineMs) await clock.advance(1_000);
    };
    await untilEnd();
    await clock.advance(30_000);
    await untilEnd(); // What lingered on its way may only have come now, and have set a timer.
    await clock.runFor(this.#clients.probe());
    this.#witness.lookForTrims();
    checkEnd(ledger, this.#witness, plan.linger === 0);
    await clock.runFor(this.#clients.end());
    await clock.runFor(this.#mishaps.end());
  }

  #pools(): readonly Subjects[] {
    return [...new Set(["main", this.#stage.plan.relayPool])].map((pool) => subjectsOf(subjects.app, pool));
  }

  /** Makes the buckets and pools before anybody else does, to see all that is written there. */
  async #follow(): Promise<void> {
    const { world, clock, ledger, plan } = this.#stage;
    for (const ofPool of this.#pools()) await world.ensureLayout(ofPool, plan.partitions);
    const { place } = world;
    const { stateBucket, clusterBucket } = subjects;
    await openMemoryStore({ bucket: stateBucket, place, history: 64, clock });
    await openMemoryStore({ bucket: clusterBucket, place, history: 1, clock });
    const [state, cluster] = [place.buckets.get(stateBucket), place.buckets.get(clusterBucket)];
    if (state !== undefined) ledger.follow(state, (from, number) => this.#witness.isStored(from, number));
    if (cluster !== undefined) this.#witness.followCluster(cluster);
  }

  #faultOf(operation: Parameters<FaultPlan>[0]): ReturnType<FaultPlan> {
    this.#witness.lookForTrims();
    if (this.#isHealed) return undefined;
    const { plan, ledger } = this.#stage;
    let fault = this.#plannedFault(operation);
    // A connection that stands loses nothing of what a client sends: what is lost is lost with all that comes after it.
    const isOfClient = operation.kind === "append" && operation.client.startsWith("client");
    if (isOfClient && fault?.lose === "request") fault = { ...fault, cutForMs: 300 };
    // What is refused is heard of before the client tries again (W2 of the teller).
    if (isOfClient && fault?.refuse !== undefined && !isEveryAnswerHeard(plan)) fault = undefined;
    fault = this.#mishaps.meet(operation) ?? fault;
    if (fault !== undefined) ledger.note(`${JSON.stringify(fault)} for ${operation.client}: ${operation.kind}`);
    return fault;
  }
}

/** In such a run no connection breaks, and no answer is lost or very late. */
function isEveryAnswerHeard({ rates, mishaps, ambushes }: Plan): boolean {
  const { cut = 0, loseRequest = 0, loseAnswer = 0, delayMsMax = 0 } = rates;
  const isStopped = ambushes.some(({ blow }) => blow === "stop-server") || mishaps.includes("stop-server");
  const breaks = isStopped || mishaps.includes("cut-connection");
  return !breaks && cut + loseRequest + loseAnswer === 0 && delayMsMax <= 1_000;
}

const stackOf = (thrown: unknown) => (thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
