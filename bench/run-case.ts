// Runs one case: all sides set up side by side, then rounds in which they take turns.
//
//   R1. The sides alternate within one run, and each round begins with another side: what the machine does meanwhile
//       meets all of them.
//   R2. A ratio is taken within a round, and the median of those is shown: not a ratio of medians.
//   R3. Only one side works at a time.

import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { BenchCase, Rig, Sample, Scale, Stage } from "./cases/case.ts";
import type { CommandsOf } from "./child.ts";
import { makeLayout } from "./layout.ts";
import type { Child } from "./processes.ts";
import { startChild } from "./processes.ts";
import { startServer } from "./server.ts";
import type { Role, SideName } from "./side.ts";
import { median, spread } from "./stats.ts";

export interface RunPlan {
  readonly binary: string;
  readonly sides: readonly SideName[];
  readonly scale: Scale;
  readonly onProgress: (line: string) => void;
}

export type Samples = ReadonlyMap<SideName, readonly Sample[]>;

/** What one case came to; null where a side did not run or has no such figure. */
export interface CaseResult {
  readonly ours: number | null;
  readonly raw: number | null;
  readonly limit: number | null;
  readonly ratioRaw: number | null;
  readonly ratioLimit: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly rawP50Ms: number | null;
  /** The largest spread of any side between its rounds, relative to its median: the noise of this run. */
  readonly noise: number;
}

/** Rejects when a side fails, or did not do in full what was measured. */
export async function runCase(bench: BenchCase, plan: RunPlan): Promise<CaseResult> {
  await using server = await startServer(plan.binary);
  await using cleanup = new AsyncDisposableStack();
  const sides = plan.sides.filter((side) => bench.sides?.includes(side) ?? true);
  const rigs = new Map<SideName, Rig>();
  const setUp = async (side: SideName): Promise<void> => {
    plan.onProgress(`${bench.name}: ${side}: setting up`);
    const stage = new SideStage(side, plan, server.url);
    cleanup.use(stage);
    rigs.set(side, await bench.open(stage));
  };
  // Troupe first: the others work on copies of its streams.
  for (const side of sides.filter((name) => name === "ours")) await setUp(side);
  await Promise.all(sides.filter((name) => name !== "ours").map(setUp));
  for (const [side, rig] of rigs) {
    plan.onProgress(`${bench.name}: ${side}: warming up`);
    await rig.warm();
  }
  const samples = await takeRounds(bench, sides, rigs, plan);
  for (const rig of rigs.values()) await rig.check?.();
  return summarize(samples);
}

async function takeRounds(
  bench: BenchCase,
  sides: readonly SideName[],
  rigs: ReadonlyMap<SideName, Rig>,
  plan: RunPlan,
): Promise<Samples> {
  const samples = new Map<SideName, Sample[]>(sides.map((side) => [side, []]));
  for (let round = 0; round < plan.scale.rounds; round += 1) {
    const first = round % sides.length;
    for (const side of [...sides.slice(first), ...sides.slice(0, first)]) {
      const sample = await rigs.get(side)?.round(round);
      if (sample === undefined) continue;
      samples.get(side)?.push(sample);
      const { figure } = sample;
      plan.onProgress(`${bench.name}: round ${round + 1}: ${side} ${figure.toPrecision(4)} ${bench.unit}`);
    }
  }
  return samples;
}

/** Medians over the rounds, and medians of the ratios within them (R2). */
export function summarize(samples: Samples): CaseResult {
  const of = (side: SideName, pick: (sample: Sample) => number | undefined): number | null => {
    const values = (samples.get(side) ?? []).map(pick).filter((value) => value !== undefined);
    return values.length === 0 ? null : median(values);
  };
  const ratioTo = (other: SideName): number | null => {
    const ours = samples.get("ours") ?? [];
    const theirs = samples.get(other) ?? [];
    if (ours.length === 0 || theirs.length === 0) return null;
    return median(ours.map((sample, round) => sample.figure / (theirs[round]?.figure ?? Number.NaN)));
  };
  const figure = (sample: Sample): number => sample.figure;
  const p50 = (sample: Sample): number | undefined => sample.p50Ms;
  return {
    ours: of("ours", figure),
    raw: of("raw", figure),
    limit: of("limit", figure),
    ratioRaw: ratioTo("raw"),
    ratioLimit: ratioTo("limit"),
    p50Ms: of("ours", p50),
    p99Ms: of("ours", (sample) => sample.p99Ms),
    rawP50Ms: of("raw", p50),
    noise: Math.max(0, ...[...samples.values()].filter((all) => all.length > 0).map((all) => spread(all.map(figure)))),
  };
}

/** One side's processes and streams on the server of this run. */
class SideStage implements Stage, AsyncDisposable {
  readonly side: SideName;
  readonly scale: Scale;
  readonly #servers: string;
  readonly #copiesOurs: boolean;
  readonly #children: { close(): Promise<void> }[] = [];
  #hasLayout = false;

  constructor(side: SideName, plan: RunPlan, servers: string) {
    this.side = side;
    this.scale = plan.scale;
    this.#servers = servers;
    this.#copiesOurs = plan.sides.includes("ours");
  }

  async start<R extends Role>(role: R): Promise<Child<CommandsOf[R]>> {
    if (!this.#hasLayout && this.side !== "ours") await this.#layOut();
    this.#hasLayout = true;
    const child = await startChild({ side: this.side, role, servers: this.#servers, app: this.side });
    this.#children.push(child);
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The last one first: callers go before the workers that they call.
    for (const child of this.#children.reverse()) await child.close();
  }

  /** Troupe makes its streams itself, and was set up before; the others get the like. */
  async #layOut(): Promise<void> {
    const connection = await connect({ servers: this.#servers });
    await makeLayout(await jetstreamManager(connection), this.side, this.#copiesOurs ? "ours" : undefined);
    await connection.close();
  }
}
