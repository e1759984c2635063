// `troupe top`: what it shows for which room, and the terminal that it draws on.

import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import type { TopHead } from "../../src/cli/print/top.ts";
import { printTop } from "../../src/cli/print/top.ts";
import type { ScreenStreams } from "../../src/cli/screen.ts";
import { Screen } from "../../src/cli/screen.ts";
import { coloured, plain, widthOf } from "../../src/cli/text.ts";
import type { NowView, WorkerRow } from "../../src/monitoring/dashboard/api/now.ts";

const head: TopHead = { app: "desk", server: "127.0.0.1:4222", hint: "q ends" };

const worker = (name: string, more: Partial<WorkerRow> = {}): WorkerRow => ({
  nth: 0,
  ...{ worker: `id-of-${name}`, name, pools: ["main"], types: ["counter"], pid: 1, state: "serves", partitions: 32 },
  ...{ lag: 0, leaseMs: 2_000, upMs: 65_000, turnsPerS: 100, turnP99Ms: 1.234, failedPerS: 0, activations: 20 },
  ...{ heapBytes: 50 * 1_048_576, busy: 0.25 },
  ...more,
});

const view: NowView = {
  atMs: 1_795_400_000_000,
  unhealthy: [
    {
      id: "unserved:gpu",
      level: "problem",
      text: "nobody serves the pool gpu",
      remedy: "Start a worker for it.",
      where: null,
    },
    {
      id: "dead-letters",
      level: "warning",
      text: "3 dead letters",
      remedy: "See why with `troupe dead`.",
      where: "/messages/dead",
    },
  ],
  second: {
    ...{ atMs: 1_795_400_000_000, turnsPerS: 12_345.6, asksPerS: 12_000, tellsPerS: 340, queriesPerS: 5.6 },
    ...{ commitsPerS: 5_000, failedPerS: 0.5, retriedPerS: 0, deadPerS: 0, conflictsPerS: 0, turnP50Ms: 0.125 },
    ...{ turnP95Ms: 2.5, turnP99Ms: 1_250, commitP50Ms: 12.34, commitP99Ms: null, turnsPerCommit: 2.47 },
    ...{ lag: 1_234, oldestMs: 65_000, activations: 40, outboxPending: 3, workers: 3, unownedPartitions: 0 },
  },
  workers: [
    worker("blue"),
    worker("busy", { turnsPerS: 900 }),
    worker("gone", { state: "silent", turnsPerS: null, busy: null, heapBytes: null, activations: null, upMs: null }),
  ],
  pools: [],
  methods: [{ type: "counter", method: "add", turn: "ask", perS: 12_000, failedPerS: 0, p50Ms: 0.1, p99Ms: 2 }],
};

test("what is unhealthy comes first, then the sums, the workers with the silent ones in front, the busiest methods", () => {
  const text = printTop(view, head, { width: 0, height: 0 }, plain);
  expect(text.split("\n").map((line) => line.trimEnd())).toEqual([
    expect.stringMatching(/^troupe top {2}\d\d:\d\d:\d\d {2}desk on 127\.0\.0\.1:4222 {2}q ends$/),
    "",
    "  problem: nobody serves the pool gpu",
    "    Start a worker for it.",
    "  warning: 3 dead letters",
    "    See why with `troupe dead`.",
    "",
    "turns   12,346 a second (ask 12,000, tell 340, query 5.6)  failed 0.5  retried 0  dead 0  conflicts 0",
    "took    turn 0.13 ms, 95 % 2.50 ms, 99 % 1.3 s  commit 12.3 ms, 99 % -  2.5 turns to a commit",
    "stands  1,234 wait, the oldest for 65 s  3 workers  0 partitions without owner  40 activations  outbox 3",
    "",
    "WORKER  STATE   TURNS/S  99 %     FAILED/S  BUSY  HEAP      ACTIVE  PARTITIONS  LAG  UP",
    "gone    silent  -        1.23 ms  0         -     -         -       32          0    -",
    "busy    serves  900      1.23 ms  0         25 %  50.0 MiB  20      32          0    65 s",
    "blue    serves  100      1.23 ms  0         25 %  50.0 MiB  20      32          0    65 s",
    "",
    "METHOD       TURN  A SECOND  FAILED/S  HALF     99 %",
    "counter.add  ask   12,000    0         0.10 ms  2.00 ms",
  ]);
});

