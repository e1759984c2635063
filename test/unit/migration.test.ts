import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor } from "../../src/actors/definition.ts";
import { readSnapshot, replaceState } from "../../src/actors/snapshot.ts";
import { printMigration } from "../../src/cli/print/migration.ts";
import { plain } from "../../src/cli/text.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import type { KvStore } from "../../src/kv/store.ts";
import { Committer } from "../../src/runtime/committer.ts";
import type { MigrationOptions } from "../../src/runtime/migration.ts";
import { migrateStates } from "../../src/runtime/migration.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { FatefulStore, over } from "./runtime-doubles.ts";

const walker = defineActor(
  "walker",
  {
    ...{ state: z.object({ steps: z.number() }), initial: { steps: 0 }, schema: 2 },
    upcasters: { 1: ({ n }: { readonly n: number }) => ({ steps: n }) },
  },
  {},
);
const old = (n: number, more = "") =>
  Buffer.from(`{"state":{"n":${n}},"sent":5${more},"schema":1,"epoch":3,"commit":"c-1"}`);

async function stage() {
  const clock = createSimulatedClock({ seed: 1 });
  const state = await openMemoryStore({ bucket: "troupe_state", clock });
  const migrate = (options: Partial<MigrationOptions> = {}) =>
    clock.runFor(migrateStates({ ...{ state, clock, actors: [walker], isCheck: false }, ...options }));
  return { clock, state, migrate };
}

test("Y3: whatever a value holds besides stays, known or not, and the commit's id is another", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.jsonValue(), { noNullPrototype: true }),
      (parts) => {
        const value = Buffer.from(JSON.stringify({ state: { n: 1 }, ...parts, schema: 1, commit: "c-1" }));
        const next = JSON.parse(Buffer.from(replaceState(value, { steps: 1 }, 2, "m-1")).toString()) as object;
        const before = JSON.parse(value.toString()) as object;
        expect(next).toEqual({ ...before, state: { steps: 1 }, schema: 2, commit: "m-1" });
        expect(Object.keys(next)).toEqual(Object.keys(before));
      },
    ),
  );
});

test("Y2, Y3: a worker that does not know what came of its commit is superseded, and takes nobody's write for its own", async () => {
  const { clock, state, migrate } = await stage();
  const fateful = new FatefulStore(state, ["stored-unheard"]);
  fateful.unreachableReads = 1;
  const lost = new AbortController().signal;
  const committing = new Committer(fateful.store, clock).commit({
    ...{ key: "walker.w", value: old(1), expected: 0, commitId: "c-1", lost },
  });
  expect((await migrate()).types[0]?.upcast).toBe(1);
  expect(await clock.runFor(committing)).toEqual({ kind: "superseded", revision: 2, isCertain: false });
});

test("Y2: what was committed since it was read is read again, and led on from there", async () => {
  const { clock, state, migrate } = await stage();
  await state.put("walker.w", old(1));
  let commits = 0;
  const update: KvStore["update"] = async (key, value, expected) => {
    commits += 1;
    if (commits < 3) await state.put("walker.w", old(1 + commits));
    return state.update(key, value, expected);
  };
  expect((await migrate({ state: over(state, { update }) })).types[0]).toMatchObject({ upcast: 1, failed: 0 });
  const entry = await clock.runFor(state.get("walker.w"));
  const snapshot = readSnapshot("walker.w", entry?.value ?? Buffer.from(""), 2);
  expect(snapshot).toMatchObject({ state: { steps: 3 }, schema: 2, sent: 5, epoch: 3 });
});

test("a state that others write again and again, or that is deleted meanwhile, stops nobody", async () => {
  const { state, migrate } = await stage();
  await state.put("walker.busy", old(1));
  await state.put("walker.gone", old(1));
  await state.put("walker.w", old(1));
  const update: KvStore["update"] = async (key, value, expected) => {
    if (key === "walker.busy") await state.put(key, old(1));
    if (key === "walker.gone") await state.delete(key);
    return state.update(key, value, expected);
  };
  const report = await migrate({ state: over(state, { update }) });
  expect(report.types[0]).toMatchObject({ actors: 2, upcast: 1, failed: 1 });
  expect(report.failures).toEqual([
    { key: "walker.busy", code: "COMMIT_REFUSED", reason: expect.stringContaining("older code") },
  ]);
});

test("Y5: pages follow the size of the values, and the progress is told", async () => {
  const { state, migrate } = await stage();
  const padding = `,"padding":"${"x".repeat(200_000)}"`;
  for (let at = 0; at < 60; at += 1) await state.put(`walker.w${at}`, old(at, padding));
  const pages: number[] = [];
  const getMany: KvStore["getMany"] = (keys) => {
    pages.push(keys.length);
    return state.getMany(keys);
  };
  const progress: string[] = [];
  const onProgress = (done: number, total: number) => void progress.push(`${done}/${total}`);
  const report = await migrate({ state: over(state, { getMany }), isCheck: true, onProgress });
  expect(pages).toEqual([16, 20, 20, 4]);
  expect(progress).toEqual(["16/60", "36/60", "56/60", "60/60"]);
  expect(report.types[0]).toMatchObject({ stored: { 1: 60 }, upcast: 60 });
});

test("all states that cannot be read are counted, and as many listed as wanted", async () => {
  const { state, migrate } = await stage();
  for (let at = 0; at < 30; at += 1) await state.put(`walker.w${at}`, old("x" as unknown as number));
  await state.put("other.o", old(1));
  const report = await migrate({ isCheck: true, failuresMax: 25 });
  expect([report.failed, report.failures.length, report.unknown]).toEqual([30, 25, { other: 1 }]);
  const text = printMigration(report, true, plain, 0);
  expect(text).toMatch(/^TYPE {4}SCHEMA {2}ACTORS {2}TO UPCAST {2}FAILED {2}STORED AS\nwalker {2}2 {7}30/);
  expect(text).toContain("Not in this file: other (1)");
  expect(text.match(/^STATE_UNREADABLE walker\.w/gm)).toHaveLength(20);
  expect(text).toContain("and 10 more (--json lists all)");
  expect(text).toMatch(/nothing was written\. 30 states cannot be read\.$/);
});
