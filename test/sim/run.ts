// One run of the whole runtime by a seed: workers come, die and pause, clients tell and ask, the server loses what it is
// told to lose. First faults, while the checkers watch what must never be; then everything heals, and what was accepted
// must come to its end.

import { keyOf } from "../../src/core/ids.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import type { FaultPlan } from "../../src/runtime/memory-faults.ts";
import { randomFaults } from "../../src/runtime/memory-faults.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import type { Ports } from "../../src/runtime/ports.ts";
import type { SimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { createSimulatedClock, seededRandom } from "../../src/runtime/simulated-clock.ts";
import { subjectsOf } from "../../src/runtime/subjects.ts";
import type { SimulatedActors } from "./actors.ts";
import { simulatedActors } from "./actors.ts";
import type { Buried } from "./checkers.ts";
import { checkEnd, missing } from "./checkers.ts";
import { Client } from "./client.ts";
import { Dice } from "./dice.ts";
import { Ledger } from "./ledger.ts";
import { Mishaps } from "./mishaps.ts";
import type { Plan } from "./plan.ts";
import { drawPlan } from "./plan.ts";
import { SimulatedProcess } from "./process.ts";
import type { Sabotage } from "./sabotage.ts";
import { sabotaged } from "./sabotage.ts";

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
  readonly ledger: Ledger;
  readonly actors: SimulatedActors;
  readonly sabotage: (ports: Ports) => Ports;
}

/** How long a healed world may take to come to its end. Unit: ms. */
const healMsMax = 900_000;
const app = "troupe";

export async function simulate(seed: number, sabotage?: Sabotage): Promise<RunReport> {
  const clock = createSimulatedClock({ seed });
  const dice = new Dice(seed + 1_000_003);
  const plan = drawPlan(dice);
  const ledger = new Ledger(() => clock.monotonicMs());
  let isHealed = false;
  const plannedFault = randomFaults(seededRandom(seed + 2_000_003), plan.rates);
  const faults: FaultPlan = (operation) => {
    let fault = isHealed ? undefined : plannedFault(operation);
    // A connection that stands loses nothing of what a client sends: what is lost is lost with all that comes after it.
    const isOfClient = operation.kind === "append" && operation.client.startsWith("client");
    if (isOfClient && fault?.lose === "request") fault = { ...fault, cutForMs: 300 };
    // What is refused is heard of before the client tries again (W2 of the teller).
    if (isOfClient && fault?.refuse !== undefined && !isEveryAnswerHeard(plan)) fault = undefined;
    if (fault !== undefined) ledger.note(`${JSON.stringify(fault)} for ${operation.client}: ${operation.kind}`);
    return fault;
  };
  const world = new MemoryWorld({ clock, faults });
  const counts = new Map<string, number>();
  const around = {
    dawdle: () => new Promise<void>((resolve) => void clock.after(dice.whole(0, 400), resolve)),
    count: (name: string) => {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      return counts.get(name) ?? 0;
    },
    stepGave: (id: string, value: string) => ledger.stepGave(id, value),
  };
  const actors = simulatedActors(around);
  const stage: Stage = {
    ...{ plan, dice, clock, world, ledger, actors },
    sabotage: (ports) => sabotaged(ports, sabotage),
  };
  const onFloating = (thrown: unknown) => ledger.fault(`a promise floats: ${stackOf(thrown)}`);
  process.on("unhandledRejection", onFloating);
  try {
    await play(stage, () => {
      isHealed = true;
    });
  } catch (thrown) {
    ledger.fault(`the run broke off: ${stackOf(thrown)}`);
  } finally {
    process.off("unhandledRejection", onFloating);
  }
  const { faults: found, trace, deeds } = ledger;
  const simulatedMs = clock.monotonicMs();
  return { seed, faults: [...found], digest: ledger.digest(), trace, deeds: deeds.length, simulatedMs };
}

/** In such a run no connection breaks, and no answer is lost or very late. */
function isEveryAnswerHeard({ rates, mishaps }: Plan): boolean {
  const { cut = 0, loseRequest = 0, loseAnswer = 0, delayMsMax = 0 } = rates;
  const breaks = mishaps.includes("cut-connection") || mishaps.includes("stop-server");
  return !breaks && cut + loseRequest + loseAnswer === 0 && delayMsMax <= 1_000;
}

const stackOf = (thrown: unknown) => (thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));

async function play(stage: Stage, heal: () => void): Promise<void> {
  const { plan, clock, world, ledger } = stage;
  const bucket = subjectsOf(app, "main").stateBucket;
  await openMemoryStore({ bucket, place: world.place, history: 64, clock });
  const data = world.place.buckets.get(bucket);
  if (data !== undefined) ledger.follow(data);
  const mishaps = new Mishaps(stage);
  mishaps.startWorker();
  const clients: Client[] = [];
  for (let at = 0; at < plan.clients; at += 1) {
    const opening = Client.open(stage, new SimulatedProcess(world, `client-${at}`));
    clients.push(await clock.runFor(opening));
  }
  mishaps.begin();
  for (const client of clients) client.begin();
  await clock.runUntil(() => clients.every((client) => client.hasBegunAll), healMsMax);
  ledger.note("heal");
  heal();
  mishaps.heal();
  const buried = () => buriedIn(world);
  const deadlineMs = clock.monotonicMs() + healMsMax;
  while (missing(ledger, buried()).length > 0 && clock.monotonicMs() < deadlineMs) await clock.advance(1_000);
  await clock.advance(30_000);
  for (const client of clients) await clock.runFor(client.probe());
  checkEnd(ledger, buried());
  for (const client of clients) await clock.runFor(client.end());
  await clock.runFor(mishaps.end());
}

function buriedIn(world: MemoryWorld): readonly Buried[] {
  return world.buried(subjectsOf(app, "main")).map(({ payload, lines }) => {
    const { id } = JSON.parse(Buffer.from(payload).toString()) as { readonly id: string };
    return { id, code: lines.find((line) => line.includes("Code"))?.replace(/.*: /, "") ?? "" };
  });
}

/** The keys of all actors of a plan. */
export function keysOf({ tallies, relays }: Plan): readonly string[] {
  return [...tallies.map((id) => keyOf({ type: "tally", id })), ...relays.map((id) => keyOf({ type: "relay", id }))];
}
