// The alerts of the groups troupe-memory and troupe-workflows.

import type { AlertCase } from "./alert-case.ts";
import { buckets, cluster, dashboard, growing, longRunning, startedAt, steps, worker } from "./alert-case.ts";

const ofMail = { ...dashboard, stream: "mail" };
const restarts = worker("troupe_watch_restarts_total", { bucket: "state" });
const begunAnew = { app: "desk", instance: "10.0.0.1:9464", name: "blue", bucket: "state" };
const lag = (counts: Parameters<typeof buckets>[2]) =>
  buckets("troupe_replica_lag_seconds_bucket", { bucket: "facts" }, counts);

export const memoryCases: readonly AlertCase[] = [
  {
    alert: "TroupeStreamFullSoon",
    when: "a stream will be full in half a day, until its limit is raised",
    series: {
      [cluster("troupe_stream_full_in_seconds", { stream: "mail" })]: steps([0, 200_000], [5, 43_200], [50]),
      [cluster("troupe_stream_full_in_seconds", { stream: "dead" })]: steps([0, 200_000]),
    },
    silentAt: [4, 34, 51],
    firesAt: [36, 49],
    says: { labels: ofMail, summary: "The stream mail of desk is full in 12h 0m 0s if it goes on as lately." },
  },
  {
    alert: "TroupeStreamNearlyFull",
    when: "a stream has used almost all of its limit; another has none",
    series: {
      [cluster("troupe_stream_bytes", { stream: "mail" })]: steps([0, 8e9], [5, 9.5e9], [20, 7e9]),
      [cluster("troupe_stream_limit_bytes", { stream: "mail" })]: steps([0, 1e10]),
      [cluster("troupe_stream_bytes", { stream: "memory" })]: steps([0, 8e12]),
    },
    silentAt: [4, 9, 21],
    firesAt: [11, 19],
    says: { labels: ofMail, summary: "The stream mail of desk has used 95% of its limit." },
  },
  {
    alert: "TroupeMemoryGrows",
    when: "a kind of scope grows by a quarter of a gigabyte an hour",
    series: {
      [cluster("troupe_memory_growth_bytes_per_hour", { kind: "user" })]: steps(
        [0, 1e6],
        [5, 256 * 1024 ** 2],
        [80, -5],
      ),
      [cluster("troupe_memory_growth_bytes_per_hour", { kind: "agent" })]: steps([0, 9e7]),
    },
    silentAt: [4, 64, 81],
    firesAt: [66, 79],
    says: {
      labels: { app: "desk", kind: "user" },
      summary: "What is remembered in scopes of the kind user of desk grows by 256MiB an hour.",
    },
  },
  {
    alert: "TroupeReplicasBehind",
    when: "replicas show changes late for a quarter of an hour",
    series: lag({
      "2": growing(0),
      "4": (now) => Math.min(now, 5) * 60 + Math.max(0, now - 25) * 60,
      "8": growing(60),
      "+Inf": growing(60),
    }),
    silentAt: [4, 14, 40],
    firesAt: [16, 25],
    says: { labels: { app: "desk", bucket: "facts" }, summary: "Replicas of facts of desk show changes 7.96s late." },
  },
  {
    alert: "TroupeWatchesBreak",
    when: "the watches of a worker that runs for long break once a minute for a while",
    series: { ...longRunning, [restarts]: (now) => Math.floor(Math.min(Math.max(0, now - 10), 14)) },
    silentAt: [9, 19, 40],
    firesAt: [24],
    says: {
      labels: begunAnew,
      summary: "blue (10.0.0.1:9464) of desk began its watches of state anew 14 times in 15 minutes.",
    },
  },
  {
    alert: "TroupeWatchesBreak",
    when: "they have broken often before the first scrape",
    series: { ...startedAt(10), [restarts]: steps([10.25, 12]) },
    silentAt: [9, 26],
    firesAt: [10.5, 24],
    says: {
      labels: begunAnew,
      summary: "blue (10.0.0.1:9464) of desk began its watches of state anew 12 times in 15 minutes.",
    },
  },
  {
    alert: "TroupeWatchesBreak",
    when: "all servers are started anew one after the other, under twenty workers",
    series: Object.fromEntries(
      Array.from({ length: 20 }, (_, at) => `10.0.0.${at + 1}:9464`).flatMap((instance) => [
        [worker("troupe_started_seconds", { instance }), steps([0, -86_400])],
        [
          worker("troupe_watch_restarts_total", { instance, bucket: "state" }),
          steps([0, 0], [10, 1], [12, 2], [14, 3]),
        ],
      ]),
    ),
    silentAt: [9, 11, 13, 15, 24, 30],
  },
];

const runs = (phase: string) => cluster("troupe_workflow_runs", { workflow: "shipping", phase });
const ofShipping = { app: "desk", workflow: "shipping" };

export const workflowCases: readonly AlertCase[] = [
  {
    alert: "TroupeRunsFail",
    when: "the first run of a workflow fails",
    series: { [runs("failed")]: steps([0, 0], [10, 1]), [runs("completed")]: growing(60) },
    silentAt: [9, 26],
    firesAt: [10.25, 24],
    says: {
      labels: { ...dashboard, phase: "failed", workflow: "shipping" },
      summary: "1 runs of shipping of desk failed in 15 minutes.",
    },
  },
  {
    alert: "TroupeRunsFail",
    when: "five are taken away and two fail",
    series: { [runs("failed")]: steps([0, 10], [9, 5], [10, 7]) },
    silentAt: [8, 9.5, 26],
    firesAt: [10.25, 24],
    says: {
      labels: { ...dashboard, phase: "failed", workflow: "shipping" },
      summary: "2 runs of shipping of desk failed in 15 minutes.",
    },
  },
  {
    alert: "TroupeRunsFail",
    when: "those that failed long ago stay as they are, and the dashboard is started anew",
    series: { [runs("failed")]: steps([0, 10], [20], [22, 10]) },
    silentAt: [1, 19, 21, 23, 30],
  },
  {
    alert: "TroupeRunsHeld",
    when: "runs are held where they failed, until somebody retries them an hour later",
    series: { [runs("held")]: steps([0, 0], [10, 3], [70, 0]), [runs("running")]: steps([0, 40]) },
    silentAt: [9, 71],
    firesAt: [10.25, 69],
    says: { labels: ofShipping, summary: "3 runs of shipping of desk have failed and wait for a person." },
  },
];
