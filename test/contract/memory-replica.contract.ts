// The contract of replicas of the memory: the same on every store (src/memory/memory-replica.ts, src/memory/replica/).

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import type { KvStore } from "../../src/kv/store.ts";
import { ContextLog } from "../../src/memory/context-log.ts";
import type { Entry } from "../../src/memory/entry.ts";
import { eraseScope } from "../../src/memory/erasure.ts";
import type { Fact } from "../../src/memory/fact.ts";
import { Facts } from "../../src/memory/facts.ts";
import type { MemoryReplica, ReplicaOptions } from "../../src/memory/memory-replica.ts";
import { Replicas } from "../../src/memory/memory-replica.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import type { Scope } from "../../src/memory/scope.ts";
import { within } from "./kv-support.ts";
import type { OpenMemory } from "./memory-stores-support.ts";

const anna = { user: "anna" };

interface Stage extends AsyncDisposable {
  readonly stores: MemoryStores;
  readonly log: ContextLog;
  readonly facts: Facts;
  readonly replicas: Replicas;
  open(options?: ReplicaOptions, scope?: Scope): Promise<MemoryReplica>;
}

async function stageOn(open: OpenMemory): Promise<Stage> {
  await using opening = new AsyncDisposableStack();
  const { stores, openAnother } = opening.use(await open());
  const replicas = opening.use(new Replicas({ reading: { stores: await openAnother() } }));
  const opened = opening.move();
  return {
    ...{ stores, replicas, log: new ContextLog({ stores, scope: anna }), facts: new Facts({ stores, scope: anna }) },
    open: (options, scope = anna) => replicas.open(scope, options),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Resolves when it holds, which is looked at now and after each change. */
async function when(replica: MemoryReplica, what: string, holds: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = replica.onChange(() => holds() && resolve());
  if (holds()) resolve();
  await within(20_000, what, promise).finally(stop);
}

const texts = (entries: readonly Entry[]): string[] => entries.map(({ text }) => text);
const values = (facts: readonly Fact[]) => Object.fromEntries(facts.map(({ name, value }) => [name, value]));

/** All that the store holds of the scope. */
async function readAll({ stores }: Stage, scope: Scope) {
  const entries = await new ContextLog({ stores, scope }).read().toArray();
  const { facts } = await new Facts({ stores, scope }).list({ limit: 500 });
  return { entries, facts };
}

export function memoryReplicaContract(name: string, open: OpenMemory): void {
  describe(`${name}: replicas of the memory`, () => {
    test("it holds what stands when it is open, and follows what changes (R1)", async () => {
      await using stage = await stageOn(open);
      const { log, facts } = stage;
      await log.append([{ text: "one" }, { text: "two", role: "assistant" }]);
      await facts.set("city", "Rome");
      await facts.set("gone", 1);
      await facts.delete("gone");
      const replica = await stage.open();
      expect(texts(replica.entries)).toEqual(["one", "two"]);
      expect(replica.fact("city")).toMatchObject({ value: "Rome", scope: anna, name: "city" });
      expect(values(replica.facts())).toEqual({ city: "Rome" });
      expect(replica).toMatchObject({ isWhole: true, isCurrent: true });
      await log.append({ text: "three", pinned: true });
      await facts.set("city", "Oslo");
      await facts.set("age", 7);
      await when(replica, "three, pinned", () => replica.entries.at(-1)?.pinned === true);
      await when(replica, "age", () => replica.fact("age") !== undefined);
      expect(texts(replica.last(2))).toEqual(["two", "three"]);
      expect(values(replica.facts())).toEqual({ age: 7, city: "Oslo" });
      expect(replica.head.pins).toHaveLength(1);
      await facts.delete("city");
      await when(replica, "no city", () => replica.fact("city") === undefined);
      expect(replica.lag).toMatchObject({ changes: expect.any(Number) });
      expect(replica.lag.p99Ms).toBeGreaterThanOrEqual(0);
    });

    test("waitFor gives read-your-writes, and rejects what does not come with REPLICA_BEHIND", async () => {
      await using stage = await stageOn(open);
      const { log, facts } = stage;
      const replica = await stage.open();
      for (let count = 1; count <= 20; count += 1) {
        const [appended] = (await log.append({ text: `t${count}` })).entries;
        const written = await facts.set("count", count);
        await replica.waitFor({ memory: appended?.revision ?? 0, facts: written.revision });
        expect(replica.last(1)[0]?.text).toBe(`t${count}`);
        expect(replica.fact("count")?.value).toBe(count);
      }
      const memory = replica.revisions.memory + 1_000;
      const waiting = replica.waitFor({ memory }, { timeoutMs: 50 });
      expect(replica.behind).toEqual({ memory: 1_000, facts: 0 });
      await expect(waiting).rejects.toMatchObject({ code: "REPLICA_BEHIND", retry: "later" });
      expect(replica.behind).toEqual({ memory: 0, facts: 0 });
      const signal = AbortSignal.abort(new Error("enough"));
      await expect(replica.waitFor({ memory }, { signal })).rejects.toThrow("enough");
      await expect(replica.waitFor({ memory: -1 })).rejects.toMatchObject({ code: "OPTION_INVALID" });
    });

    test("a fact whose time to live is over is absent, though nothing is told of it", async () => {
      await using stage = await stageOn(open);
      let nowMs = systemClock.now();
      const clock = { ...systemClock, now: () => nowMs };
      await using replicas = new Replicas({ reading: { stores: { ...stage.stores, clock } } });
      await stage.facts.set("code", 1234, { ttlMs: 60_000 });
      await stage.facts.set("name", "Anna");
      const replica = await replicas.open(anna);
      expect(values(replica.facts())).toEqual({ code: 1234, name: "Anna" });
      nowMs += 61_000;
      expect(replica.fact("code")).toBeUndefined();
      expect(values(replica.facts())).toEqual({ name: "Anna" });
    });

    test("it holds the last entries, and the pinned ones and the summary besides; a window of them is the log's own", async () => {
      await using stage = await stageOn(open);
      const { log } = stage;
      await log.append([
        { text: "pinned", pinned: true },
        ...Array.from({ length: 5 }, (_, at) => ({ text: `a${at}` })),
      ]);
      await log.compact({ keepLast: 2, summarize: () => "what was" });
      const whole = await stage.open();
      const few = await stage.open({ entriesMax: 3 });
      for (let at = 0; at < 5; at += 1) await log.append({ text: `b${at}` });
      await when(few, "b4", () => few.last(1)[0]?.text === "b4");
      await when(whole, "b4", () => whole.last(1)[0]?.text === "b4");
      expect(texts(few.entries)).toEqual(["b2", "b3", "b4"]);
      expect(few.isWhole).toBe(false);
      for (const tokens of [0, 10, 30, 45, 60, 80, 1_000]) {
        const ofLog = await log.window({ tokens });
        const { entries, summary } = whole.window({ tokens });
        expect(texts(entries), `${tokens} tokens`).toEqual(texts(ofLog.entries));
        expect(summary?.text).toBe(ofLog.summary?.text);
        expect(whole.window({ tokens }).tokens).toBe(ofLog.tokens);
        expect(whole.window({ tokens }).leftOut === undefined).toBe(ofLog.leftOut === undefined);
      }
      expect(texts(few.window({ tokens: 1_000 }).entries)).toEqual(["pinned", "what was", "b2", "b3", "b4"]);
      expect(few.window({ tokens: 1_000 }).leftOut).toMatchObject({ isExact: false });
      await log.unpin(whole.head.pins[0] ?? 0);
      await when(few, "no pins", () => few.head.pins.length === 0);
      expect(texts(few.window({ tokens: 1_000 }).entries)).toEqual(["what was", "b2", "b3", "b4"]);
    });

    test("what is truncated goes, behind an entry and before one; older entries take the place of those behind", async () => {
      await using stage = await stageOn(open);
      const { log } = stage;
      const positions: number[] = [];
      for (let at = 0; at < 10; at += 1) {
        const { entries } = await log.append([{ text: `${at}a` }, { text: `${at}b` }]);
        positions.push(...entries.map(({ position }) => position));
      }
      const replica = await stage.open({ entriesMax: 5 });
      expect(texts(replica.entries)).toEqual(["7b", "8a", "8b", "9a", "9b"]);
      await log.truncate({ after: positions[16] ?? 0 });
      await when(replica, "up to 8a", () => texts(replica.entries).join() === "6a,6b,7a,7b,8a");
      await log.truncate({ before: positions[15] ?? 0 });
      await when(replica, "from 7b", () => texts(replica.entries).join() === "7b,8a");
      await when(replica, "whole", () => replica.isWhole);
      await log.append({ text: "end" });
      await when(replica, "end", () => texts(replica.entries).join() === "7b,8a,end");
    });

    test("a fork shows what it shares with its base, and loses it with the base", async () => {
      await using stage = await stageOn(open);
      const { stores, log } = stage;
      const fork = { user: "anna", session: "fork" };
      for (const text of ["a", "b", "c"]) await log.append({ text });
      const [, second] = await log.read().toArray();
      await log.fork(fork, { at: second?.position ?? 0 });
      const forked = new ContextLog({ stores, scope: fork });
      await forked.append({ text: "own" });
      const replica = await stage.open({}, fork);
      expect(texts(replica.entries)).toEqual(["a", "b", "own"]);
      await log.append({ text: "d" });
      await forked.append({ text: "own 2" });
      await when(replica, "own 2", () => replica.last(1)[0]?.text === "own 2");
      expect(texts(replica.entries)).toEqual(["a", "b", "own", "own 2"]);
      await log.truncate({ before: second?.position ?? 0 });
      await when(replica, "without a", () => texts(replica.entries).join() === "b,own,own 2");
      await eraseScope(stores, anna);
      await when(replica, "its own alone", () => texts(replica.entries).join() === "own,own 2");
      expect(texts(await forked.read().toArray())).toEqual(["own", "own 2"]);
    });

    test("an erasure empties it, and what comes after it is shown", async () => {
      await using stage = await stageOn(open);
      const { stores, log, facts } = stage;
      await log.append(Array.from({ length: 20 }, (_, at) => ({ text: `t${at}`, pinned: at === 3 })));
      await facts.set("city", "Rome");
      const whole = await stage.open();
      const few = await stage.open({ entriesMax: 2 });
      await eraseScope(stores, anna);
      for (const replica of [whole, few]) {
        await when(replica, "nothing", () => replica.entries.length === 0 && replica.facts().length === 0);
        expect(replica.window({ tokens: 1_000 }).entries).toEqual([]);
      }
      await new ContextLog({ stores, scope: anna }).append({ text: "new" });
      await new Facts({ stores, scope: anna }).set("city", "Oslo");
      for (const replica of [whole, few]) {
        await when(replica, "what is new", () => replica.entries.length === 1 && replica.facts().length === 1);
        expect(texts(replica.entries)).toEqual(["new"]);
        expect(values(replica.facts())).toEqual({ city: "Oslo" });
      }
    });

    test("replicas of one scope share one watch, and the last one that is closed ends it (R2)", async () => {
      await using stage = await stageOn(open);
      let watches = 0;
      const counting = (store: KvStore): KvStore =>
        Object.assign(Object.create(store) as KvStore, {
          watch: async (...given: Parameters<KvStore["watch"]>) => {
            watches += 1;
            const watcher = await store.watch(...given);
            const close = watcher.close.bind(watcher);
            let isOpen = true;
            watcher.close = async () => {
              if (isOpen) watches -= 1;
              isOpen = false;
              await close();
            };
            return watcher;
          },
          ...bound(store),
        });
      const { entries, facts } = stage.stores;
      const stores = { ...stage.stores, entries: counting(entries), facts: counting(facts) };
      await using replicas = new Replicas({ reading: { stores } });
      const opened = await Promise.all(Array.from({ length: 10 }, () => replicas.open(anna)));
      expect(watches).toBe(2);
      const [first, ...others] = opened;
      await Promise.all(others.map((replica) => replica.close()));
      expect(watches).toBe(2);
      const written = await stage.facts.set("a", 1);
      await first?.waitFor({ facts: written.revision });
      expect(first?.fact("a")?.value).toBe(1);
      await first?.close();
      await first?.close();
      expect(watches).toBe(0);
      await expect(first?.waitFor({ facts: written.revision + 1 })).rejects.toMatchObject({ code: "CLOSED" });
      await (await replicas.open(anna)).close();
    });

    test("after any operations it equals the store, and on the way it never goes back (R1)", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 25 }), fc.nat(6), (operations, max) =>
          equalsStore(open, operations, max + 1),
        ),
        { numRuns: name === "nats" ? 12 : 25 },
      );
    });

    test("bad input is refused at the door, a store that is closed cannot be followed", async () => {
      await using stage = await stageOn(open);
      await expect(stage.open({ entriesMax: -1 })).rejects.toMatchObject({ code: "OPTION_INVALID" });
      await expect(stage.open({}, {})).rejects.toMatchObject({ code: "SCOPE_INVALID" });
      const replica = await stage.open();
      expect(() => replica.last(-1)).toThrow("count");
      expect(() => replica.window({ tokens: -1 })).toThrow("tokens");
      await stage.replicas.close();
      await expect(stage.open()).rejects.toMatchObject({ code: "CLOSED" });
      await stage.stores.facts.close();
      await using late = new Replicas({ reading: { stores: stage.stores } });
      await expect(late.open(anna)).rejects.toMatchObject({ code: "CLOSED" });
    });
  });
}

