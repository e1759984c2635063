// The KvStore contract, part 1: single writes, expectations, time to live, what may be written.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { valueBytesMaxDefault } from "../../src/kv/writes.ts";
import { inTime } from "./in-time.ts";
import { bytes, changesUntil, isCurrent, type OpenStore, text } from "./kv-support.ts";

export function kvWriteContract(name: string, open: OpenStore): void {
  describe(`${name}: writes`, () => {
    test("every write has a revision greater than all before it, across keys (K1)", async () => {
      await using opened = await open();
      const { store } = opened;
      const revisions = [
        await store.put("a", bytes("1")),
        await store.put("b", bytes("1")),
        await store.put("a", bytes("2")),
        (await store.delete("a")).revision,
        (await store.create("a", bytes("3"))).revision,
      ];
      expect(revisions.toSorted((x, y) => x - y)).toEqual(revisions);
      expect(new Set(revisions).size).toBe(revisions.length);
      expect(revisions.at(0)).toBeGreaterThan(0);
    });

    test("of N writers on one revision exactly one wins, the others get the revision that stands (K2)", async () => {
      await using opened = await open();
      const stores = [opened.store, await opened.openAnother()];
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 2, max: 24 }), fc.boolean(), async (writers, isNew) => {
          round += 1;
          const key = `round.${round}`;
          const expected = isNew ? 0 : await opened.store.put(key, bytes("before"));
          const outcomes = await Promise.all(
            Array.from({ length: writers }, (_, at) =>
              (stores[at % 2] ?? opened.store).update(key, bytes(String(at)), expected),
            ),
          );
          const won = outcomes.filter(({ kind }) => kind === "written");
          expect(won).toHaveLength(1);
          const standing = won[0]?.revision;
          expect(outcomes.filter(({ kind }) => kind === "conflict").map(({ revision }) => revision)).toEqual(
            Array.from({ length: writers - 1 }, () => standing),
          );
          const entry = await opened.store.get(key);
          expect(entry?.revision).toBe(standing);
          expect(text(entry)).toBe(String(outcomes.findIndex(({ kind }) => kind === "written")));
        }),
        { numRuns: 20 },
      );
    });

    test("of N creators over a deleted key exactly one wins", async () => {
      await using opened = await open();
      const { store } = opened;
      for (let round = 0; round < 5; round += 1) {
        await store.put("k", bytes("before"));
        await store.delete("k");
        const outcomes = await Promise.all(Array.from({ length: 10 }, (_, at) => store.create("k", bytes(String(at)))));
        const won = outcomes.filter(({ kind }) => kind === "written");
        expect(won).toHaveLength(1);
        expect(new Set(outcomes.map(({ revision }) => revision))).toEqual(new Set([won[0]?.revision]));
        expect((await store.get("k"))?.revision).toBe(won[0]?.revision);
      }
    });

    test("create writes a key that does not exist, and one that was deleted, and no other", async () => {
      await using opened = await open();
      const { store } = opened;
      const first = await store.create("k", bytes("1"));
      expect(first.kind).toBe("written");
      expect(await store.create("k", bytes("2"))).toEqual({ kind: "conflict", revision: first.revision });
      await store.delete("k");
      const second = await store.create("k", bytes("3"));
      expect(second.kind).toBe("written");
      expect(text(await store.get("k"))).toBe("3");
    });

    test("update needs the revision that stands; the value is otherwise untouched", async () => {
      await using opened = await open();
      const { store } = opened;
      const one = await store.put("k", bytes("1"));
      const two = await store.update("k", bytes("2"), one);
      expect(two.kind).toBe("written");
      expect(await store.update("k", bytes("no"), one)).toEqual({ kind: "conflict", revision: two.revision });
      expect(await store.update("k", bytes("no"), two.revision + 1)).toEqual({
        kind: "conflict",
        revision: two.revision,
      });
      expect(await store.update("k", bytes("no"), 0)).toEqual({ kind: "conflict", revision: two.revision });
      expect(text(await store.get("k"))).toBe("2");
      expect(await store.update("nothing", bytes("no"), 7)).toEqual({ kind: "conflict", revision: 0 });
      expect(await store.get("nothing")).toBeUndefined();
    });

    test("a deleted key conflicts as 0, and its deletion's own revision may be expected (K2)", async () => {
      await using opened = await open();
      const { store } = opened;
      const one = await store.put("k", bytes("1"));
      const deleted = await store.delete("k");
      expect(await store.update("k", bytes("no"), one)).toEqual({ kind: "conflict", revision: 0 });
      expect((await store.update("k", bytes("2"), deleted.revision)).kind).toBe("written");
      expect(text(await store.get("k"))).toBe("2");
    });

    test("delete obeys its expectation; without one it is always written", async () => {
      await using opened = await open();
      const { store } = opened;
      expect((await store.delete("nothing")).kind).toBe("written");
      expect((await store.delete("nothing", { expected: 0 })).kind).toBe("written");
      expect(await store.delete("k", { expected: 5 })).toEqual({ kind: "conflict", revision: 0 });
      const one = await store.put("k", bytes("1"));
      const two = await store.put("k", bytes("2"));
      expect(await store.delete("k", { expected: one })).toEqual({ kind: "conflict", revision: two });
      expect(await store.delete("k", { expected: 0 })).toEqual({ kind: "conflict", revision: two });
      expect(text(await store.get("k"))).toBe("2");
      expect((await store.delete("k", { expected: two })).kind).toBe("written");
      expect(await store.get("k")).toBeUndefined();
      expect(await store.delete("k", { expected: two })).toEqual({ kind: "conflict", revision: 0 });
    });

    test("a time to live ends a key for readers, watchers and history, unless it is renewed (K5)", () =>
      inTime(1_000, async (ms, limit) => {
        await using opened = await open();
        const { store } = opened;
        await using watcher = await store.watch(">");
        await changesUntil(watcher, isCurrent);
        // `hour` gives the pace: it dies when what was not renewed is dead, too.
        const check = limit(ms);
        const renewed = await store.create("renewed", bytes("1"), { ttlMs: ms });
        const kept = await store.create("kept", bytes("1"), { ttlMs: ms });
        const put = await store.put("put", bytes("1"), { ttlMs: ms });
        // Before what is timed begins: however long these writes take, nothing dies earlier than it should.
        const began = performance.now();
        await store.transact([
          { kind: "put", key: "hour", value: bytes("1"), ttlMs: ms },
          { kind: "check", key: "none", expected: 0 },
        ]);
        const checkRenewed = limit(2 * ms);
        const renewal = await store.update("renewed", bytes("2"), renewed.revision, { ttlMs: 2 * ms });
        const keeping = await store.update("kept", bytes("2"), kept.revision);
        await store.put("put", bytes("2"));
        check();
        expect([renewal.kind, keeping.kind]).toEqual(["written", "written"]);
        const until = (key: string) =>
          changesUntil(
            watcher,
            (change) => change.kind === "entry" && change.entry.key === key && change.entry.operation === "expired",
          );
        const first = await until("hour");
        expect(performance.now() - began).toBeGreaterThan(0.7 * ms);
        expect(await store.get("hour")).toBeUndefined();
        const standing = await store.list(">");
        checkRenewed();
        expect(standing).toEqual(["kept", "put", "renewed"]);
        const [marker, ...more] = await store.history("hour");
        expect([marker?.operation, more.length]).toEqual(["expired", 0]);
        expect(marker?.revision).toBeGreaterThan(put);
        expect((await store.create("hour", bytes("again"))).kind).toBe("written");
        const second = await until("renewed");
        expect(performance.now() - began).toBeGreaterThan(1.6 * ms);
        expect(
          [...first, ...second].filter((change) => change.kind === "entry" && change.entry.operation !== "put"),
        ).toHaveLength(2);
        expect(await store.list(">")).toEqual(["hour", "kept", "put"]);
        expect(await store.update("renewed", bytes("no"), renewed.revision)).toEqual({ kind: "conflict", revision: 0 });
      }));

    test("a time to live is whole seconds, and only for buckets without history", async () => {
      await using opened = await open();
      for (const ttlMs of [0, 500, 999, 1_500, -1_000, Number.NaN]) {
        await expect(opened.store.put("k", bytes("1"), { ttlMs })).rejects.toMatchObject({ code: "OPTION_INVALID" });
      }
      await using old = await open({ history: 3 });
      const withHistory = old.store.update("k", bytes("1"), 0, { ttlMs: 1_000 });
      await expect(withHistory).rejects.toMatchObject({ code: "OPTION_INVALID" });
      expect(await opened.store.list(">")).toEqual([]);
      expect(await old.store.list(">")).toEqual([]);
    });

    test("values of any bytes come back as they were: empty, unicode, 900 KiB, the largest", async () => {
      await using opened = await open();
      const { store } = opened;
      const all = Uint8Array.from({ length: 256 }, (_, at) => at);
      const large = new Uint8Array(900 * 1_024).map((_, at) => at * 31);
      for (const value of [
        new Uint8Array(0),
        all,
        bytes("zażółć 🐈 \r\n\0"),
        large,
        new Uint8Array(valueBytesMaxDefault),
      ]) {
        await store.put("k", value);
        const back = await store.get("k");
        expect(back?.value.length).toBe(value.length);
        expect(Buffer.from(back?.value ?? []).equals(value)).toBe(true);
      }
      await store.put("k", all);
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (value) => {
          await store.put("k", value);
          expect(Buffer.from((await store.get("k"))?.value ?? []).equals(value)).toBe(true);
        }),
        { numRuns: 25 },
      );
    });

    test("a value over the limit is refused and nothing is written", async () => {
      await using opened = await open();
      const { store } = opened;
      const tooLarge = new Uint8Array(valueBytesMaxDefault + 1);
      const code = { code: "PAYLOAD_TOO_LARGE" };
      await expect(store.put("k", tooLarge)).rejects.toMatchObject(code);
      await expect(store.create("k", tooLarge)).rejects.toMatchObject(code);
      await expect(store.update("k", tooLarge, 1)).rejects.toMatchObject(code);
      await expect(
        store.transact([
          { kind: "put", key: "a", value: bytes("1") },
          { kind: "put", key: "k", value: tooLarge },
        ]),
      ).rejects.toMatchObject(code);
      expect(await store.list(">")).toEqual([]);
    });

    test("keys outside the form are refused by every call, odd ones inside it work", async () => {
      await using opened = await open();
      const { store } = opened;
      const code = { code: "KEY_INVALID" };
      for (const key of [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a b",
        "a*",
        "*",
        ">",
        "a.>",
        "ключ",
        "a:b",
        "a\r\nb",
        "x".repeat(1_025),
      ]) {
        await expect(store.get(key)).rejects.toMatchObject(code);
        await expect(store.getMany([key])).rejects.toMatchObject(code);
        await expect(store.put(key, bytes("1"))).rejects.toMatchObject(code);
        await expect(store.create(key, bytes("1"))).rejects.toMatchObject(code);
        await expect(store.update(key, bytes("1"), 1)).rejects.toMatchObject(code);
        await expect(store.delete(key)).rejects.toMatchObject(code);
        await expect(store.purge(key)).rejects.toMatchObject(code);
        await expect(store.history(key)).rejects.toMatchObject(code);
        await expect(store.transact([{ kind: "delete", key }])).rejects.toMatchObject(code);
      }
      for (const pattern of ["", ".", "a..b", ">.a", "a>", "a*", "a b"]) {
        await expect(store.list(pattern)).rejects.toMatchObject(code);
        await expect(store.watch(pattern)).rejects.toMatchObject(code);
      }
      const odd = ["-", "_", "=", "/", "a/b=C_d-E.0", "$x".slice(1), "=C3=A4.=00", `t.${"y".repeat(1_000)}`];
      for (const key of odd) await store.put(key, bytes(key));
      expect(await store.list(">")).toEqual(odd.toSorted());
      for (const key of odd) expect(text(await store.get(key))).toBe(key);
    });

    test("bytes are neither shared with whoever writes nor with whoever reads (K8)", async () => {
      await using opened = await open();
      const { store } = opened;
      await store.put("k", bytes("good"));
      const read = await store.get("k");
      read?.value.fill(0);
      expect(text(await store.get("k"))).toBe("good");
    });
  });
}
