import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { RuntimeEvent } from "../../src/core/events.ts";
import type { Figure } from "../../src/core/figure-catalog.ts";
import { figureCatalog } from "../../src/core/figure-catalog.ts";
import { Figures } from "../../src/core/figure-fold.ts";
import type { FiguresSnapshot } from "../../src/core/figures.ts";
import { since } from "../../src/core/figures.ts";
import { bucketOf, durationBounds, quantileOf } from "../../src/core/histogram.ts";
import { cellsMax } from "../../src/core/labelled.ts";
import { prometheusName } from "../../src/monitoring/metric-names.ts";
import { boundsOut } from "../../src/monitoring/metrics-data.ts";
import { createTestTroupe } from "../../src/runtime/test-troupe.ts";
import { counter } from "../contract/runtime-actors.ts";
import { figureFaults, foldedFigures } from "../support/naive-figures.ts";
import { readPlainYaml } from "../support/plain-yaml.ts";
import { readPromql } from "../support/promql.ts";
import { anyEvent } from "./any-event.ts";

const foldAll = (events: readonly RuntimeEvent[], figures = new Figures("w", 1_000)): FiguresSnapshot => {
  for (const event of events) figures.fold(event);
  return figures.snapshot(2_000);
};

test("F3: whatever happens, the fold says what a count over the whole list says", () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 200 }), (events) => {
      expect(figureFaults(events, foldAll(events))).toEqual([]);
    }),
  );
});

test("F1: what was counted between two snapshots is their difference, and another life of the process begins anew", () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 60 }), fc.array(anyEvent, { maxLength: 60 }), (before, after) => {
      const figures = new Figures("w", 1_000);
      const first = foldAll(before, figures);
      const second = foldAll(after, figures);
      expect(figureFaults(after, since(second, first))).toEqual([]);
      expect(figureFaults([...before, ...after], since(second, undefined))).toEqual([]);
      expect(since(second, { ...first, startedAtMs: 1 })).toBe(second);
    }),
  );
});

test("S1: a value is counted in the bucket whose bound it does not exceed and whose bound before it does", () => {
  const anyValue = fc.oneof(fc.constantFrom(...durationBounds), fc.double({ min: 0, max: 1_000, noNaN: true }));
  fc.assert(
    fc.property(anyValue, (value) => {
      const at = bucketOf(durationBounds, value);
      expect(value).toBeLessThanOrEqual(durationBounds[at] ?? Number.POSITIVE_INFINITY);
      expect(value).toBeGreaterThan(durationBounds[at - 1] ?? Number.NEGATIVE_INFINITY);
    }),
  );
});

test("S2: a quantile of durations from 50 µs to 100 s is within 10 % of the truth", () => {
  const anyDuration = fc.double({ min: Math.log(50e-6), max: Math.log(100), noNaN: true }).map(Math.exp);
  const anyDurations = fc.oneof(
    fc.array(anyDuration, { minLength: 1 }),
    anyDuration.map((one) => [one, one, one]),
  );
  fc.assert(
    fc.property(anyDurations, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
      const counts = new Array<number>(durationBounds.length + 1).fill(0);
      for (const value of values)
        counts[bucketOf(durationBounds, value)] = (counts[bucketOf(durationBounds, value)] ?? 0) + 1;
      const sorted = [...values].sort((a, b) => a - b);
      const truth = sorted[Math.max(1, Math.ceil(q * values.length)) - 1] ?? Number.NaN;
      const told = quantileOf(durationBounds, counts, q) ?? Number.NaN;
      expect(Math.abs(told - truth) / truth).toBeLessThanOrEqual(0.1 + 1e-9);
    }),
  );
  expect(
    quantileOf(
      durationBounds,
      durationBounds.map(() => 0),
      0.5,
    ),
  ).toBeUndefined();
});

test("L1: of too many values of labels the rest is counted under `other`, and nothing is lost", () => {
  const figures = new Figures("w", 0);
  for (let at = 0; at < cellsMax + 50; at += 1) {
    figures.fold({ kind: "activated", actor: { type: `type${at}`, id: "a" }, revision: 1 });
  }
  const { series } = figures.snapshot(0);
  const activated = series.flatMap((one) => (one.name === "troupe.activated" && "value" in one ? [one] : []));
  expect(activated.length).toBe(cellsMax + 1);
  expect(activated.reduce((sum, { value }) => sum + value, 0)).toBe(cellsMax + 50);
  expect(activated.find(({ labels }) => labels.type === "other")?.value).toBe(50);
});