/** A store's methods, so that an object made of it can be called as it is. */
function bound(store: KvStore): Partial<KvStore> {
  const names = ["get", "getMany", "put", "create", "update", "transact", "list", "history"] as const;
  return Object.fromEntries(names.map((method) => [method, (store[method] as () => unknown).bind(store)]));
}

const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("append" as const), count: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("before" as const, "after" as const), share: fc.nat(100) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("pin" as const, "compact" as const), share: fc.nat(100) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("set" as const), name: fc.nat(3), value: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), name: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("erase" as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never;

async function equalsStore(open: OpenMemory, operations: readonly Operation[], entriesMax: number): Promise<void> {
  await using stage = await stageOn(open);
  const replica = await stage.open({ entriesMax });
  const faults: string[] = [];
  const stop = replica.onChange(noteGoingBack(replica, entriesMax, faults));
  let count = 0;
  for (const step of operations) {
    await run(stage, step, () => `t${count++}`);
  }
  const { entries, facts } = await readAll(stage, anna);
  const wanted = { entries: entries.slice(-entriesMax), facts };
  const shown = () => JSON.stringify({ entries: replica.entries, facts: replica.facts() });
  await when(replica, `${shown()} to be ${JSON.stringify(wanted)}`, () => shown() === JSON.stringify(wanted));
  stop();
  expect(faults).toEqual([]);
  // One that is opened now shows the same.
  const fresh = await stage.open({ entriesMax: entriesMax + 100 });
  expect(fresh.entries.slice(-entriesMax)).toEqual(wanted.entries);
  expect(fresh.facts()).toEqual(facts);
}

/** Writes down what a replica may never show, after each change. */
function noteGoingBack(replica: MemoryReplica, entriesMax: number, faults: string[]): () => void {
  const seen = new Map<string, number>();
  let last = replica.revisions;
  return () => {
    const { revisions, entries } = replica;
    if (revisions.memory < last.memory || revisions.facts < last.facts) faults.push("a revision went back");
    last = revisions;
    for (const { name, revision } of replica.facts()) {
      if (revision < (seen.get(name) ?? 0)) faults.push(`${name} went back`);
      seen.set(name, revision);
    }
    const inOrder = entries.every(({ position }, at) => at === 0 || position > (entries[at - 1]?.position ?? 0));
    if (!inOrder || entries.length > entriesMax) faults.push(`entries ${entries.map(({ position }) => position)}`);
  };
}

async function run({ stores, log, facts }: Stage, step: Operation, text: () => string): Promise<void> {
  const someEntry = async (share: number): Promise<number> => {
    const all = await log.read().toArray();
    return all[Math.floor((all.length * share) / 101)]?.position ?? 0;
  };
  switch (step.kind) {
    case "append":
      await log.append(Array.from({ length: step.count }, () => ({ text: text() })));
      return;
    case "before":
      await log.truncate({ before: await someEntry(step.share) });
      return;
    case "after":
      await log.truncate({ after: await someEntry(step.share) });
      return;
    case "pin": {
      const position = await someEntry(step.share);
      if (position > 0) await log.pin(position);
      return;
    }
    case "compact":
      await log.compact({ keepLast: 2, summarize: (all) => `summary of ${all.length}` });
      return;
    case "set":
      await facts.set(`f${step.name}`, step.value);
      return;
    case "delete":
      await facts.delete(`f${step.name}`);
      return;
    case "erase":
      await eraseScope(stores, anna);
      // Handles learn of an erasure by being refused once.
      await log.append({ text: "refused" }).catch(() => undefined);
      await facts.set("refused", 1).catch(() => undefined);
  }
}
