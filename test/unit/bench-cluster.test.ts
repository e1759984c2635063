import { expect, test } from "vitest";
import { verdictOn } from "../../bench/cases/cluster-case.ts";
import { idsByPartition } from "../../bench/cluster/cluster.ts";
import { coresOf, readCpuMs } from "../../bench/cluster/cpu.ts";
import type { Probe } from "../../bench/cluster/outage.ts";
import { outageOf, printFailures, quantilesOf, sumFailures } from "../../bench/cluster/outage.ts";
import { isShared } from "../../bench/cluster/view.ts";
import { toFindingLine, toFindingTables } from "../../bench/print.ts";
import { partitionOf } from "../../src/core/partition.ts";

const victim = 7;
const other = 8;
const answered = (id: string, sentAtMs: number, endedAtMs: number, by: number): Probe => ({
  ...{ id, sentAtMs, endedAtMs, by },
});
const failed = (id: string, sentAtMs: number, endedAtMs: number, failure: string): Probe => ({
  ...{ id, sentAtMs, endedAtMs, by: 0, failure },
});

test("an actor is back with the first answer of another process to an ask that was sent after the signal", () => {
  const probes = [
    answered("a", 90, 105, victim), // Sent before, answered before the signal took effect.
    answered("a", 101, 102, victim), // Sent after, answered by the victim all the same.
    answered("a", 95, 300, other), // Answered by another, but under way at the signal.
    answered("a", 120, 400, other),
    answered("a", 200, 380, other), // Sent later, answered first.
    answered("b", 110, 250, other),
  ];
  const { backAfterMs, longestMs, failures } = outageOf(probes, { ids: ["a", "b"], victim, atMs: 100 });
  expect(backAfterMs).toEqual([280, 150]);
  expect(longestMs).toBe(280);
  expect(failures).toEqual({});
});

test("failures are counted by code, and those of actors that lived elsewhere too", () => {
  const probes = [
    failed("a", 101, 900, "OUTCOME_UNKNOWN"),
    failed("c", 101, 999, "OUTCOME_UNKNOWN"),
    failed("a", 101, 999, "ASK_UNREACHABLE"),
    answered("a", 110, 250, other),
    answered("c", 110, 600, other),
  ];
  const outage = outageOf(probes, { ids: ["a"], victim, atMs: 100 });
  expect(outage.failures).toEqual({ OUTCOME_UNKNOWN: 2, ASK_UNREACHABLE: 1 });
  expect(outage.backAfterMs).toEqual([150]);
  expect(outage.longestMs).toBe(490);
});

test("an actor that never answered again is no figure but an error", () => {
  const probes = [answered("a", 90, 95, victim), failed("a", 101, 900, "OUTCOME_UNKNOWN")];
  expect(() => outageOf(probes, { ids: ["a"], victim, atMs: 100 })).toThrow("never answered again: a");
  expect(() => outageOf([], { ids: ["b"], victim, atMs: 100 })).toThrow("b");
});

test("quantiles are values that occur; failures add up and print by code", () => {
  expect(quantilesOf([5, 1, 4, 2, 3])).toEqual({ p50: 3, p90: 5, max: 5 });
  const sum = sumFailures([{ ASK_TIMEOUT: 1 }, {}, { ASK_TIMEOUT: 2, OUTCOME_UNKNOWN: 1 }]);
  expect(printFailures(sum)).toBe("ASK_TIMEOUT 3, OUTCOME_UNKNOWN 1");
  expect(printFailures({})).toBe("");
});

test("processor time is read behind the program's name, whatever that holds", () => {
  const stat = "42 (node) x (y) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 7 9 20 0 11 0 100 1 2";
  expect(readCpuMs(stat)).toBe(3_000);
  expect(() => readCpuMs("nothing")).toThrow("nothing");
  const before = new Map([
    [1, 100],
    [2, 0],
  ]);
  const after = new Map([
    [1, 600],
    [2, 250],
  ]);
  expect(coresOf([1, 2], before, after, 500)).toBe(1.5);
});

test("partitions are shared when exactly these processes live and none has more than an equal share, rounded up", () => {
  const living = [1, 2].map((pid) => ({ worker: `w${pid}`, pid, isDraining: false }));
  expect(isShared(living, [1, 2, 1], [1, 2])).toBe(true);
  expect(isShared(living, [1, 1, 1], [1, 2])).toBe(false);
  expect(isShared(living, [1, 2, 0], [1, 2])).toBe(false);
  expect(isShared(living, [1, 2, 1], [1, 3])).toBe(false);
  expect(isShared(living, [1, 1], [1])).toBe(false);
  const draining = living.map((each) => ({ ...each, isDraining: each.pid === 2 }));
  expect(isShared(draining, [1, 2, 1], [1, 2])).toBe(false);
});

test("there is an actor in each partition", () => {
  const ids = idsByPartition(64);
  expect(ids.map((id) => partitionOf("counter", id, 64))).toEqual(Array.from({ length: 64 }, (_, at) => at));
});

test("a bound is stayed below, one of 0 is met, and a figure that is missing keeps none", () => {
  const finding = { name: "failover.drain", max_ms: 300, failed_asks: 0, failures: "" };
  expect(verdictOn(finding, { max_ms: 301, failed_asks: 0 })).toBe("max_ms < 301, failed_asks 0: yes");
  expect(verdictOn(finding, { max_ms: 300 })).toBe("max_ms < 300: NO");
  expect(verdictOn({ ...finding, failed_asks: 1 }, { failed_asks: 0 })).toContain("NO");
  expect(verdictOn(finding, { p50_ms: 1 })).toContain("NO");
});

test("a finding is a line of JSON, and a column beside those with the same figures", () => {
  const kill = { name: "failover.kill", kills: 20, p50_ms: 123.456, failures: "" };
  expect(toFindingLine(kill)).toBe('{"name":"failover.kill","kills":20,"p50_ms":123.5,"failures":""}');
  const tables = toFindingTables([kill, { name: "scale.load", per_second: 1 }, { ...kill, name: "failover.drain" }]);
  expect(tables).toHaveLength(2);
  expect(tables[0]?.split("\n")[0]).toMatch(/failover\.kill \| failover\.drain/);
  expect(tables[0]).toMatch(/\| kills +\| +20 \| +20 \|/);
});

test("what one case found many times has a row for each finding", () => {
  const race = { name: "memory.races", operation: "fact.set", writers: 100, lost: 0 };
  const [table = "", ...others] = toFindingTables([race, { ...race, operation: "log.append", lost: 3 }]);
  expect(others).toEqual([]);
  expect(table.split("\n").map((line) => line.replaceAll(" ", ""))).toEqual([
    ...["|operation|writers|lost|", "|------------|--------:|-----:|", "|fact.set|100|0|", "|log.append|100|3|"],
  ]);
});
