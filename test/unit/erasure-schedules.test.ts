// The fence of an erasure against everybody who may be writing, in thousands of orders: calls arrive and are answered in
// any order, erasers die anywhere. What a writer formed who knew the scope before the erasure is nowhere afterwards.

import { expect, test } from "vitest";
import { decodeText } from "../../src/core/codec.ts";
import { isTroupeError } from "../../src/core/errors.ts";
import { ContextLog } from "../../src/memory/context-log.ts";
import { eraseScope } from "../../src/memory/erasure.ts";
import type { ErasureReceipt } from "../../src/memory/erasure-receipt.ts";
import { verifyErasure } from "../../src/memory/erasure-scan.ts";
import { Facts } from "../../src/memory/facts.ts";
import { readHead } from "../../src/memory/head.ts";
import { placeOf } from "../../src/memory/memory-keys.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { everythingKept } from "../contract/erasure-support.ts";
import { HeldStores } from "./held-stores.ts";
import { runSchedules, schedulesOf } from "./schedules.ts";

const schedules = schedulesOf(300);

const scope = { user: "anna", session: "s1" };
const fork = { session: "fork" };
const forkOfFork = { session: "fork-of-fork" };

/** What was there before: entries and facts, a fork and a fork of it, which share the entries. */
async function prepare(stores: MemoryStores): Promise<void> {
  const log = new ContextLog({ stores, scope });
  await log.append([{ text: "old-a" }, { text: "old-b" }]);
  await log.append({ text: "old-c" });
  await log.fork(fork);
  const forked = new ContextLog({ stores, scope: fork });
  await forked.append({ text: "own a" });
  await forked.fork(forkOfFork);
  await new ContextLog({ stores, scope: forkOfFork }).append({ text: "own b" });
  const facts = new Facts({ stores, scope });
  await facts.set("standing", "old-1");
  await facts.set("standing", "old-2");
  await facts.set("deleted", "old-");
  await facts.delete("deleted");
}

type Writer = (stores: MemoryStores, name: string) => Promise<readonly (() => Promise<unknown>)[]>;

/** Each learns of the scope first, and then forms what it writes. */
const writers: Record<string, Writer> = {
  append: async (stores, name) => {
    const log = new ContextLog({ stores, scope });
    await log.era();
    return [1, 2, 3].map((n) => () => log.append({ text: `old-${name} ${n}` }));
  },
  named: async (stores, name) => {
    const log = new ContextLog({ stores, scope });
    await log.era();
    return [1, 2].map((n) => () => log.append({ text: `old-${name} ${n}`, id: `${name}-${n}`, pinned: true }));
  },
  facts: async (stores, name) => {
    const facts = new Facts({ stores, scope });
    await facts.get("standing");
    return [
      () => facts.set("standing", `old-${name}`),
      () => facts.set(`new-${name}`, `old-${name}`),
      () => facts.update("standing", (value) => `${String(value)} old-`),
      () => facts.merge("list", [`old-${name}`], { policy: "union" }),
      () => facts.set("deleted", `old-${name}`),
      () => facts.delete("standing"),
    ];
  },
  fork: async (stores, name) => {
    const log = new ContextLog({ stores, scope });
    await log.era();
    return [() => log.fork({ session: `late-${name}` })];
  },
  compact: async (stores) => {
    const log = new ContextLog({ stores, scope });
    await log.era();
    return [() => log.compact({ keepLast: 0, summarize: (entries) => entries.map(({ text }) => text).join() })];
  },
  compactFork: async (stores) => {
    const log = new ContextLog({ stores, scope: fork });
    await log.era();
    return [() => log.compact({ keepLast: 0, summarize: (entries) => entries.map(({ text }) => text).join() })];
  },
  compactForkOfFork: async (stores) => {
    const log = new ContextLog({ stores, scope: forkOfFork });
    await log.era();
    return [() => log.compact({ keepLast: 0, summarize: (entries) => entries.map(({ text }) => text).join() })];
  },
  truncate: async (stores) => {
    const log = new ContextLog({ stores, scope });
    await log.era();
    return [() => log.truncate({ before: 1_001 })];
  },
};

/** Until it is refused: the handle then knows the new era, and what it formed later would be new. */
async function work(ops: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (const op of ops) {
    try {
      await op();
    } catch (thrown) {
      if (!isTroupeError(thrown)) throw thrown;
      if (!["SCOPE_ERASED", "WRITE_CONTENDED", "OPTION_INVALID", "OUTCOME_UNKNOWN"].includes(thrown.code)) throw thrown;
      if (thrown.code === "SCOPE_ERASED") return;
    }
  }
}

