// The alerts of the group troupe-workers.

import type { AlertCase } from "./alert-case.ts";
import {
  blue,
  buckets,
  cluster,
  dashboard,
  longRunning,
  series,
  startedAt,
  steps,
  unread,
  worker,
} from "./alert-case.ts";

const up = (labels: Readonly<Record<string, string>>) => series("up", labels);
const blueOf = { app: "desk", instance: "10.0.0.1:9464", name: "blue" };
const pool = { ...dashboard, pool: "main" };

const seen: readonly AlertCase[] = [
  {
    alert: "TroupeWorkerSilent",
    when: "a worker does not answer for three minutes, and is back",
    series: {
      [up({ instance: "10.0.0.1:9464", job: "troupe-workers" })]: steps([0, 1], [2, 0], [6, 1]),
      [up({ instance: "10.0.0.9:4270", job: "troupe-dashboard" })]: steps([0, 0]),
    },
    silentAt: [1, 3.5, 7],
    firesAt: [4.5, 5.75],
    says: {
      labels: { instance: "10.0.0.1:9464", job: "troupe-workers" },
      summary: "The worker at 10.0.0.1:9464 does not answer.",
    },
  },
  {
    alert: "TroupeUnseen",
    when: "the dashboard ends, so that nobody says anything of any app",
    series: { [cluster("troupe_workers", { pool: "main" })]: steps([0, 3], [2], [20, 3]) },
    silentAt: [1, 6, 21],
    firesAt: [8, 19],
    says: { labels: {}, summary: "Nobody says how the app as a whole does." },
  },
  {
    alert: "TroupeUnseen",
    when: "the dashboard of one of two apps ends",
    series: {
      [series("troupe_workers", { ...pool, app: "shop" })]: steps([0, 3]),
      [cluster("troupe_workers", { pool: "main" })]: steps([0, 3], [2], [20, 3]),
      [worker("troupe_activations")]: steps([0, 100]),
      [series("troupe_activations", { ...blue, app: "shop", instance: "10.0.0.7:9464" })]: steps([0, 100]),
    },
    silentAt: [1, 6, 21],
    firesAt: [8, 19],
    says: { labels: { app: "desk" }, summary: "Nobody says how desk as a whole does." },
  },
  {
    alert: "TroupePoolWithoutWorkers",
    when: "the last worker of a pool ends, and another is started later",
    series: {
      [cluster("troupe_workers", { pool: "main" })]: steps([0, 1], [3, 0], [10, 1]),
      [cluster("troupe_workers", { pool: "gpu" })]: steps([0, 1]),
    },
    silentAt: [2, 3.5, 11],
    firesAt: [4.5, 9],
    says: { labels: pool, summary: "No worker serves the pool main of desk." },
  },
  {
    alert: "TroupeFewerWorkers",
    when: "one of three workers ends and is not started again: until that is what is usual",
    series: { [cluster("troupe_workers", { pool: "main" })]: steps([0, 3], [70, 2]) },
    silentAt: [69, 74, 110],
    firesAt: [76, 95],
    says: { labels: pool, summary: "2 workers serve the pool main of desk, fewer than for most of the last hour." },
  },
  {
    alert: "TroupeFewerWorkers",
    when: "a deployment has a worker more for some minutes",
    series: { [cluster("troupe_workers", { pool: "main" })]: steps([0, 3], [70, 4], [75, 3], [76, 2], [78, 3]) },
    silentAt: [69, 72, 77, 79, 90],
  },
  {
    alert: "TroupeWorkerRestarts",
    when: "a worker ends a minute after each start",
    series: startedAt(0, 10, 11, 12, 13, 14),
    silentAt: [9, 12.5, 45],
    firesAt: [14.5, 30],
    says: {
      labels: blue,
      summary: "The worker blue (10.0.0.1:9464) of desk was started 5 times in half an hour.",
    },
  },
  {
    alert: "TroupePartitionsUnowned",
    when: "nobody has the types that two partitions need",
    series: { [cluster("troupe_partitions_unowned", { pool: "main" })]: steps([0, 0], [3, 2], [10, 0]) },
    silentAt: [2, 3.5, 11],
    firesAt: [4.5, 9],
    says: { labels: pool, summary: "2 partitions of the pool main of desk have no owner." },
  },
];

const gap = (counts: Parameters<typeof buckets>[2]) =>
  buckets("troupe_partition_ownerless_seconds_bucket", { pool: "main" }, counts);
const gapsOf = { app: "desk", pool: "main" };