test("L1: what only Troupe names stays as it is beyond that, and there is an end to it as well", () => {
  const figures = new Figures("w", 0);
  const told = (at: number, code: string) =>
    figures.fold({ kind: "told", to: `type${at}.a`, method: "add", messageId: "m", code });
  for (let at = 0; at < cellsMax; at += 1) told(at, "TELL_REFUSED");
  told(cellsMax, "OUTCOME_UNKNOWN");
  for (let at = 0; at < 2 * cellsMax; at += 1) told(cellsMax + at, `CODE_${at}`);
  const { series } = figures.snapshot(0);
  expect(series.find(({ labels }) => labels.code === "OUTCOME_UNKNOWN")).toMatchObject({
    labels: { type: "other", method: "other", by: "client" },
    value: 1,
  });
  expect(series.filter(({ name }) => name === "troupe.messages.told").length).toBe(2 * cellsMax + 1);
});

test("F2: a name that a caller has made up is no label", () => {
  const served = { pools: ["main"], types: new Map([["counter", ["add"]]]) };
  const figures = new Figures("w", 0, served);
  const error = { code: "METHOD_UNKNOWN", message: "text" };
  const made = { method: "made-up", messageId: "m", durationMs: 1 };
  const actor = { type: "counter", id: "c" };
  figures.fold({ kind: "turn-ended", actor, turn: "ask", ...made, error });
  figures.fold({ kind: "told", to: "counter.c", ...made });
  figures.fold({ kind: "asked", to: "counter.c", ...made, code: "ASK_TIMEOUT" });
  figures.fold({ kind: "asked", to: "nobodys.c", ...made, code: "TYPE_UNKNOWN" });
  figures.fold({ kind: "ask-withdrawn", actor, ...made, was: "waiting" });
  const letter = { kind: "dead-lettered", ...made, sequence: 1, message: "text" } as const;
  figures.fold({ ...letter, actor, code: "METHOD_UNKNOWN" });
  figures.fold({ ...letter, actor: { type: "no key at all", id: "" }, code: "ID_INVALID" });
  // Of a type that others serve its methods are not known here.
  figures.fold({ kind: "told", to: "room.r", method: "enter", messageId: "m" });
  const { series } = figures.snapshot(0);
  const labels = series.flatMap((one) => ("method" in one.labels ? [`${one.labels.type} ${one.labels.method}`] : []));
  expect(new Set(labels)).toEqual(new Set(["counter unknown", "unknown unknown", "room enter"]));
});

test("F4: what an alert compares with what was before is there from the start, where its labels are known then", async () => {
  await using troupe = await createTestTroupe({ actors: [counter] });
  const { rules } = (
    readPlainYaml(readFileSync("deploy/monitoring/alerts.yml", "utf8")) as {
      readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
    }
  ).groups.reduce((all, group) => ({ rules: [...all.rules, ...group.rules] }));
  const compared = rules.flatMap(({ expr }) =>
    readPromql(expr).selectors.flatMap(({ metric, within }) =>
      within === "rate" || within === "increase" ? [metric.replace(/_bucket$/, "")] : [],
    ),
  );
  const known = ["pool", "reason"];
  const there = new Set(troupe.worker.figures().series.map(({ name }) => name as string));
  const needed = (Object.entries(figureCatalog) as [string, Figure][]).filter(
    ([name, figure]) =>
      compared.includes(prometheusName(name, figure)) &&
      figure.source === "process" &&
      figure.labels.every((label) => known.includes(label) || (label === "type" && figure.labels.length <= 2)),
  );
  expect(needed.length).toBeGreaterThan(5);
  // A worker that has just begun has committed nothing; an alert on slow commits wants many of them.
  expect(needed.map(([name]) => name).filter((name) => !there.has(name) && !name.startsWith("troupe.commit."))).toEqual(
    [],
  );
});

test("a wait of hours is told as hours, on the page and to Prometheus", () => {
  const figures = new Figures("w", 0);
  figures.fold({ kind: "waiting-ended", workflow: "order", run: "r", for: "signal", durationMs: 3 * 3_600_000 });
  const waited = figures.snapshot(0).series.find(({ name }) => name === "troupe.workflow.waiting.duration");
  if (waited === undefined || "value" in waited) throw new Error("it is not there");
  const { bounds } = figureCatalog["troupe.workflow.waiting.duration"];
  const median = quantileOf(bounds, waited.counts, 0.5) ?? Number.NaN;
  expect(median).toBeGreaterThan(2 * 3_600);
  expect(median).toBeLessThan(4 * 3_600);
  expect(boundsOut(bounds)).toEqual(bounds);
});

test("every figure of the catalogue that a process has comes of its events or is read of it", async () => {
  await using troupe = await createTestTroupe({ actors: [counter] });
  const gauges = troupe.worker.figures().series.flatMap((one) => ("value" in one ? [one.name as string] : []));
  const ofProcess = Object.entries(figureCatalog).flatMap(([name, { source }]) => (source === "process" ? [name] : []));
  expect(ofProcess.filter((name) => !foldedFigures.includes(name) && !gauges.includes(name))).toEqual([]);
  expect(foldedFigures.filter((name) => !ofProcess.includes(name))).toEqual([]);
});
