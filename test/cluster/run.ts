// One run: servers, worker processes and clients under load while faults are made; then everything is mended, what was
// acknowledged must come to its end, and what is stored is counted.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Troupe } from "../../src/index.ts";
import { connect, systemClock } from "../../src/index.ts";
import { Dice } from "../sim/dice.ts";
import { Caller } from "./caller.ts";
import { findDead } from "./dead.ts";
import { Fleet } from "./fleet.ts";
import type { Mishap } from "./journal.ts";
import { Journal } from "./journal.ts";
import { Nemesis } from "./nemesis.ts";
import { Observer } from "./observer.ts";
import { lengthOf, Pulses } from "./pulses.ts";
import type { Report } from "./report.ts";
import type { Sabotage } from "./sabotage.ts";
import type { FaultKind, PlannedFault } from "./schedule.ts";
import { drawSchedule, faultKinds } from "./schedule.ts";
import type { Servers } from "./servers.ts";
import { startServers } from "./servers.ts";
import { Registers } from "./workloads/registers.ts";
import { Tokens } from "./workloads/tokens.ts";
import { Transfers } from "./workloads/transfers.ts";
import type { Workload, WorkloadCounts, WorkloadName } from "./workloads/workload.ts";

export interface RunOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly servers: 1 | 3;
  readonly workers: number;
  readonly workloads: readonly WorkloadName[];
  readonly faults: readonly FaultKind[];
  /** Mean time between the beginnings of two faults. Unit: ms. */
  readonly faultEveryMs: number;
  /** These faults instead of those that the seed decides. */
  readonly schedule?: readonly PlannedFault[];
  readonly sabotage?: Sabotage | undefined;
  /**
   * The load goes on when all is mended until so much of each workload was acknowledged: a busy machine does less in the same
   * time. Default: 0.
   */
  readonly acknowledgedMin?: number;
  /**
   * How long what was acknowledged may take to come to its end when nothing is broken any more. Unit: ms.
   * Default 60,000.
   */
  readonly restMsMax?: number;
  /** For the servers' stores, the workers' logs and the journal. */
  readonly folder: string;
  /** Told every few seconds how it goes. */
  readonly onProgress?: (line: string) => void;
}

const makeWorkload: Readonly<Record<WorkloadName, () => Workload>> = {
  tokens: () => new Tokens(),
  transfers: () => new Transfers(),
  registers: () => new Registers(),
};

const callerCount = 3;
const lookEveryMs = 50;
/** Values kept of each actor: enough that whoever watches misses none while a server is away for a moment. */
const history = 64;
const progressEveryMs = 5_000;
const restMsMaxDefault = 60_000;
/** Afterwards nothing more may happen for longer than a lease. Unit: ms. */
const quietMs = 3_500;

/** Faults after which what a worker has said, or was about to, comes late: its own, and any server's on the way. */
const holdUps: readonly FaultKind[] = ["freeze-worker", "pause-worker", "isolate-worker", "mute-worker"];
const holdsAll: FaultKind = "freeze-server";

/** Everything of one run. */
interface Stage {
  readonly options: RunOptions;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly servers: Servers;
  readonly fleet: Fleet;
  /** Over a connection that no fault touches, other than those of the servers. */
  readonly troupe: Troupe;
  readonly callers: readonly Caller[];
  readonly workloads: readonly Workload[];
  readonly observer: Observer;
  readonly pulses: Pulses;
  /** What went wrong beside what the workloads find. */
  readonly broken: string[];
}

