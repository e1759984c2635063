// Three hours of an app that is busy and well: twenty thousand messages a second, callers that err now and then, a deployment, a worker
// that is killed, one that is paused for longer than its lease, servers that are started anew one after the other.

import type { Course } from "./alert-case.ts";
import { cluster, series, steps } from "./alert-case.ts";

export const busyMinutes = 180;

interface Life {
  readonly name: string;
  readonly instance: string;
  /** Minutes at which the process was started; it is away for a quarter of a minute before each but the first. */
  readonly starts: readonly number[];
  readonly pausedAt?: number;
}

const deployedAt = 60;
const serversAnewAt = 120;
/** One after the other. */
const serversAnew = [serversAnewAt, serversAnewAt + 2, serversAnewAt + 4];
const lives: readonly Life[] = [
  { name: "blue", instance: "10.0.0.1:9464", starts: [0, deployedAt], pausedAt: 100 },
  { name: "green", instance: "10.0.0.2:9464", starts: [0, deployedAt + 1, 90] },
  { name: "red", instance: "10.0.0.3:9464", starts: [0, deployedAt + 2] },
];
const awayMinutes = 0.25;

export function busyApp(): Readonly<Record<string, Course>> {
  return Object.assign({}, ofCluster(), ...lives.map(ofWorker)) as Readonly<Record<string, Course>>;
}

/** When the process that is scraped at a time was started; undefined while it is away. */
function startOf({ starts }: Life, at: number): number | undefined {
  const next = starts.find((start) => start > at);
  return next !== undefined && at >= next - awayMinutes ? undefined : starts.findLast((start) => start <= at);
}

/** By when the process was started, and the time of the scrape. */
type Count = (start: number, at: number) => number;
type Add = (metric: string, own: Readonly<Record<string, string>>, count: Count) => void;

const steady =
  (perMinute: number): Count =>
  (start, at) =>
    Math.floor((at - start) * perMinute);
/** What happened at these times, as far as this process saw it. */
const seen =
  (times: readonly number[], each = 1): Count =>
  (start, at) =>
    times.filter((time) => time >= start && time <= at).length * each;
const none: Count = () => 0;

function ofWorker(life: Life): Readonly<Record<string, Course>> {
  const { name, instance } = life;
  const labels = { app: "desk", instance, job: "troupe-workers", name };
  const all: Record<string, Course> = {
    [series("up", { instance, job: labels.job })]: (at) => +(startOf(life, at) !== undefined),
  };
  const add: Add = (metric, own, count) => {
    all[series(metric, { ...labels, ...own })] = (at) => {
      const start = startOf(life, at);
      return start === undefined ? undefined : count(start, at);
    };
  };
  addProcess(add, life);
  addMessages(add);
  addDurations(add);
  return all;
}

function addProcess(add: Add, { pausedAt }: Life): void {
  const losses = [serversAnewAt, ...(pausedAt === undefined ? [] : [pausedAt])];
  add("troupe_started_seconds", {}, (start) => start * 60);
  add("troupe_activations", {}, () => 30_000);
  add("troupe_event_loop_busy_ratio", {}, (_start, at) => (at % 30 < 5 ? 0.96 : 0.8));
  add("troupe_event_loop_delay_seconds", {}, (_start, at) => (at % 20 < 1 ? 0.9 : 0.02));
  add("troupe_outbox_pending", {}, (_start, at) => 200 + (at % 3) * 100);
  add("troupe_connection_lost_total", {}, seen(serversAnew));
  for (const bucket of ["state", "cluster", "facts"]) add("troupe_watch_restarts_total", { bucket }, seen(serversAnew));
  add("troupe_partitions_lost_total", { pool: "main" }, seen(losses, 21));
  add("troupe_commits_failed_total", { type: "writer", reason: "refused" }, none);
  add("troupe_commits_failed_total", { type: "writer", reason: "superseded" }, seen(losses, 5));
}

function addMessages(add: Add): void {
  const method = { type: "writer", method: "note" };
  const asked = (code: string, count: Count) => add("troupe_messages_asked_total", { ...method, code }, count);
  add("troupe_messages_told_total", { ...method, by: "actor", code: "ok" }, steady(400_000));
  add("troupe_turns_total", { ...method, turn: "tell", code: "ok" }, steady(400_000));
  add("troupe_turns_total", { ...method, turn: "ask", code: "INPUT_INVALID" }, steady(4_000));
  asked("ok", steady(6_000));
  asked("INPUT_INVALID", steady(60));
  asked("ASK_TIMEOUT", (start, at) => steady(1)(start, at) + seen(serversAnew, 50)(start, at));
  add("troupe_mailbox_full_total", { type: "writer" }, steady(1));
  add("troupe_conflicts_total", { bucket: "facts", of: "user" }, steady(60));
}

