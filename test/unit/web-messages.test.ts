import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FeedItem } from "../../src/monitoring/dashboard/api/messages.ts";
import {
  cleared,
  emptyFeed,
  keptMax,
  notableMax,
  paused,
  recounted,
  resumed,
  withItems,
} from "../../web/src/messages/feed-buffer.ts";
import type { FeedFilter } from "../../web/src/messages/feed-filter.ts";
import { matcherOf, onlyOf, patternOf, saidOf } from "../../web/src/messages/feed-filter.ts";
import type { ReplayMeans, ReplayProgress } from "../../web/src/messages/replay-all.ts";
import { replayAll } from "../../web/src/messages/replay-all.ts";

const item = (atMs: number, more: Partial<FeedItem> = {}): FeedItem => ({
  ...{ kind: "turn-ended", atMs, worker: "w1", level: "info", actor: "desk/anna", method: "say", turn: "tell" },
  ...{ durationMs: 1, code: null, text: "tell say", trace: null },
  ...more,
});

const told = (items: readonly FeedItem[], skipped = 0, skippedNotable = 0) => ({ items, skipped, skippedNotable });
const ordinary = (count: number) => Array.from({ length: count }, (_, at) => item(at + 2));

describe("the feed on the page", () => {
  test("B1: an error outlives whatever ordinary comes after it, and errors alone are bounded too", () => {
    let buffer = withItems(emptyFeed, told([item(1, { level: "error" }), item(2, { level: "warn" })]));
    for (let nth = 0; nth < 20; nth += 1) buffer = withItems(buffer, told(ordinary(200), 5, 1));
    expect(buffer.shown.slice(0, 3).map((kept) => kept.item.level)).toEqual(["error", "warn", "info"]);
    expect([buffer.shown.length, buffer.skipped, buffer.skippedNotable]).toEqual([keptMax, 100, 20]);
    const storm = Array.from({ length: 3 * notableMax }, (_, at) => item(at, { level: "error" }));
    expect(withItems(buffer, told(storm)).shown.filter(({ item: { level } }) => level !== "info")).toHaveLength(
      notableMax,
    );
  });

  test("what was left out of one sample is not said of another", () => {
    const buffer = withItems(emptyFeed, told([item(1)], 7, 3));
    expect(recounted(buffer)).toEqual({ ...buffer, skipped: 0, skippedNotable: 0 });
  });

  const action = fc.oneof(
    { weight: 6, arbitrary: fc.nat(keptMax) },
    { weight: 1, arbitrary: fc.constantFrom("pause", "resume", "clear") },
  );

  test("B1, B3: whatever comes it is bounded, in the order of arrival, and nothing is in it twice", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
        let buffer = emptyFeed;
        for (const act of actions) {
          if (act === "pause") buffer = paused(buffer);
          else if (act === "resume") buffer = resumed(buffer);
          else if (act === "clear") buffer = cleared(buffer);
          else buffer = withItems(buffer, told(Array.from({ length: Number(act) }, (_, at) => item(at))));
          expect(buffer.shown.length).toBeLessThanOrEqual(keptMax);
          expect(buffer.held.length).toBeLessThanOrEqual(keptMax);
          const numbers = [...buffer.shown, ...buffer.held].map(({ number }) => number);
          expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
        }
      }),
      { numRuns: 60 },
    );
  });

  test("B2: a pause holds what is shown still, counts what comes, says what is gone, and shows the rest when it goes on", () => {
    let buffer = paused(withItems(emptyFeed, told([item(1)])));
    buffer = withItems(buffer, told(ordinary(keptMax), 7));
    buffer = withItems(buffer, told([item(5_000), item(5_001)], 3));
    expect(buffer.shown.map((kept) => kept.item.atMs)).toEqual([1]);
    expect([buffer.came, buffer.lost, buffer.skipped]).toEqual([keptMax + 2, 2, 10]);
    const after = resumed(buffer);
    expect(after.shown.at(-1)?.item.atMs).toBe(5_001);
    expect([after.came, after.lost, after.held.length, after.isPaused]).toEqual([0, 0, 0, false]);
  });

  test("every filter counts, alone and together, and none shows everything", () => {
    const none: FeedFilter = { kind: "", type: "", actor: "", method: "", level: "", text: "" };
    const failed = item(1, {
      level: "error",
      code: "HANDLER_FAILED",
      text: "No such <b>product</b>",
      actor: "tally/T-1",
    });
    const matches = (filter: Partial<FeedFilter>, one: FeedItem = failed) => matcherOf({ ...none, ...filter })(one);
    expect(matches({})).toBe(true);
    expect([matches({ level: "warn" }), matches({ level: "warn" }, item(1))]).toEqual([true, false]);
    expect([matches({ level: "error" }, item(1, { level: "warn" }))]).toEqual([false]);
    expect([matches({ type: "tally" }), matches({ type: "tal" })]).toEqual([true, false]);
    expect([
      matches({ actor: "t-1" }),
      matches({ actor: "anna" }),
      matches({ actor: "a" }, item(1, { actor: null })),
    ]).toEqual([true, false, false]);
    expect([matches({ text: "handler_" }), matches({ text: "<B>" }), matches({ text: "w2" })]).toEqual([
      true,
      true,
      false,
    ]);
    expect([matches({ method: "say", kind: "turn-ended" }), matches({ method: "say", kind: "sent" })]).toEqual([
      true,
      false,
    ]);
    expect([patternOf(none), patternOf({ ...none, type: "tally" })]).toEqual([undefined, "tally.*"]);
    expect([onlyOf(none), onlyOf({ kind: "turn-ended", method: "a b", level: "warn" })]).toEqual([
      ...["", "kind=turn-ended&method=a+b&level=warn"],
    ]);
    // What nobody knows would be refused, and with it the whole stream.
    expect(onlyOf({ ...none, level: "loud" })).toBe("");
    expect(patternOf({ type: "desk", actor: "tally/T 1" })).toBe("tally.T=201");
    expect([matches({ actor: "tally/T-1" }), matches({ actor: "tally/T-" })]).toEqual([true, false]);
  });

  test("what stands beside it already is not said again", () => {
    expect(saidOf(item(1))).toBe("");
    expect(saidOf(item(1, { kind: "committed", text: "committed (revision 4)" }))).toBe("(revision 4)");
    expect(saidOf(item(1, { text: "something else" }))).toBe("something else");
  });
});

