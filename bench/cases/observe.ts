// What it costs to see what happens: the load of `ask.spread` on a worker without figures and spans, with figures, and with a tenth or
// all of the traces made and sent.
//
//   B1. All four are set up at once and take turns; each round begins with another one, and only one works at a time.
//   B2. What one loses is taken within a round, against `off` in the same round; the median of those is shown.
//   B3. Besides, the processor time that worker and caller take for one ask: it tells what a mode costs also on a machine that does
//       other things meanwhile.

import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { coresOf, cpuTimes } from "../cluster/cpu.ts";
import type { ObserveMode } from "../observe.ts";
import type { Child } from "../processes.ts";
import { startChild } from "../processes.ts";
import type { CallerCommands } from "../roles/caller.ts";
import { startServer } from "../server.ts";
import type { IdRange } from "../side.ts";
import { median, spread } from "../stats.ts";
import type { Scale } from "./case.ts";
import type { ClusterCase, Finding } from "./cluster-case.ts";

const modes: readonly ObserveMode[] = ["off", "metrics", "traces10", "traces100"];
/** What a mode may cost: the share of the asks that are answered without it. */
const lossMax: Readonly<Record<ObserveMode, number | null>> = {
  off: null,
  metrics: 0.03,
  traces10: 0.1,
  traces100: null,
};
const inFlight = 256;
const ids: IdRange = { prefix: "c", first: 0, count: 1_000 };
/** Rounds for each of the scale's: differences of a few percent drown in the noise of fewer. */
const roundsFactor = 4;

interface Rig {
  readonly caller: Child<CallerCommands>;
  readonly workerPid: number;
  added: number;
}

interface Sample {
  readonly perSecond: number;
  /** Processor time of worker and caller. Unit: µs. */
  readonly cpuUsPerAsk: number;
}

async function drive(rig: Rig, until: { readonly durationMs: number } | { readonly count: number }): Promise<Sample> {
  const pids = [rig.caller.pid, rig.workerPid];
  const before = await cpuTimes(pids);
  const { count, elapsedMs } = await rig.caller.call("drive", { operation: "ask", ids, inFlight, until });
  const after = await cpuTimes(pids);
  rig.added += count;
  const cores = coresOf(pids, before, after, elapsedMs);
  return { perSecond: (count / elapsedMs) * 1_000, cpuUsPerAsk: (cores * elapsedMs * 1_000) / count };
}

async function startSink(): Promise<{ readonly process: ChildProcess; readonly url: string }> {
  const process = fork(fileURLToPath(new URL("../otlp-sink.ts", import.meta.url)), [], {
    stdio: ["ignore", 2, 2, "ipc"],
  });
  const port = await new Promise((resolve, reject) => {
    process.once("message", resolve);
    process.once("exit", () => reject(new Error("the OTLP sink ended at its start")));
  });
  return { process, url: `http://127.0.0.1:${port}` };
}

async function takeRounds(rigs: ReadonlyMap<ObserveMode, Rig>, scale: Scale, say: (line: string) => void) {
  const samples = new Map<ObserveMode, Sample[]>(modes.map((mode) => [mode, []]));
  for (let round = 0; round < scale.rounds * roundsFactor; round += 1) {
    const first = round % modes.length;
    for (const mode of [...modes.slice(first), ...modes.slice(0, first)]) {
      const rig = rigs.get(mode);
      if (rig === undefined) continue;
      const sample = await drive(rig, { durationMs: scale.roundMs });
      samples.get(mode)?.push(sample);
      const { perSecond, cpuUsPerAsk } = sample;
      say(
        `observe ${round + 1}: ${mode} ${Math.round(perSecond)} asks/s, ${cpuUsPerAsk.toFixed(1)} µs of processor for each`,
      );
    }
  }
  return samples;
}

function findingOf(mode: ObserveMode, samples: readonly Sample[], off: readonly Sample[]): Finding {
  const ratio = (pick: (sample: Sample) => number): number =>
    median(samples.map((sample, round) => pick(sample) / pick(off[round] ?? sample)));
  const isOff = mode === "off";
  return {
    name: `observe.${mode}`,
    asks_per_second: median(samples.map(({ perSecond }) => perSecond)),
    loss: isOff ? null : 1 - ratio(({ perSecond }) => perSecond),
    loss_max: lossMax[mode],
    cpu_us_per_ask: median(samples.map(({ cpuUsPerAsk }) => cpuUsPerAsk)),
    cpu_more: isOff ? null : ratio(({ cpuUsPerAsk }) => cpuUsPerAsk) - 1,
    noise: spread(samples.map(({ perSecond }) => perSecond)),
  };
}

export const observe: ClusterCase = {
  name: "observe",
  what: "ask.spread without figures, with figures, and with a tenth or all of the traces: what each costs",
  async run({ binary, scale, onProgress }) {
    await using server = await startServer(binary);
    await using cleanup = new AsyncDisposableStack();
    const sink = await startSink();
    cleanup.defer(() => void sink.process.kill());
    const rigs = new Map<ObserveMode, Rig>();
    for (const mode of modes) {
      const place = { servers: server.url, app: `observe-${mode}`, observe: { mode, otlpUrl: sink.url } };
      const worker = await startChild({ side: "ours", role: "worker", ...place });
      cleanup.defer(() => worker.close());
      const caller = await startChild({ side: "ours", role: "caller", ...place });
      cleanup.defer(() => caller.close());
      const rig: Rig = { caller, workerPid: worker.pid, added: 0 };
      rigs.set(mode, rig);
      await drive(rig, { count: ids.count });
      await drive(rig, { durationMs: scale.warmMs });
    }
    const samples = await takeRounds(rigs, scale, onProgress);
    for (const [mode, { caller, added }] of rigs) {
      const total = await caller.call("total", ids);
      if (total !== added) throw new Error(`${mode}: ${added} asks were answered, but the actors hold ${total}`);
    }
    const off = samples.get("off") ?? [];
    return modes.map((mode) => findingOf(mode, samples.get(mode) ?? [], off));
  },
};