export async function runCluster(options: RunOptions): Promise<Report> {
  const { folder, seed, sabotage } = options;
  await mkdir(folder, { recursive: true });
  const clock = systemClock;
  const journal = new Journal(join(folder, "journal.log"));
  await using servers = await startServers(options.servers, join(folder, "servers"));
  const { replicas, ports: serverPorts } = servers;
  await using fleet = new Fleet({
    ...{ serverPorts, replicas, sabotage, folder, journal, clock },
    size: options.workers,
  });
  journal.note(`seed ${seed}`);
  await using troupe = await connect({ servers: servers.urls, replicas, history, nats: { name: "observer" } });
  await fleet.fill();
  await using closing = new AsyncDisposableStack();
  const callers: Caller[] = [];
  for (let at = 0; at < callerCount; at += 1) callers.push(closing.use(await Caller.open(`c${at}`, serverPorts)));
  const workloads = options.workloads.map((name) => makeWorkload[name]());
  const observer = closing.use(new Observer(troupe, workloads));
  const pulses = new Pulses(troupe, clock, journal);
  const stage: Stage = {
    ...{ options, clock, journal, servers, fleet, troupe, callers, workloads, observer, pulses },
    broken: [],
  };
  const report = await play(stage);
  await journal.close();
  return report;
}

async function play(stage: Stage): Promise<Report> {
  const { options, clock, journal, servers, fleet, callers, observer, pulses, broken } = stage;
  const dice = new Dice(options.seed);
  const lengthMs = options.seconds * 1_000;
  observer.begin();
  await pulses.first();
  const drawn = drawSchedule(dice, { kinds: options.faults, lengthMs, everyMs: options.faultEveryMs });
  const { schedule = drawn } = options;
  const nemesis = new Nemesis({ schedule, fleet, servers, callers, journal, clock, workersMax: options.workers + 2 });
  const end = new AbortController();
  const load = runLoad(stage, dice, end.signal);
  const pulsing = pulses.run(end.signal);
  const progress = tellProgress(stage, end.signal);
  nemesis.begin();
  await passed(clock, lengthMs);
  await nemesis.heal();
  while (stage.workloads.some(({ acknowledged }) => acknowledged < (options.acknowledgedMin ?? 0))) {
    await passed(clock, lookEveryMs);
  }
  const healedMs = journal.nowMs;
  end.abort();
  await Promise.all([load, pulsing, progress]);
  const restMs = (await comeToRest(stage)) - healedMs;
  if (broken.length === 0) await passed(clock, quietMs);
  const [first] = callers;
  const reading = stage.workloads.map((workload) => (first === undefined ? undefined : workload.readBack?.(first)));
  await Promise.all(reading);
  await fleet.end();
  const counts = await checkAll(stage);
  broken.push(...nemesis.failures, ...fleet.faults);
  return reportOf(stage, counts, restMs);
}

/** Does what the workloads do, in lanes beside each other, until `signal` aborts; resolves when all has ended. */
async function runLoad({ callers, workloads, clock, broken }: Stage, dice: Dice, signal: AbortSignal): Promise<void> {
  const lanes: Promise<void>[] = [];
  for (const workload of workloads) {
    for (const caller of callers) {
      for (let lane = 0; lane < workload.lanesPerCaller; lane += 1) {
        const own = new Dice(dice.whole(0, 2 ** 31));
        lanes.push(runLane(workload, caller, own, clock, signal, broken));
      }
    }
  }
  await Promise.all(lanes);
}

async function runLane(
  workload: Workload,
  caller: Caller,
  dice: Dice,
  clock: Clock,
  signal: AbortSignal,
  broken: string[],
): Promise<void> {
  while (!signal.aborted) {
    try {
      await workload.act(caller, dice);
    } catch (thrown) {
      broken.push(`${workload.name}: ${caller.name} met an error that no fault explains: ${String(thrown)}`);
    }
    await passed(clock, 2 * workload.everyMs * dice.random());
  }
}

/** Waits until everything acknowledged was seen to take effect. Returns when that was, on the run's clock. */
async function comeToRest({ options, workloads, observer, journal, broken }: Stage): Promise<number> {
  const { restMsMax = restMsMaxDefault } = options;
  const missing = () => workloads.flatMap((workload) => workload.missing());
  const isAtRest = await observer.until(() => missing().length === 0, AbortSignal.timeout(restMsMax));
  if (!isAtRest) {
    const late = missing();
    const some = late.slice(0, 5).join("; ");
    broken.push(`liveness: ${late.length} are not at their end ${restMsMax / 1_000} s after all was mended: ${some}`);
  }
  journal.note(isAtRest ? "at rest" : "not at rest");
  return journal.nowMs;
}

