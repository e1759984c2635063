// What somebody has to know or to do, the worst first. Pure: drawn from what was read of this second and those before it.

import { count, printSpan } from "../core/amounts.ts";
import type { AccountFacts, AppFacts, ServerFacts, UserFacts } from "../runtime/inspect.ts";
import type { ClusterPicture } from "./cluster-picture.ts";
import { callWorker } from "./cluster-picture.ts";
import type { Second, WorkerRow } from "./dashboard/api/now.ts";
import type { Unhealthy } from "./dashboard/api/page.ts";
import type { Finding } from "./doctor/diagnosis.ts";
import { explainSurvival } from "./doctor/durability.ts";
import {
  aboutClock,
  aboutCopies,
  aboutDeadLetters,
  aboutLimits,
  aboutStreams,
  aboutWaiting,
  waitingMsMin,
} from "./doctor/findings.ts";
import { findingsOfPools } from "./doctor/pool-findings.ts";
import { readPools } from "./pool-picture.ts";
import type { NeedyRuns } from "./run-index.ts";

export interface HealthSeen {
  readonly app: string;
  readonly atMs: number;
  readonly server: ServerFacts;
  readonly user: UserFacts | undefined;
  readonly account: AccountFacts | undefined;
  readonly facts: AppFacts;
  readonly cluster: ClusterPicture;
  readonly workers: readonly WorkerRow[];
  /** Since when a living worker has not answered. Unit: ms since the epoch. */
  readonly silentSinceMs: ReadonlyMap<string, number>;
  /** Workers that went lately without having drained. */
  readonly departed: readonly Departed[];
  /** This second, and those before it, oldest first. */
  readonly seconds: readonly Second[];
  readonly actors: ActorsSeen;
  readonly runs: RunsSeen;
}

export interface Departed {
  readonly worker: string;
  readonly name: string | null;
  readonly atMs: number;
}

/** What the index of actors has to say. */
export interface ActorsSeen {
  readonly stopped: number;
  /** `type/id` of one of them. */
  readonly stoppedOne: string | undefined;
  /** How many have failed lately. */
  readonly failing: number;
  readonly failingOne: string | undefined;
  readonly isFull: boolean;
  readonly size: number;
}

export const noActors: ActorsSeen = Object.freeze({
  ...{ stopped: 0, stoppedOne: undefined, failing: 0, failingOne: undefined, isFull: false, size: 0 },
});

/** What the index of runs has to say. */
export interface RunsSeen {
  readonly held: NeedyRuns;
  readonly awaiting: NeedyRuns;
}

const none: NeedyRuns = Object.freeze({ count: 0, one: undefined });
export const noRuns: RunsSeen = Object.freeze({ held: none, awaiting: none });

/** Seconds over which a rate is judged: one alone says little. */
const judgedSeconds = 10;
/** How long ago the lag is compared with. Unit: seconds. */
const lagBeforeSeconds = 30;
const lagGrownMin = 50;
const conflictsPerSMin = 5;
const failedShareMax = 0.05;
const failedPerSMin = 0.5;
const busyMax = 0.9;
/** Unit: ms. */
const newsMs = 3_600_000;

const levels = ["problem", "warning", "note"] as const;

export function unhealthyOf(seen: HealthSeen): readonly Unhealthy[] {
  const { app, cluster, facts, server, user, account } = seen;
  const byPool = readPools(cluster);
  const dead = facts.streams.find(({ role }) => role === "dead");
  const deadLetters = dead?.messages ?? 0;
  const survival = explainSurvival(facts.streams, undefined);
  const at = (where: string | null, findings: readonly Finding[]) => findings.map((each) => ({ ...each, where }));
  const all: Unhealthy[] = [
    ...aboutSilent(seen),
    ...at(null, findingsOfPools({ app, pools: byPool, workers: cluster.workers }).map(graverWhenDown(seen))),
    ...aboutDeparted(seen),
    ...at("/messages", cluster.workers.length > 0 ? aboutWaiting(byPool) : []),
    ...aboutLag(seen.seconds),
    ...aboutStopped(seen.actors),
    ...aboutFailing(seen.actors),
    ...aboutRuns(seen.runs),
    ...at("/messages/dead", aboutDeadLetters(deadLetters).map(agedBy(seen, dead?.lastAtMs))),
    ...aboutFailures(seen.seconds),
    ...aboutConflicts(seen.seconds),
    ...aboutBusy(seen),
    ...at("/memory", [...aboutLimits(account), ...aboutStreams({ streams: facts.streams, survival })]),
    ...at(null, [...aboutClock(user), ...aboutCopies({ server }, { streams: facts.streams })]),
    ...aboutIndex(seen.actors),
  ];
  return levels.flatMap((level) => all.filter((each) => each.level === level));
}

