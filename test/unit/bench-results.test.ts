import { expect, test } from "vitest";
import type { BenchCase } from "../../bench/cases/case.ts";
import { sequenceOf } from "../../bench/limit/link.ts";
import { toJsonLine, toTable, verdict } from "../../bench/print.ts";
import { summarize } from "../../bench/run-case.ts";

const bench: BenchCase = {
  name: "ask.spread",
  what: "asks",
  unit: "asks/s",
  wanted: { of: "ratio_limit", atLeast: 0.75 },
  open: () => Promise.reject(new Error("not run here")),
};

const result = summarize(
  new Map([
    [
      "ours",
      [
        { figure: 100, p50Ms: 1, p99Ms: 9 },
        { figure: 300, p50Ms: 2, p99Ms: 8 },
        { figure: 200, p50Ms: 3, p99Ms: 7 },
      ],
    ],
    [
      "raw",
      [
        { figure: 50, p50Ms: 4 },
        { figure: 50, p50Ms: 5 },
        { figure: 40, p50Ms: 6 },
      ],
    ],
    ["limit", [{ figure: 200 }, { figure: 400 }, { figure: 200 }]],
  ]),
);

test("figures are medians of the rounds, ratios are medians of the ratios within the rounds", () => {
  expect(result).toMatchObject({ ours: 200, raw: 50, limit: 200, p50Ms: 2, p99Ms: 8, rawP50Ms: 5 });
  expect(result.ratioRaw).toBe(5);
  expect(result.ratioLimit).toBe(0.75);
  expect(result.noise).toBe(1);
});

test("a line of JSON has the fields that are promised, and null for what was not measured", () => {
  expect(JSON.parse(toJsonLine({ bench, result }))).toEqual({
    name: "ask.spread",
    ours: 200,
    raw: 50,
    limit: 200,
    ratio_raw: 5,
    ratio_limit: 0.75,
    unit: "asks/s",
    p50_ms: 2,
    p99_ms: 8,
    raw_p50_ms: 5,
  });
  const alone = summarize(new Map([["raw", [{ figure: 7.123456 }]]]));
  expect(JSON.parse(toJsonLine({ bench, result: alone }))).toMatchObject({
    ours: null,
    raw: 7.123,
    limit: null,
    ratio_raw: null,
    p50_ms: null,
  });
});

test("a verdict says what was wanted and whether it was reached", () => {
  expect(verdict(bench.wanted, result)).toBe(">= 0.75 x limit: yes");
  expect(verdict({ of: "ratio_raw", atLeast: 10 }, result)).toBe(">= 10 x raw: NO");
  expect(verdict({ of: "ours", atMost: 2048 }, result)).toBe("<= 2048: yes");
  expect(verdict({ of: "ratio_raw", atMost: 1.2 }, summarize(new Map()))).toBe("<= 1.2 x raw");
  expect(verdict(undefined, result)).toBe("");
});

test("a table is Markdown with one row per case", () => {
  const lines = toTable([{ bench, result }]).split("\n");
  expect(lines).toHaveLength(3);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  expect(lines[2]).toMatch(/^\| ask\.spread \|\s+200 \|\s+50\.0 \|/);
});

test("the sequence of an acknowledgement is read without parsing it, and anything else is an error", () => {
  const encoder = new TextEncoder();
  expect(sequenceOf(encoder.encode('{"stream":"KV_limit_state", "seq":123456}'))).toBe(123_456);
  expect(sequenceOf(encoder.encode('{"stream":"A","seq":9,"duplicate":true}'))).toBe(9);
  expect(() => sequenceOf(encoder.encode('{"error":{"code":400,"err_code":10071}}'))).toThrow("10071");
  expect(() => sequenceOf(new Uint8Array(0))).toThrow("nobody listens");
});
