// One run as the page shows it: what decided a branch, and what is said when that is not kept.

import { expect, test } from "vitest";
import { z } from "zod";
import type { FeedItem } from "../../src/monitoring/dashboard/api/messages.ts";
import { feedFilterOf, mergeFeeds } from "../../src/monitoring/dashboard/live-feed.ts";
import type { RunReading } from "../../src/monitoring/dashboard/run-view.ts";
import { runViewOf } from "../../src/monitoring/dashboard/run-view.ts";
import { outlineOf } from "../../src/workflow/outline.ts";
import type { Run } from "../../src/workflow/run.ts";
import { Play, planOf } from "./workflow-play.ts";

const nothing = () => {};
const go = z.object({ by: z.string() });
const plan = planOf(({ task, branch, when, otherwise, waitFor, loop }) => [
  task("first", nothing),
  loop(
    "again",
    { until: ({ n }) => Number(n) > 3 },
    branch(
      "size",
      when("big", ({ n }) => Number(n) > 1, task("t", nothing)),
      otherwise(task("u", nothing)),
    ),
  ),
  waitFor("last", { signal: "go", timeoutMs: 5_000 }),
]);
const outline = outlineOf(plan.tree, new Map([["go", go]]));

/** A run with all its committed values. */
function played(): readonly Run[] {
  const play = new Play(plan, { log: [], n: 1 });
  const kept: Run[] = [];
  const keep = () => kept.push({ ...play.run, changes: kept.length + 1, version: 1, hash: plan.tree.hash });
  const count = (n: number) => {
    play.run = { ...play.run, state: { log: [], n } };
  };
  keep();
  play.ok("first");
  keep();
  count(2);
  play.ok("again[0]/size/otherwise/u");
  keep();
  count(4);
  play.ok("again[1]/size/big/t");
  keep();
  return kept;
}

const reading = (kept: readonly Run[], stopped?: RunReading["stopped"]): RunReading => ({
  ...{
    workflow: "play",
    id: "r",
    run: kept.at(-1) as Run,
    stopped,
    changedAtMs: 1,
    startedAtMs: 1,
    kept,
    outline,
    past: [],
  },
});

test("a run that is stopped is seen so, with the reason, beside its phase", () => {
  const stopped = { code: "WORKFLOW_CHANGED", message: "other code", at: "2026-03-02T08:04:00.000Z" };
  const kept = played();
  expect(runViewOf(reading(kept, stopped))).toMatchObject({ phase: "running", isStopped: true, stopped });
  expect(runViewOf(reading(kept))).toMatchObject({ isStopped: false, stopped: null });
});

/** Way and deciding state of the branch in a repetition. */
function decided(kept: readonly Run[], path: string) {
  const node = runViewOf(reading(kept)).nodes.find((each) => each.path === path);
  return [node?.way, node?.decidedBy];
}

test("R2: a branch was decided by the state of the revision in which it was taken, each time anew", () => {
  const kept = played();
  expect(decided(kept.slice(0, 2), "again[0]/size")).toEqual(["otherwise", { log: [], n: 1 }]);
  expect(decided(kept.slice(0, 3), "again[1]/size")).toEqual(["big", { log: [], n: 2 }]);
});

test("R2: what was decided before the oldest revision that is kept is not known, and not guessed", () => {
  const kept = played();
  expect(decided(kept.slice(1, 2), "again[0]/size")).toEqual(["otherwise", null]);
  expect(decided(kept.slice(1, 3), "again[1]/size")).toEqual(["big", { log: [], n: 2 }]);
  expect(decided(kept.slice(2, 3), "again[1]/size")).toEqual(["big", null]);
});

test("a signal that is waited for comes with the form of its value; the way of a join or a task is nobody's decision", () => {
  const kept = played();
  const { signals, graph, nodes } = runViewOf(reading(kept));
  expect(signals).toMatchObject([
    { signal: "go", path: "last", untilMs: expect.any(Number), schema: { type: "object" } },
  ]);
  expect(graph?.edges.find(({ to }) => to === ":end")).toMatchObject({ from: "last" });
  expect(nodes.filter(({ id }) => id !== "again[]/size").every(({ decidedBy }) => decidedBy === null)).toBe(true);
  const bare = runViewOf({ ...reading(kept), outline: undefined });
  expect([bare.graph, bare.signals[0]?.schema]).toEqual([null, null]);
});

const item = (atMs: number, level: FeedItem["level"]): FeedItem => ({
  ...{ kind: "turn-ended", atMs, worker: "w", level, actor: null, method: null, turn: null },
  ...{ durationMs: null, code: null, text: "", trace: null },
});

const view = (items: readonly FeedItem[], skipped: number) => ({ items, skipped, skippedNotable: 0 });

test("F1: of too many items those stay that an operator must know, and every other one is counted", () => {
  const many = Array.from({ length: 300 }, (_, at) => item(at, "info"));
  const notable = [item(5, "error"), item(7, "warn")];
  const merged = mergeFeeds(view(many, 3), view(notable, 4));
  expect(merged.items.filter(({ level }) => level !== "info").map(({ atMs }) => atMs)).toEqual([5, 7]);
  expect(merged.items.length + merged.skipped).toBe(300 + 2 + 3 + 4);
  expect(merged.items.map(({ atMs }) => atMs)).toEqual(merged.items.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
  expect(merged.skippedNotable).toBe(0);
  const errors = Array.from({ length: 500 }, (_, at) => item(at, "error"));
  const flood = mergeFeeds(view([], 0), view(errors, 0));
  expect([flood.items.length, flood.skipped, flood.skippedNotable]).toEqual([200, 300, 300]);
});

test("what is asked for of the feed is a type, an actor, a kind, a method, what is urgent, or all", () => {
  const patterns = [undefined, "desk.*", "desk.>", "desk.t=2F1", ">", "a b"];
  expect(patterns.map((pattern) => feedFilterOf({ pattern }))).toEqual([
    ...[undefined, { types: ["desk"] }, { types: ["desk"] }, { actor: "desk/t/1" }, undefined, undefined],
  ]);
  expect(feedFilterOf({ pattern: "desk.*", kind: "turn-ended", method: "add", level: "warn" })).toEqual({
    ...{ types: ["desk"], kinds: ["turn-ended"], methods: ["add"], level: "warn" },
  });
});