function addDurations(add: Add): void {
  /** Each with how many were at most so large, and larger than the one before. */
  const addBuckets = (
    metric: string,
    own: Readonly<Record<string, string>>,
    ...sizes: readonly (readonly [le: string, count: Count])[]
  ) => {
    for (const [index, [le]] of sizes.entries()) {
      const below = sizes.slice(0, index + 1);
      add(metric, { ...own, le }, (start, at) => below.reduce((sum, [, count]) => sum + count(start, at), 0));
    }
  };
  // Others take what is given back within milliseconds, what a dead one had within a second, what was lost when it is over.
  addBuckets(
    "troupe_partition_ownerless_seconds_bucket",
    { pool: "main" },
    ["0.0625", seen([deployedAt, deployedAt + 1, deployedAt + 2], 11)],
    ["1", seen([90], 11)],
    ["4", seen([100], 11)],
    ["8", seen([serversAnewAt], 21)],
    ["+Inf", none],
  );
  addBuckets(
    "troupe_timer_late_seconds_bucket",
    { type: "writer" },
    ["0.25", steady(100)],
    ["8", seen([90, 100, ...serversAnew], 20)],
    ["+Inf", none],
  );
  addBuckets(
    "troupe_commit_duration_seconds_bucket",
    { type: "writer" },
    ["0.03125", steady(9_900)],
    ["0.5", steady(99)],
    ["4", steady(1)],
    ["+Inf", none],
  );
  addBuckets(
    "troupe_replica_lag_seconds_bucket",
    { bucket: "facts" },
    ["0.0625", steady(990)],
    ["0.5", steady(9)],
    ["8", seen(serversAnew, 5)],
    ["+Inf", none],
  );
}

function ofCluster(): Readonly<Record<string, Course>> {
  const main = { pool: "main" };
  const alone = [...lives.flatMap(({ starts }) => starts.slice(1))];
  const isAway = (at: number) => alone.some((start) => at >= start - awayMinutes && at < start);
  const all: Record<string, Course> = {
    [series("up", { instance: "10.0.0.9:4270", job: "troupe-dashboard" })]: steps([0, 1]),
    [cluster("troupe_workers", main)]: (at) => (isAway(at) ? 2 : 3),
    [cluster("troupe_partitions_unowned", main)]: (at) => (at === 90 || at === serversAnewAt ? 21 : 0),
    // Two were replayed.
    [cluster("troupe_dead_kept")]: steps([0, 7], [80, 5]),
    [cluster("troupe_stream_bytes", { stream: "mail" })]: (at) => 6e9 + at * 1e6,
    [cluster("troupe_stream_limit_bytes", { stream: "mail" })]: steps([0, 1e10]),
    [cluster("troupe_stream_full_in_seconds", { stream: "mail" })]: (at) => (4e9 / 1e6 - at) * 60,
    [cluster("troupe_memory_growth_bytes_per_hour", { kind: "user" })]: steps([0, 2e7]),
    [cluster("troupe_workflow_runs", { workflow: "shipping", phase: "running" })]: (at) => 150 + (at % 7),
    [cluster("troupe_workflow_runs", { workflow: "shipping", phase: "completed" })]: (at) => at * 20,
    [cluster("troupe_workflow_runs", { workflow: "shipping", phase: "held" })]: steps([0, 0]),
    [cluster("troupe_workflow_runs", { workflow: "shipping", phase: "failed" })]: steps([0, 3], [50, 2]),
  };
  for (const partition of ["0", "1", "2", "3"]) {
    const labels = { ...main, partition };
    // What came since the cursor was saved last; more after each change of owners.
    all[cluster("troupe_mailbox_lag", labels)] = (at) => (isAway(at) || at === serversAnewAt ? 40_000 : 5_000);
    all[cluster("troupe_mailbox_oldest_seconds", labels)] = (at) => (at === serversAnewAt ? 9 : 1.1);
  }
  return all;
}
