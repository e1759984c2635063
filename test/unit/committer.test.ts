import { expect, test } from "vitest";
import { encodeText } from "../../src/core/codec.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import type { KvStore } from "../../src/kv/store.ts";
import { Committer } from "../../src/runtime/committer.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";
import type { WriteFate } from "./runtime-doubles.ts";
import { FatefulStore } from "./runtime-doubles.ts";

const valueWith = (commit: string) => encodeText(`{"state":1,"commit":"${commit}"}`);

/** One commit with these fates of its writes, over what stands at revision 1. */
async function stage(fates: readonly WriteFate[]) {
  const clock = createSimulatedClock({ seed: 1 });
  const near = await openMemoryStore({ bucket: "state", history: 8, clock });
  await near.create("a.b", valueWith("before"));
  const fateful = new FatefulStore(near, fates);
  const lost = new AbortController();
  const committer = new Committer(fateful.store, clock);
  const commit = (expected = 1) =>
    committer.commit({ key: "a.b", value: valueWith("mine"), expected, commitId: "mine", lost: lost.signal });
  return { clock, near, fateful, lost, commit };
}

const standing = async (near: KvStore) => {
  const entry = await near.get("a.b");
  return [entry?.revision, (JSON.parse(Buffer.from(entry?.value ?? []).toString()) as { commit: string }).commit];
};

test("C2: a commit that is written stands, under its revision", async () => {
  const { near, commit } = await stage([]);
  expect(await commit()).toEqual({ kind: "stands", revision: 2 });
  expect(await standing(near)).toEqual([2, "mine"]);
});

test("C1: a commit whose answer was lost stands if it was stored, and is tried again if not", async () => {
  for (const fates of [["stored-unheard"], ["lost"], ["lost", "lost", "stored-unheard"]] as const) {
    const { near, clock, commit } = await stage(fates);
    expect(await clock.runFor(commit()), fates.join()).toEqual({ kind: "stands", revision: 2 });
    expect(await standing(near)).toEqual([2, "mine"]);
  }
});

test("C1: a lost commit that arrives after all is known by its id, whichever of the attempts it was", async () => {
  const { near, clock, fateful, commit } = await stage(["late"]);
  fateful.unreachableReads = 3;
  const committing = commit();
  await clock.advance(250);
  await fateful.arrive();
  expect(await clock.runFor(committing)).toEqual({ kind: "stands", revision: 2 });
  expect(await near.history("a.b")).toHaveLength(2);
});

test("C1: an attempt that arrives after another of the same commit stands changes nothing", async () => {
  const { near, clock, fateful, commit } = await stage(["late", "well"]);
  expect(await clock.runFor(commit())).toEqual({ kind: "stands", revision: 2 });
  await fateful.arrive();
  expect(await standing(near)).toEqual([2, "mine"]);
});

test("C2: another's write supersedes; it is certain only when ours was never under way", async () => {
  const first = await stage([]);
  await first.near.put("a.b", valueWith("other"));
  expect(await first.commit()).toEqual({ kind: "superseded", revision: 2, isCertain: true });
  const second = await stage(["stored-unheard"]);
  second.fateful.unreachableReads = 2;
  const committing = second.commit();
  await second.clock.advance(50);
  await second.near.put("a.b", valueWith("other"));
  expect(await second.clock.runFor(committing)).toEqual({ kind: "superseded", revision: 3, isCertain: false });
  expect(await standing(second.near)).toEqual([3, "other"]);
});

test("C2: a key that is gone supersedes too, and a first commit finds that nothing stands", async () => {
  const deleted = await stage([]);
  await deleted.near.delete("a.b");
  expect(await deleted.commit()).toEqual({ kind: "superseded", revision: 0, isCertain: true });
  const fresh = await stage(["lost"]);
  await fresh.near.delete("a.b");
  expect(await fresh.clock.runFor(fresh.commit(0))).toEqual({ kind: "stands", revision: 3 });
});

test("C2: what is not ours at the key is never taken for ours", async () => {
  const { near, clock, commit } = await stage(["lost"]);
  await near.put("a.b", encodeText("not json"));
  expect(await clock.runFor(commit())).toEqual({ kind: "superseded", revision: 2, isCertain: false });
});

test("C2: a refusal is refused when nothing is under way, else it is looked up first", async () => {
  for (const [fate, code] of [
    ["refused", "STORE_FAILED"],
    ["too-large", "PAYLOAD_TOO_LARGE"],
  ] as const) {
    const { commit } = await stage([fate]);
    expect(await commit()).toMatchObject({ kind: "refused", error: { code } });
  }
  const { near, clock, fateful, commit } = await stage(["late", "refused", "refused"]);
  const committing = commit();
  await clock.advance(10);
  await fateful.arrive();
  expect(await clock.runFor(committing)).toEqual({ kind: "stands", revision: 2 });
  expect(await standing(near)).toEqual([2, "mine"]);
});

test("C3: a write that reached nobody is tried again, and stays certain, for as long as ownership lasts", async () => {
  const { clock, near, commit } = await stage(["unreachable", "unreachable", "unreachable"]);
  expect(await clock.runFor(commit())).toEqual({ kind: "stands", revision: 2 });
  expect(await near.history("a.b")).toHaveLength(2);

  const other = await stage(["unreachable"]);
  const overtaken = other.commit();
  await other.near.put("a.b", valueWith("other"));
  expect(await other.clock.runFor(overtaken)).toEqual({ kind: "superseded", revision: 2, isCertain: true });

  const fenced = await stage(Array.from({ length: 1_000 }, () => "unreachable" as const));
  const refused = fenced.commit();
  await fenced.clock.advance(1_000);
  fenced.lost.abort();
  expect(await fenced.clock.runFor(refused)).toMatchObject({ kind: "refused", error: { code: "FENCED" } });
});

test("C4: when ownership is lost between two attempts, nothing is written any more", async () => {
  const { clock, near, lost, commit } = await stage(["unreachable"]);
  const committing = commit();
  await clock.advance(10);
  lost.abort();
  expect(await clock.runFor(committing)).toMatchObject({ kind: "refused", error: { code: "FENCED" } });
  await clock.advance(60_000);
  expect(await standing(near)).toEqual([1, "before"]);
});

test("C2: it gives up only when ownership is lost while nobody knows", async () => {
  const { clock, fateful, lost, commit } = await stage(["lost"]);
  fateful.unreachableReads = Number.POSITIVE_INFINITY;
  let outcome: unknown;
  void commit().then((settled) => {
    outcome = settled;
  });
  await clock.advance(60_000);
  expect(outcome).toBeUndefined();
  lost.abort();
  await clock.advance(0);
  expect(outcome).toEqual({ kind: "given-up" });
});