/** Dead letters that are kept are no news for ever: an hour after the last came they are a note, so that new ones are seen. */
function agedBy({ atMs }: HealthSeen, lastAtMs: number | undefined): (finding: Finding) => Finding {
  return (finding) => (atMs - (lastAtMs ?? atMs) < newsMs ? finding : { ...finding, level: "note" });
}

/** An app that has never had a worker waits for its first one; one whose partitions were owned once does nothing any more. */
function graverWhenDown({ cluster }: HealthSeen): (finding: Finding) => Finding {
  const wasServed = cluster.partitions.some(({ epoch, lag }) => epoch > 0 || lag > 0);
  return (finding) => (finding.id === "nobody" && wasServed ? { ...finding, level: "problem" } : finding);
}

/** What is said when nothing can be read: the rest is of `sinceMs`. */
export function serverAway(address: string, reason: string | null): Unhealthy {
  return {
    id: "away",
    level: "problem",
    text: `NATS cannot be read (${address})${reason === null ? "" : `: ${reason}`}. All figures here are of the last second that could be.`,
    remedy: "Look at the server and the way to it; the dashboard goes on by itself when it is back.",
    where: null,
  };
}

function aboutSilent({ silentSinceMs, atMs, cluster: { workers } }: HealthSeen): Unhealthy[] {
  return [...silentSinceMs].map(([worker, sinceMs]) => ({
    id: `silent:${worker}`,
    level: "problem",
    text: `The worker ${callWorker(worker, workers)} has not answered for ${printSpan(atMs - sinceMs)}, though its lease stands: it is frozen, too busy, or cut off.`,
    remedy: "When its lease is over others take its partitions. Look at its process; if it hangs, end it.",
    where: null,
  }));
}

function aboutDeparted({ departed, atMs, cluster }: HealthSeen): Unhealthy[] {
  const taken =
    cluster.workers.length === 0
      ? "Nobody is left to take its partitions; nothing acknowledged is lost."
      : "Others have taken its partitions and nothing acknowledged is lost.";
  return departed.map(({ worker, name, atMs: goneAtMs }) => ({
    id: `departed:${worker}`,
    level: "warning",
    text: `The worker ${name ?? worker} went ${printSpan(atMs - goneAtMs)} ago without draining: killed, crashed or cut off.`,
    remedy: `${taken} Look at the end of its log.`,
    where: null,
  }));
}

function aboutLag(seconds: readonly Second[]): Unhealthy[] {
  const lagAround = (end: number) =>
    average(seconds.slice(Math.max(0, end - judgedSeconds), end).map(({ lag }) => lag));
  if (seconds.length < lagBeforeSeconds + judgedSeconds) return [];
  const [now, before] = [lagAround(seconds.length), lagAround(seconds.length - lagBeforeSeconds)];
  if (now < before + lagGrownMin || now < before * 1.2) return [];
  // Much that is told and done within the second in which a cursor is not saved looks the same, but is never old.
  if (seconds.slice(-judgedSeconds).some(({ oldestMs }) => (oldestMs ?? 0) <= waitingMsMin)) return [];
  return [
    {
      id: "lag",
      level: "warning",
      text: `More is told than is handled: ${count(Math.round(now), "message")} wait, ${lagBeforeSeconds} s ago it was ${Math.round(before)}.`,
      remedy: "Add workers when many partitions wait; when one does, look for a slow or stopped actor in it.",
      where: null,
    },
  ];
}