const owned: readonly AlertCase[] = [
  {
    alert: "TroupeOwnershipGaps",
    when: "the first worker after a long outage takes all at once, before it is scraped for the first time",
    series: {
      ...startedAt(5),
      ...gap({ "8": steps([5.25, 0]), "16": steps([5.25, 0]), "32": steps([5.25, 64]), "+Inf": steps([5.25, 64]) }),
    },
    silentAt: [4, 21],
    firesAt: [5.5, 19],
    says: { labels: gapsOf, summary: "Partitions of main of desk were without owner for 31.84s." },
  },
  {
    alert: "TroupeOwnershipGaps",
    when: "the same again, after a start of the process that had counted as many",
    series: {
      ...startedAt(0, 60),
      ...gap({ "16": steps([0.25, 0], [59], [60.25, 0]), "32": steps([0.25, 64], [59], [60.25, 64]) }),
      ...gap({ "+Inf": steps([0.25, 64], [59], [60.25, 64]) }),
    },
    silentAt: [20, 58, 76],
    firesAt: [60.5, 74],
    says: { labels: gapsOf, summary: "Partitions of main of desk were without owner for 31.84s." },
  },
  {
    alert: "TroupeOwnershipGaps",
    when: "a worker that runs for long takes what nobody had for long",
    series: {
      ...longRunning,
      ...gap({ "8": steps([0, 7]), "16": steps([0, 7], [5, 17]), "+Inf": steps([0, 7], [5, 17]) }),
    },
    silentAt: [4, 21],
    firesAt: [5.5, 19],
    says: { labels: gapsOf, summary: "Partitions of main of desk were without owner for 15.92s." },
  },
  {
    alert: "TroupeOwnershipGaps",
    when: "workers die and freeze, and others take over as soon as they can",
    series: {
      ...longRunning,
      ...gap({
        "1": steps([0, 7], [5, 17]),
        "4": steps([0, 7], [5, 17], [9, 30]),
        "8": steps([0, 7], [5, 17], [9, 30]),
      }),
      ...gap({ "+Inf": steps([0, 7], [5, 17], [9, 30]) }),
    },
    silentAt: [4, 6, 10, 20],
  },
  {
    alert: "TroupeOwnershipLost",
    when: "a worker loses its partitions twice within some minutes",
    series: {
      ...longRunning,
      [worker("troupe_partitions_lost_total", { pool: "main" })]: steps([0, 0], [3, 64], [8, 128]),
    },
    silentAt: [2, 4, 19],
    firesAt: [8.25, 17],
    says: {
      labels: blueOf,
      summary: "The worker blue (10.0.0.1:9464) of desk keeps losing its partitions: 2 times in 15 minutes.",
    },
  },
  {
    alert: "TroupeOwnershipLost",
    when: "the server is away once, and the worker is started anew afterwards",
    series: {
      ...startedAt(0, 6),
      [worker("troupe_partitions_lost_total", { pool: "main" })]: steps([0, 0], [3, 64], [6, 0]),
    },
    silentAt: [2, 4, 7, 19],
  },
];

const breaks = "troupe_connection_lost_total";

const processes: readonly AlertCase[] = [
  {
    alert: "TroupeConnectionBreaks",
    when: "the connection breaks six times between the start and the first scrape",
    series: { ...startedAt(5), [worker(breaks)]: steps([5.25, 6]) },
    silentAt: [5, 21],
    firesAt: [5.5, 19],
    says: { labels: blueOf, summary: "The connection of blue (10.0.0.1:9464) of desk to NATS keeps breaking." },
  },
  {
    alert: "TroupeConnectionBreaks",
    when: "the connection of a worker that runs for long breaks each minute for some time",
    series: { ...longRunning, [worker(breaks)]: (at) => Math.floor(Math.min(Math.max(0, at - 10), 10)) },
    silentAt: [9, 15, 40],
    firesAt: [18, 24],
    says: { labels: blueOf, summary: "The connection of blue (10.0.0.1:9464) of desk to NATS keeps breaking." },
  },
  {
    alert: "TroupeConnectionBreaks",
    when: "nobody scraped for ten minutes a worker whose connection had broken often, long ago",
    series: {
      [worker("troupe_started_seconds")]: unread(steps([0, -86_400]), 10, 20),
      [worker(breaks)]: unread(steps([0, 50]), 10, 20),
    },
    silentAt: [1, 9, 21, 26, 30, 34],
  },
  {
    alert: "TroupeWorkerFull",
    when: "a worker is full for a quarter of an hour",
    series: { [worker("troupe_event_loop_busy_ratio")]: steps([0, 0.7], [5, 0.953], [20, 0.7]) },
    silentAt: [4, 14, 21],
    firesAt: [16, 19],
    says: {
      labels: blue,
      summary: "The worker blue (10.0.0.1:9464) of desk is full: its event loop is at work 95.3% of the time.",
    },
  },
  {
    alert: "TroupeEventLoopLate",
    when: "something computes for long each minute",
    series: { [worker("troupe_event_loop_delay_seconds")]: (at) => (at >= 5 && at < 15 && at % 1 === 0 ? 0.8 : 0.2) },
    silentAt: [4, 9, 18],
    firesAt: [11, 15],
    says: { labels: blue, summary: "Something computes for 800ms in one go in blue (10.0.0.1:9464) of desk." },
  },
  {
    alert: "TroupeEventLoopLate",
    when: "something has computed for long once",
    series: { [worker("troupe_event_loop_delay_seconds")]: (at) => (at >= 5 && at < 6 ? 3 : 0.01) },
    silentAt: [4, 5.25, 7, 11],
  },
];

export const workerCases: readonly AlertCase[] = [...seen, ...owned, ...processes];
