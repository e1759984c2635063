// The KvStore contract, part 5: purges (K9).

import { describe, expect, test } from "vitest";
import type { KvEntry, KvOperationRequest } from "../../src/kv/store.ts";
import { inTime } from "./in-time.ts";
import { brief, bytes, changesUntil, isCurrent, isPutOf, type OpenStore, text } from "./kv-support.ts";

const briefly = (entries: readonly KvEntry[]) =>
  entries.map((entry) => brief({ kind: "entry", entry, isSnapshot: false }));

export function kvPurgeContract(name: string, open: OpenStore): void {
  describe(`${name}: purges`, () => {
    test("a purge takes the history of a key with it and leaves one deletion (K9)", async () => {
      for (const history of [1, 4]) {
        await using opened = await open({ history });
        const { store } = opened;
        for (const value of ["1", "2", "3"]) await store.put("k", bytes(value));
        const other = await store.put("other", bytes("x"));
        const purged = await store.purge("k");
        expect(purged.kind).toBe("written");
        expect(purged.revision).toBeGreaterThan(other);
        expect(await store.get("k")).toBeUndefined();
        expect(await store.list(">")).toEqual(["other"]);
        const kept = await store.history("k");
        expect(briefly(kept)).toEqual(["k!delete"]);
        expect(kept[0]?.revision).toBe(purged.revision);
        expect(text(await store.get("other"))).toBe("x");
        await store.create("k", bytes("4"));
        expect(briefly(await store.history("k")).at(-1)).toBe("k=4");
        expect((await store.history("k")).map(({ operation }) => operation)).toEqual(
          history === 1 ? ["put"] : ["delete", "put"],
        );
      }
    });

    test("a purge takes what a deletion has left in the history, too", async () => {
      await using opened = await open({ history: 4 });
      const { store } = opened;
      await store.put("k", bytes("secret"));
      await store.delete("k");
      expect(briefly(await store.history("k"))).toEqual(["k=secret", "k!delete"]);
      await store.purge("k");
      expect(briefly(await store.history("k"))).toEqual(["k!delete"]);
    });

    test("purging what is not there is written, again and again", async () => {
      await using opened = await open({ history: 4 });
      const { store } = opened;
      const first = await store.purge("k");
      const second = await store.purge("k", { expected: 0 });
      expect([first.kind, second.kind]).toEqual(["written", "written"]);
      expect(second.revision).toBeGreaterThan(first.revision);
      expect(await store.purge("k", { expected: second.revision + 1 })).toEqual({ kind: "conflict", revision: 0 });
      expect(briefly(await store.history("k"))).toEqual(["k!delete"]);
    });

    test("a purge obeys its expectation, and older revisions no longer stand after it (K2)", async () => {
      await using opened = await open({ history: 4 });
      const { store } = opened;
      const one = await store.put("k", bytes("1"));
      const two = await store.put("k", bytes("2"));
      expect(await store.purge("k", { expected: one })).toEqual({ kind: "conflict", revision: two });
      expect(await store.purge("k", { expected: 0 })).toEqual({ kind: "conflict", revision: two });
      expect((await store.history("k")).length).toBe(2);
      const purged = await store.purge("k", { expected: two });
      expect(purged.kind).toBe("written");
      for (const expected of [one, two]) {
        expect(await store.update("k", bytes("late"), expected)).toEqual({ kind: "conflict", revision: 0 });
        expect(await store.delete("k", { expected })).toEqual({ kind: "conflict", revision: 0 });
        expect(await store.purge("k", { expected })).toEqual({ kind: "conflict", revision: 0 });
        const late = await store.transact([{ kind: "put", key: "k", value: bytes("late"), expected }]);
        expect(late).toEqual({ kind: "conflict", key: "k", revision: 0 });
      }
      expect((await store.update("k", bytes("3"), purged.revision)).kind).toBe("written");
      expect(text(await store.get("k"))).toBe("3");
    });

    test("of a purge and writers on one revision exactly one wins", async () => {
      await using opened = await open({ history: 4 });
      const other = await opened.openAnother();
      for (let round = 0; round < 10; round += 1) {
        const key = `k.${round}`;
        const expected = await opened.store.put(key, bytes("before"));
        const outcomes = await Promise.all([
          opened.store.update(key, bytes("1"), expected),
          other.purge(key, { expected }),
          other.update(key, bytes("2"), expected),
          opened.store.purge(key, { expected }),
        ]);
        expect(outcomes.filter(({ kind }) => kind === "written")).toHaveLength(1);
        const isPurged = outcomes[1]?.kind === "written" || outcomes[3]?.kind === "written";
        expect((await opened.store.history(key)).map(({ operation }) => operation)).toEqual(
          isPurged ? ["delete"] : ["put", "put"],
        );
      }
    });

    test("a watcher sees a purge as a deletion; one that begins later sees nothing of what was before", async () => {
      await using opened = await open({ history: 4 });
      const { store } = opened;
      const first = await store.put("k", bytes("1"));
      await using watcher = await store.watch("k");
      await changesUntil(watcher, isCurrent);
      await store.purge("k");
      await store.put("k", bytes("2"));
      expect((await changesUntil(watcher, isPutOf("k", "2"))).map(brief)).toEqual(["k!delete", "k=2"]);
      await using later = await store.watch("k", { from: first });
      expect((await changesUntil(later, isCurrent)).map(brief)).toEqual(["k!delete", "k=2", "current"]);
    });

    test("a purged key with a time to live does not come back as an expiry (K5)", () =>
      inTime(1_000, async (ms, limit) => {
        await using opened = await open();
        const { store } = opened;
        await using watcher = await store.watch(">");
        const check = limit(ms);
        await store.put("k", bytes("1"), { ttlMs: ms });
        await store.put("pace", bytes("1"), { ttlMs: 2 * ms });
        await store.purge("k");
        check();
        const changes = await changesUntil(
          watcher,
          (change) => change.kind === "entry" && change.entry.key === "pace" && change.entry.operation === "expired",
        );
        expect(changes.map(brief).filter((change) => change === "k!expired")).toEqual([]);
        expect(briefly(await store.history("k"))).toEqual(["k!delete"]);
      }));

    test("a transaction purges many keys or none, guarded by keys that it does not write (K3)", async () => {
      await using opened = await open({ history: 4 });
      const { store } = opened;
      const keys = Array.from({ length: 300 }, (_, at) => `many.${at}`);
      for (const value of ["1", "2"]) {
        await store.transact(keys.map((key) => ({ kind: "put", key, value: bytes(value) }) as const));
      }
      const guard = await store.put("guard", bytes("1"));
      const purges = keys.map((key): KvOperationRequest => ({ kind: "purge", key }));
      const refused = await store.transact([{ kind: "check", key: "guard", expected: guard + 1 }, ...purges]);
      expect(refused).toEqual({ kind: "conflict", key: "guard", revision: guard });
      expect((await store.list("many.*")).length).toBe(300);
      const done = await store.transact([{ kind: "check", key: "guard", expected: guard }, ...purges]);
      expect(done.kind).toBe("written");
      expect(await store.list(">")).toEqual(["guard"]);
      for (const key of [keys[0], keys[150], keys[299]]) {
        expect(briefly(await store.history(key ?? ""))).toEqual([`${key}!delete`]);
      }
    });

    test("a transaction of purges with expectations and more checks than carriers goes through (K3)", async () => {
      await using opened = await open({ history: 4 });
      const { store } = opened;
      const a = await store.put("a", bytes("1"));
      const b = await store.put("b", bytes("1"));
      const c = await store.put("c", bytes("1"));
      const outcome = await store.transact([
        { kind: "check", key: "none", expected: 0 },
        { kind: "purge", key: "a", expected: a },
        { kind: "check", key: "b", expected: b },
        { kind: "purge", key: "c", expected: c },
      ]);
      expect(outcome.kind).toBe("written");
      expect(await store.list(">")).toEqual(["b"]);
      const kept = [...(await store.history("a")), ...(await store.history("c"))];
      expect(kept.every(({ operation }) => operation === "delete")).toBe(true);
    });
  });
}