function aboutStopped({ stopped, stoppedOne }: ActorsSeen): Unhealthy[] {
  if (stopped === 0) return [];
  return [
    {
      id: "stopped",
      level: "warning",
      text: `${count(stopped, "actor")} ${stopped === 1 ? "is" : "are"} stopped, as ${stoppedOne}: what is told to ${stopped === 1 ? "it" : "them"} waits, and holds the cursor of the partition.`,
      remedy: "Remove the cause, then start it again: troupe resume TYPE ID",
      where: "/actors?only=stopped",
    },
  ];
}

function aboutFailing({ failing, failingOne }: ActorsSeen): Unhealthy[] {
  if (failing === 0) return [];
  return [
    {
      id: "failing",
      level: "warning",
      text: `Turns of ${count(failing, "actor")} have failed in the last minutes, as of ${failingOne}.`,
      remedy: "The feed and the logs say the code and the message of each failure.",
      where: "/actors?only=failing",
    },
  ];
}

/** What goes on only when somebody does something. */
function aboutRuns({ held, awaiting }: RunsSeen): Unhealthy[] {
  const found: Unhealthy[] = [];
  if (held.one !== undefined) {
    const { workflow, run } = held.one;
    found.push({
      id: "held",
      level: "warning",
      text: `${count(held.count, "run")} of workflows ${held.count === 1 ? "is" : "are"} held, as ${workflow} ${run}: a task failed for good, and somebody has to decide.`,
      remedy: "Remove the cause and retry the run, or cancel it.",
      where: `/workflows/${workflow}?phase=held`,
    });
  }
  if (awaiting.one !== undefined) {
    const { workflow, run } = awaiting.one;
    found.push({
      id: "awaiting",
      level: "note",
      text: `${count(awaiting.count, "run")} of workflows ${awaiting.count === 1 ? "waits" : "wait"} for a signal, as ${workflow} ${run}.`,
      remedy: "Where a person is to decide, the run's page has a form for it.",
      where: `/workflows/${workflow}?phase=waiting`,
    });
  }
  return found;
}

function aboutFailures(seconds: readonly Second[]): Unhealthy[] {
  const last = seconds.slice(-judgedSeconds);
  const failed = average(last.flatMap(({ failedPerS }) => failedPerS ?? []));
  const turns = average(last.flatMap(({ turnsPerS }) => turnsPerS ?? []));
  if (failed < failedPerSMin || failed < turns * failedShareMax) return [];
  return [
    {
      id: "failures",
      level: "warning",
      text: `${Math.round((failed / turns) * 100)} % of the turns of the last ${judgedSeconds} s have failed (${failed.toFixed(1)} a second).`,
      remedy: "See below which methods, and in the feed with which code.",
      where: "/messages",
    },
  ];
}

function aboutConflicts(seconds: readonly Second[]): Unhealthy[] {
  const perS = average(seconds.slice(-judgedSeconds).flatMap(({ conflictsPerS }) => conflictsPerS ?? []));
  if (perS < conflictsPerSMin) return [];
  return [
    {
      id: "conflicts",
      level: "warning",
      text: `${perS.toFixed(1)} writes a second lose a race for a key: many write the same.`,
      remedy: "Let one actor own what many write, or write less often; the heat map shows which keys.",
      where: "/memory",
    },
  ];
}

function aboutBusy({ workers, cluster }: HealthSeen): Unhealthy[] {
  return workers
    .filter(({ busy }) => busy !== null && busy >= busyMax)
    .map(({ worker, busy }) => ({
      id: `busy:${worker}`,
      level: "warning",
      text: `The event loop of the worker ${callWorker(worker, cluster.workers)} is busy ${Math.round((busy ?? 0) * 100)} % of the time.`,
      remedy: "Add workers, or move heavy work out of handlers.",
      where: null,
    }));
}

function aboutIndex({ isFull, size }: ActorsSeen): Unhealthy[] {
  if (!isFull) return [];
  return [
    {
      id: "index",
      level: "note",
      text: `There are more actors than the dashboard lists: it knows ${size} of them.`,
      remedy: "Each can still be looked at by its address: type and id.",
      where: "/actors",
    },
  ];
}

function average(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