test("it fits into every room, with the worst at the top, and says what is left out", () => {
  const full: NowView = {
    ...view,
    unhealthy: Array.from({ length: 9 }, () => view.unhealthy).flat(),
    workers: Array.from({ length: 40 }, (_, at) => worker(`w${at}`)),
    methods: Array.from({ length: 10 }, () => view.methods).flat(),
  };
  for (const [width, height] of [
    [100, 30],
    [80, 24],
    [60, 12],
    [40, 50],
    [20, 5],
    [10, 3],
    [200, 60],
  ] as const) {
    for (const paint of [plain, coloured]) {
      const lines = printTop(full, head, { width, height }, paint).split("\n");
      expect(lines.length, `${width} x ${height}`).toBeLessThanOrEqual(height);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours take no columns.
      const widest = Math.max(...lines.map((line) => widthOf(line.replaceAll(/\u001b\[\d+m/g, ""))));
      expect(widest, `${width} x ${height}`).toBeLessThanOrEqual(Math.max(width, 14));
      if (height >= 5) expect(lines[2]).toContain("problem:");
    }
  }
  const text = printTop(full, head, { width: 100, height: 30 }, plain);
  expect(text).toMatch(/and 15 more: troupe doctor/);
  expect(text).toMatch(/and \d\d more$/m);
});

test("what an actor's name or a worker's name holds steers no terminal", () => {
  const evil = "\u001b]0;gone\u0007\u001b[2J";
  const hostile: NowView = {
    ...view,
    unhealthy: [{ id: "failing", level: "warning", text: `fails: ${evil}`, remedy: evil, where: null }],
    workers: [worker(evil)],
  };
  const text = printTop(hostile, { ...head, server: evil }, { width: 0, height: 0 }, plain);
  expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
});

function fakeStreams() {
  const written: string[] = [];
  const raw: boolean[] = [];
  const stdin = Object.assign(new EventEmitter(), {
    isTTY: true,
    setRawMode: (is: boolean) => void raw.push(is),
    resume: () => {},
    pause: () => {},
  });
  const stdout = Object.assign(new EventEmitter(), {
    ...{ columns: 80, rows: 24 },
    write: (text: string) => written.push(text) > 0,
  });
  return { stdin, stdout, written, raw, streams: { stdin, stdout } as unknown as ScreenStreams };
}

test("S1: the terminal is given back as it was, once, also when the process ends with a failure", () => {
  for (const how of ["disposed", "exit"] as const) {
    const { stdin, stdout, written, raw, streams } = fakeStreams();
    const before = process.listenerCount("exit");
    const screen = new Screen(
      streams,
      () => {},
      () => {},
    );
    expect([written, raw, process.listenerCount("exit")]).toEqual([["\u001b[?1049h\u001b[?25l"], [true], before + 1]);
    if (how === "exit") process.listeners("exit").at(-1)?.call(process, 1);
    screen[Symbol.dispose]();
    screen[Symbol.dispose]();
    screen.draw("too late");
    expect([written.slice(1), raw]).toEqual([["\u001b[?25h\u001b[?1049l"], [true, false]]);
    expect([process.listenerCount("exit"), stdin.listenerCount("data"), stdout.listenerCount("resize")]).toEqual([
      ...[before, 0, 0],
    ]);
  }
});

test("S2: each picture is one write over the one before; q and Ctrl-C end it, a new size draws again", () => {
  const { stdin, stdout, written, streams } = fakeStreams();
  const heard: string[] = [];
  using screen = new Screen(
    streams,
    () => void heard.push("end"),
    () => void heard.push("resize"),
  );
  screen.draw("one\ntwo");
  expect(written.at(-1)).toBe("\u001b[?2026h\u001b[Hone\u001b[K\r\ntwo\u001b[K\u001b[J\u001b[?2026l");
  expect(written).toHaveLength(2);
  for (const key of ["x", "q", "\u0003", "\u001b[A"]) stdin.emit("data", Buffer.from(key));
  stdout.columns = 40;
  stdout.emit("resize");
  expect([heard, screen.room]).toEqual([["end", "end", "resize"], { width: 40, height: 24 }]);
});
