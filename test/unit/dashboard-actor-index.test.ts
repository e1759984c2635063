// The index of actors by itself: what it reads out of values, finds, pages and forgets.

import fc from "fast-check";
import { expect, test } from "vitest";
import { firstSnapshot, printSnapshot } from "../../src/actors/snapshot.ts";
import type { KvEntry } from "../../src/kv/store.ts";
import type { ActorQuery } from "../../src/monitoring/actor-index.ts";
import { ActorIndex } from "../../src/monitoring/actor-index.ts";
import { factsOf, glimpseBytesMax } from "../../src/monitoring/actor-row.ts";
import { Foremost } from "../../src/monitoring/foremost.ts";

const entryOf = (key: string, revision: number, text: string): KvEntry => ({
  ...{ key, revision, value: Buffer.from(text), operation: "put", writtenAtMs: 1_000 + revision },
});
const goneOf = (key: string, revision: number): KvEntry => ({
  ...{ key, revision, value: new Uint8Array(0), operation: "delete", writtenAtMs: revision },
});
const plain = (key: string, revision: number) => entryOf(key, revision, `{"state":{"n":${revision}},"commit":"c"}`);

function indexOf(entries: readonly KvEntry[]): ActorIndex {
  const index = new ActorIndex();
  for (const entry of entries) index.onEntry(entry, true);
  index.onCurrent();
  return index;
}

const keysOf = (index: ActorIndex, query: Partial<ActorQuery> = {}) =>
  index.find({ order: "key", most: 1_000, ...query }).actors.map(({ key }) => key);

test("the first few of many are those that sorting gives, whatever comes in whatever order", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -50, max: 50 })), fc.integer({ min: 0, max: 20 }), (values, most) => {
      const first = new Foremost<number>(most, (a, b) => a - b);
      for (const value of values) first.offer(value);
      expect(first.list()).toEqual([...values].sort((a, b) => a - b).slice(0, most));
    }),
  );
});

const jsonObjects = fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue());

test("what is read out of a value without parsing it is what parsing says, for any state", () => {
  fc.assert(
    fc.property(jsonObjects, fc.boolean(), fc.boolean(), fc.boolean(), (state, isTraced, isStopped, hasSent) => {
      const trace = isTraced ? "0123456789abcdef0123456789abcdef" : undefined;
      const entry = { n: 1, to: "a.b", method: "m", inputText: '{"outbox":[1],"stopped":{}}', trace: undefined };
      const stopped = isStopped ? { code: "X", message: "y", at: "z", seq: 1 } : undefined;
      const stateText = JSON.stringify(state);
      const snapshot = { ...firstSnapshot(state, 1), commit: "c", trace, stopped, outbox: hasSent ? [entry] : [] };
      const facts = factsOf(entryOf("a.b", 7, printSnapshot(snapshot, stateText)));
      expect(facts).toMatchObject({ revision: 7, pendingSends: hasSent ? 1 : 0, isStopped, trace: trace ?? null });
      expect(stateText.startsWith(facts.glimpse)).toBe(true);
      const isWhole = Buffer.byteLength(stateText) <= glimpseBytesMax;
      expect(facts.glimpse.length === stateText.length).toBe(isWhole);
      expect(Buffer.byteLength(facts.glimpse)).toBeLessThanOrEqual(glimpseBytesMax);
    }),
  );
});

test("a value that is none of ours has its beginning for a glimpse, and nothing else is believed of it", () => {
  const odd = factsOf(entryOf("a.b", 1, `"outbox":[ "stopped":{ ${"ü".repeat(200)}`));
  expect(odd).toMatchObject({ pendingSends: 0, isStopped: false, trace: null });
  expect([odd.glimpse.startsWith('"outbox":['), odd.glimpse.includes("\ufffd")]).toEqual([true, false]);
  expect(factsOf(entryOf("a.b", 1, "")).glimpse).toBe("");
});

const orders = ["key", "bytes", "changed"] as const;

test("pages go through all that match, each once and in order, whatever the page's length", () => {
  const entries = Array.from({ length: 60 }, (_, at) =>
    entryOf(`t${at % 3}.x${(at * 7) % 60}`, at + 1, `{"state":{"text":"${"y".repeat(at % 5)}"},"commit":"c"}`),
  );
  const index = indexOf(entries);
  for (const order of orders) {
    for (const most of [1, 7, 59, 60, 61]) {
      const keys: string[] = [];
      for (let page = index.find({ order, most }); ; page = index.find({ order, most, after: page.end })) {
        expect(page.total).toBe(60);
        keys.push(...page.actors.map(({ key }) => key));
        if (page.end === undefined) break;
      }
      expect(keys, `${order} ${most}`).toEqual(index.find({ order, most: 1_000 }).actors.map(({ key }) => key));
      expect(new Set(keys).size).toBe(60);
    }
  }
  expect(index.types).toEqual({ t0: 20, t1: 20, t2: 20 });
});

test("a search is somewhere in type and id, in capitals or not; what steers a pattern is taken as it is", () => {
  const index = indexOf(["counter.Anna", "note.anna", "note.a=2Fb", "note.c=2Bd"].map((key, at) => plain(key, at + 1)));
  const found = (search: string) => keysOf(index, { search });
  expect(found("ANNA")).toEqual(["counter.Anna", "note.anna"]);
  expect(found("note/an")).toEqual(["note.anna"]);
  expect(found("note.an")).toEqual(["note.anna"]);
  expect(found("a/b")).toEqual(["note.a=2Fb"]);
  expect(found("c+d")).toEqual(["note.c=2Bd"]);
  for (const search of [".*", "[", "(a", "\\", "a|b", "^note", "nna$", "a-z"])
    expect(found(search), search).toEqual([]);
});

test("X1: what is deleted is gone, and so is what is not told again after a start over", () => {
  const index = indexOf([plain("a.1", 1), plain("a.2", 2), plain("b.3", 3)]);
  index.onEntry(goneOf("a.1", 4), false);
  expect(keysOf(index)).toEqual(["a.2", "b.3"]);
  index.onRestarted();
  index.onEntry(plain("a.2", 5), true);
  index.onEntry(plain("a.4", 6), true);
  expect(keysOf(index)).toEqual(["a.2", "a.4", "b.3"]); // What stood is shown until more is known.
  index.onCurrent();
  expect([keysOf(index), index.types]).toEqual([["a.2", "a.4"], { a: 2 }]);
});

test("X2: of more actors than it takes it knows no more, says so, and goes on with those that it has", () => {
  const index = new ActorIndex(2);
  for (const [at, key] of ["a.1", "a.2", "a.3"].entries()) index.onEntry(plain(key, at + 1), false);
  expect([index.size, index.isFull]).toEqual([2, true]);
  index.onEntry(plain("a.1", 9), false);
  expect(index.get("a.1")?.revision).toBe(9);
  index.onEntry(goneOf("a.3", 10), false);
  expect(index.size).toBe(2);
});

test("who listens hears of news alone, not of what stood", () => {
  const index = new ActorIndex();
  const heard: string[] = [];
  const stop = index.onChange(({ key, revision }) => heard.push(`${key} ${revision}`));
  index.onEntry(plain("a.1", 1), true);
  index.onEntry(plain("a.1", 2), false);
  stop();
  index.onEntry(plain("a.1", 3), false);
  expect(heard).toEqual(["a.1 2"]);
});