/** Somebody who comes when it is over. A dead eraser's last call may still shut the scope once more. */
async function writeNew(stores: MemoryStores): Promise<void> {
  for (;;) {
    try {
      const log = new ContextLog({ stores, scope });
      const facts = new Facts({ stores, scope });
      await log.append({ text: "new a" });
      await log.append({ text: "new b", pinned: true });
      await facts.set("standing", "new");
      await facts.set("created", "new");
      return;
    } catch (thrown) {
      if (!isTroupeError(thrown) || thrown.code !== "SCOPE_ERASED") throw thrown;
      await eraseScope(stores, scope);
    }
  }
}

async function runSchedule(seed: number): Promise<void> {
  const world = new HeldStores(seed);
  const near = await world.near;
  await prepare(near);
  const chosen = Object.keys(writers).filter(() => world.random() < 0.6);
  const ready: Promise<readonly (() => Promise<unknown>)[]>[] = [];
  for (const [at, kind] of chosen.entries()) {
    const writer = writers[kind];
    if (writer !== undefined) ready.push(writer(await world.connect(`writer-${at}`), `${kind}${at}`));
  }
  await world.run(() => false);
  if (world.random() < 0.5) {
    for (const at of chosen.keys()) world.disturb(`writer-${at}`);
    world.disturb("eraser-1");
    world.disturb("eraser-2");
  }
  const working = (await Promise.all(ready)).map(work);

  let receipt: ErasureReceipt | undefined;
  const eraseFrom = Math.floor(world.random() * 40);
  const killAt = eraseFrom + Math.floor(world.random() * 120);
  const isKilled = world.random() < 0.5;
  const erasers: Promise<unknown>[] = [];
  const newWriters: Promise<unknown>[] = [];
  const connections = { first: await world.connect("eraser-1"), second: await world.connect("eraser-2") };
  const newcomer = await world.connect("newcomer");
  const begin = () => {
    const first = eraseScope(connections.first, scope).then((done) => {
      receipt ??= done;
    });
    erasers.push(first);
    if (isKilled || world.random() < 0.5) {
      const second = eraseScope(connections.second, scope).then(async (done) => {
        receipt ??= done;
      });
      erasers.push(second);
    }
    // Who comes when it is over.
    const settled = isKilled ? erasers.slice(1) : erasers;
    newWriters.push(Promise.all(settled).then(() => writeNew(newcomer)));
  };
  await world.run(
    () => false,
    (step) => {
      if (step === eraseFrom) begin();
      if (step === killAt && isKilled) world.kill("eraser-1");
    },
  );
  if (erasers.length === 0) begin();
  await world.run(() => false);
  await Promise.all([...working, ...newWriters]);
  await check(near, receipt);
}

async function check(stores: MemoryStores, receipt: ErasureReceipt | undefined): Promise<void> {
  const kept = await everythingKept(stores);
  const old = kept.filter(({ value }) => decodeText(value).includes("old-"));
  expect(old.map(({ key, revision, value }) => `${key}@${revision} ${decodeText(value)}`)).toEqual([]);
  if (receipt === undefined) throw new Error("nobody has erased");
  expect(await verifyErasure(stores, receipt)).toMatchObject({ kind: "clean" });
  // A summary that is made late is one of what is new.
  const entries = await new ContextLog({ stores, scope }).read({ kinds: ["turn"] }).toArray();
  expect(entries.map(({ text }) => text)).toEqual(["new a", "new b"]);
  const facts = new Facts({ stores, scope });
  expect([(await facts.get("standing"))?.value, (await facts.get("created"))?.value]).toEqual(["new", "new"]);
  const own = (await new ContextLog({ stores, scope: forkOfFork }).read({ kinds: ["turn"] }).toArray()).map(
    ({ text }) => text,
  );
  expect(own).toEqual(["own a", "own b"]);
  // No gap above the floor (L1).
  const { head } = await readHead(stores.entries, scope);
  const numbers = kept.flatMap(({ key }) => {
    const place = placeOf(key);
    return place?.kind === "record" && place.scope.user === "anna" && place.record > head.floor ? [place.record] : [];
  });
  expect(numbers.toSorted((a, b) => a - b)).toEqual(numbers.map((_, at) => head.floor + 1 + at));
}

test(`in ${schedules} orders of calls and deaths nothing comes back, and what is new stands (E1, E3, G1 to G5)`, async () => {
  await runSchedules(schedules, runSchedule);
}, 120_000);
