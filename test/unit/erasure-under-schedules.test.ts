// An erasure with all that lies under a scope, against those who make the first write ever to a scope that lies there: it has
// no key, and is not found. In thousands of orders of calls, nothing that was formed before it, or during it of what it has not
// removed yet, is there afterwards.

import { expect, test } from "vitest";
import { decodeText } from "../../src/core/codec.ts";
import { isTroupeError } from "../../src/core/errors.ts";
import { ContextLog } from "../../src/memory/context-log.ts";
import { eraseScope } from "../../src/memory/erasure.ts";
import { Facts } from "../../src/memory/facts.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { setRetention } from "../../src/memory/retention-policy.ts";
import type { Scope } from "../../src/memory/scope.ts";
import { everythingKept } from "../contract/erasure-support.ts";
import { HeldStores } from "./held-stores.ts";
import { runSchedules, schedulesOf } from "./schedules.ts";

const schedules = schedulesOf(400);

const root = { user: "anna" };
const known = { user: "anna", session: "known" };
const alsoKnown = { user: "anna", session: "also-known" };

/** What it writes, to a scope of its own that nobody knew, when it has learned of the scope and read what there is. */
type FirstWrite = (stores: MemoryStores, scope: Scope) => Promise<(text: string) => Promise<unknown>>;

const firstWrites: Record<string, FirstWrite> = {
  append: async (stores, scope) => {
    const log = new ContextLog({ stores, scope });
    await log.era();
    return (text) => log.append({ text });
  },
  pinned: async (stores, scope) => {
    const log = new ContextLog({ stores, scope });
    await log.era();
    return (text) => log.append({ text, id: "named", pinned: true });
  },
  late: async (stores, scope) => {
    const era = await new ContextLog({ stores, scope }).era();
    return (text) => new ContextLog({ stores, scope }).append({ text }, { era });
  },
  beside: async (stores, scope) => {
    const log = new ContextLog({ stores, scope });
    await log.era();
    // A head that comes into being without anything having been formed lets in nothing that was.
    return async (text) => {
      await setRetention(stores, scope, { entriesMax: 100 }).catch(onlyRefused);
      await log.append({ text });
    };
  },
  set: async (stores, scope) => {
    const facts = new Facts({ stores, scope });
    await facts.era();
    return (text) => facts.set("fact", text);
  },
  merge: async (stores, scope) => {
    const facts = new Facts({ stores, scope });
    await facts.era();
    return (text) => facts.merge("list", [text], { policy: "union" });
  },
  update: async (stores, scope) => {
    const facts = new Facts({ stores, scope });
    await facts.era();
    return (text) => facts.update("fact", () => text);
  },
};

function onlyRefused(thrown: unknown): void {
  const codes = ["SCOPE_ERASED", "WRITE_CONTENDED", "OUTCOME_UNKNOWN"];
  if (!isTroupeError(thrown) || !codes.includes(thrown.code)) throw thrown;
}

/** Copies what is known of Anna to another scope of hers; `untilWritten`: what is formed may be written late. */
async function copy(stores: MemoryStores, scope: Scope, write: FirstWrite, untilWritten: Promise<void>): Promise<void> {
  const form = await write(stores, scope);
  const texts = (await new ContextLog({ stores, scope: known }).read().toArray()).map(({ text }) => text);
  await untilWritten;
  if (texts.length > 0) await form(texts.join()).catch(onlyRefused);
}

/** Steps in which somebody may still begin something. An erasure that begins in the first of them ends before the last. */
const stepsMax = 400;
const [firstSteps, lastSteps] = [[0, 80] as const, [120, stepsMax] as const];

async function runSchedule(seed: number): Promise<void> {
  const world = new HeldStores(seed);
  const near = await world.near;
  if (world.random() < 0.7) await new ContextLog({ stores: near, scope: root }).append({ text: "old root" });
  for (const scope of [known, alsoKnown]) await new ContextLog({ stores: near, scope }).append({ text: "old known" });
  const steps = Array.from({ length: stepsMax }, () => Promise.withResolvers<void>());
  const stepOf = ([from, to]: readonly [number, number]) =>
    steps[from + Math.floor(world.random() * (to - from))]?.promise ?? Promise.resolve();
  const under: Promise<unknown>[] = [];
  for (const [at, [kind, write]] of Object.entries(firstWrites).entries()) {
    const stores = await world.connect(kind);
    // Now and then two come to one scope, or to one that is not new.
    const session = world.random() < 0.2 ? "shared" : `new-${at}`;
    const agent = world.random() < 0.5 ? { agent: { type: "desk", id: "d" } } : {};
    const scope = world.random() < 0.2 ? alsoKnown : { ...root, ...agent, session };
    if (world.random() < 0.3) world.disturb(kind);
    const [begins, writes] = [stepOf(firstSteps), stepOf(world.random() < 0.5 ? firstSteps : lastSteps)];
    under.push(begins.then(() => copy(stores, scope, write, writes)));
  }
  const isKilled = world.random() < 0.5;
  const [first, second] = [await world.connect("eraser-1"), await world.connect("eraser-2")];
  const erase = (stores: MemoryStores) => eraseScope(stores, root, { under: true });
  const erased = stepOf(firstSteps).then(() => (isKilled ? Promise.race([erase(first), erase(second)]) : erase(first)));
  if (isKilled) void stepOf(firstSteps).then(() => world.kill("eraser-1"));
  // Something is under way at each step, so that all of them come.
  const idle = new ContextLog({ stores: await world.connect("idle"), scope: { session: "idle" } });
  let isOver = false;
  const idling = (async () => {
    while (!isOver) await idle.read({ last: 1 }).toArray();
  })();
  await world.run(
    () => isOver,
    (step) => {
      steps[step]?.resolve();
      isOver = step >= stepsMax;
    },
  );
  await world.run(() => false);
  await Promise.all([...under, idling, erased]);
  const kept = await everythingKept(near);
  const old = kept.filter(({ value }) => decodeText(value).includes("old "));
  expect(old.map(({ key, value }) => `${key} ${decodeText(value)}`)).toEqual([]);
  // It is open again for what is formed now.
  for (const scope of [known, { ...root, session: "shared" }, { ...root, session: "never" }]) {
    await new ContextLog({ stores: near, scope }).append({ text: "new" });
    await new Facts({ stores: near, scope }).set("fact", "new");
  }
}

test(`in ${schedules} orders the first write to a scope under an erased one is of a later era or gone (U1, U2)`, async () => {
  await runSchedules(schedules, runSchedule);
}, 120_000);