describe("sending all dead letters of a filter again", () => {
  const problem = { code: "X", message: "", remedy: "" };
  const means = (letters: number[], more: Partial<ReplayMeans> = {}): ReplayMeans => ({
    page: async (cursor) => {
      const below = letters.filter((sequence) => cursor === null || sequence < Number(cursor)).sort((a, b) => b - a);
      const rows = below.slice(0, 2).map((sequence) => ({ sequence }));
      return { rows, cursor: below.length > 2 ? String(rows.at(-1)?.sequence) : null, total: letters.length };
    },
    replay: async () => undefined,
    problemOf: () => problem,
    isOver: () => false,
    onProgress: () => {},
    signal: new AbortController().signal,
    ...more,
  });

  test("R1: each that stood is sent once, the oldest first, and what comes back is left alone", async () => {
    const letters = [3, 5, 8, 9, 12];
    const sent: number[] = [];
    const seen: ReplayProgress[] = [];
    const end = await replayAll(
      means(letters, {
        replay: async (sequence) => {
          sent.push(sequence);
          letters.splice(letters.indexOf(sequence), 1, sequence + 100);
        },
        onProgress: (progress) => seen.push(progress),
      }),
    );
    expect(sent).toEqual([3, 5, 8, 9, 12]);
    expect(end).toEqual({ sent: 5, failed: 0, problem: null, isDone: true });
    expect(seen.map((progress) => progress.sent)).toEqual([1, 2, 3, 4, 5, 5]);
  });

  test("R2: one that is gone is passed by; when nothing can be sent any more it ends", async () => {
    const fails = async (sequence: number) => {
      if (sequence === 5) throw new Error("gone");
    };
    expect(await replayAll(means([3, 5, 8], { replay: fails }))).toMatchObject({ sent: 2, failed: 1, problem });
    const end = await replayAll(means([3, 5, 8], { replay: fails, isOver: () => true }));
    expect(end).toEqual({ sent: 1, failed: 1, problem, isDone: true });
  });

  test("R3: it can be stopped between two", async () => {
    const stop = new AbortController();
    const replay = async () => stop.abort();
    expect(await replayAll(means([1, 2, 3], { replay, signal: stop.signal }))).toMatchObject({ sent: 1, isDone: true });
  });
});