async function checkAll(stage: Stage): Promise<Report["workloads"]> {
  const { workloads, observer, servers, broken } = stage;
  const stored = await observer.read();
  const counts: (WorkloadCounts & { name: WorkloadName })[] = [];
  for (const workload of workloads) {
    const found = workload.check(stored);
    counts.push({ name: workload.name, ...found.counts });
    broken.push(...found.broken);
  }
  broken.push(...observer.staleWrites.broken, ...lingering(stage));
  broken.push(...(await findDead(servers.urls)));
  return counts;
}

/** Writes of owners that are none any more, beyond what was held up on its way. */
function lingering({ observer, fleet, journal }: Stage): readonly string[] {
  const names = new Map(
    fleet.all.flatMap(({ name, worker }) => (worker === undefined ? [] : [[worker.slice(0, 10), name]])),
  );
  return observer.staleWrites.lingering(({ commit, writtenAtMs }) => {
    const writer = names.get(commit.slice(0, 10)) ?? "";
    const heldUp = ({ kind, victim }: Mishap) => kind === holdsAll || (victim === writer && holdUps.includes(kind));
    return journal.beganAtMs + journal.releasedMs(heldUp, writtenAtMs - journal.beganAtMs);
  });
}

function reportOf(stage: Stage, workloads: Report["workloads"], restMs: number): Report {
  const { options, journal, observer, pulses, callers, broken } = stage;
  const { staleWrites } = observer;
  const late = staleWrites.late;
  for (const { write, lateMs } of late) journal.note(`late by ${lateMs} ms: ${JSON.stringify(write)}`);
  for (const { name, reasons } of callers) {
    for (const [reason, times] of reasons) journal.note(`${name}, ${times} times: ${reason}`);
  }
  const longest = new Map<FaultKind, number>();
  for (const outage of pulses.outages) {
    for (const kind of journal.kindsWithin(outage.fromMs, outage.untilMs)) {
      longest.set(kind, Math.max(longest.get(kind) ?? 0, lengthOf(outage)));
    }
  }
  const timesOf = (kind: FaultKind) => journal.mishaps.filter((mishap) => mishap.kind === kind).length;
  const faults = faultKinds
    .map((kind) => ({ kind, times: timesOf(kind), longestOutageMs: Math.round(longest.get(kind) ?? 0) }))
    .filter(({ times }) => times > 0);
  return {
    ...{ seed: options.seed, servers: options.servers, workers: options.workers, seconds: options.seconds },
    ...{ faults, workloads, broken: [...broken] },
    pulses: { asked: pulses.asks, answered: pulses.answers },
    longestOutageMs: Math.round(pulses.longest === undefined ? 0 : lengthOf(pulses.longest)),
    takeovers: staleWrites.takeovers,
    commits: staleWrites.writes,
    lateWrites: { count: late.length, longestMs: late[0]?.lateMs ?? 0 },
    restMs: Math.round(restMs),
  };
}

async function tellProgress(stage: Stage, signal: AbortSignal): Promise<void> {
  const { options, clock, journal, fleet, pulses, observer } = stage;
  while (!signal.aborted) {
    await passed(clock, progressEveryMs, signal);
    const longest = pulses.longest === undefined ? 0 : lengthOf(pulses.longest);
    const at = `${Math.round(journal.nowMs / 1_000)} of ${options.seconds} s`;
    const counts = `${journal.mishaps.length} faults, ${observer.staleWrites.writes} commits, ${fleet.present.length} workers`;
    options.onProgress?.(`${at}: ${counts}, longest outage ${(longest / 1_000).toFixed(1)} s`);
  }
}

/** Resolves after `ms`, or when `signal` aborts. */
function passed(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, resolve);
    signal?.addEventListener(
      "abort",
      () => {
        cancel();
        resolve();
      },
      { once: true },
    );
  });
}
