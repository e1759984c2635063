// The contract of a context log, part 1: appending (L1 to L3 of `log-writer.ts`, W1 to W3 of `log-append-step.ts`).

import { describe, expect, test } from "vitest";
import type { KvWrite } from "../../src/kv/store.ts";
import { valueBytesMaxDefault } from "../../src/kv/writes.ts";
import { recordKey } from "../../src/memory/memory-keys.ts";
import {
  beginErasure,
  codeOf,
  finishErasure,
  logOn,
  movableClock,
  readTexts,
  recordsOf,
  session,
  swappable,
  tapped,
  textsOf,
} from "./log-support.ts";
import type { OpenMemory } from "./memory-stores-support.ts";

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at + 1);

function withSignal(): { readonly signal: AbortSignal; abort(): void } {
  const control = new AbortController();
  return { signal: control.signal, abort: () => control.abort(new Error("no more")) };
}

export function logAppendContract(name: string, open: OpenMemory): void {
  describe(`${name}: appending to a log`, () => {
    test("an entry comes back as it was given, with its place", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      const trace = "0af7651916cd43dd8448eb211c80319c";
      const beganMs = opened.stores.clock.now();
      const { entries } = await log.append([
        { text: "I need my invoice", speaker: "Anna", cause: "m-1", trace, atMs: 1_700_000_000_000 },
        { text: "", role: "tool", kind: "tool", id: "call 7/é", data: { name: "find", found: [1, null, "ü"] } },
      ]);
      expect(entries.map(({ position, isDuplicate }) => [position, isDuplicate])).toEqual([
        [1_000, false],
        [1_001, false],
      ]);
      const [first, second] = await log.read().toArray();
      expect(first).toEqual({
        ...{
          scope: session,
          position: 1_000,
          id: entries[0]?.id,
          kind: "turn",
          role: "user",
          text: "I need my invoice",
        },
        ...{ speaker: "Anna", data: undefined, atMs: 1_700_000_000_000, pinned: false, cause: "m-1", trace },
        ...{ covers: undefined, schema: 1, key: recordKey(session, 1), revision: entries[0]?.revision },
      });
      expect(second).toMatchObject({ role: "tool", kind: "tool", id: "call 7/é", text: "" });
      expect(second?.data).toEqual({ name: "find", found: [1, null, "ü"] });
      expect(second?.atMs).toBeGreaterThanOrEqual(beganMs);
      expect(second?.atMs).toBeLessThanOrEqual(opened.stores.clock.now());
      expect(await log.get(1_001)).toEqual(second);
    });

    test("an empty log has no entries and no end; appending nothing writes nothing", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      expect(await log.append([])).toEqual({ entries: [] });
      expect([await readTexts(log), await log.end(), await log.get(1_000)]).toEqual([[], 0, undefined]);
      expect(await opened.stores.entries.list(">")).toEqual([]);
    });

    test("any text, id and scope comes back as it was: unicode, control characters, half a character", async () => {
      await using opened = await open();
      const scope = { user: "зоя.*>/=2A 🐈", agent: { type: "desk", id: "a b\n" } };
      const log = logOn(opened.stores, scope);
      const texts = ["zażółć 🐈", '\u0000\r\n\t"\\', "", "~deflate\nplain", "ключ".repeat(1_000)];
      for (const text of texts) await log.append({ text, id: `id ${text}`.slice(0, 200), speaker: "Ζωή" });
      const entries = await log.read().toArray();
      expect(textsOf(entries)).toEqual(texts);
      expect(entries.map(({ id }) => id)).toEqual(texts.map((text) => `id ${text}`.slice(0, 200)));
      expect(entries[0]?.scope).toEqual(scope);
      await log.append({ text: "\ud800" });
      expect((await log.read({ last: 1 }).toArray())[0]?.text).toBe("\ud800");
    });

    test("what is no entry is refused with what is wrong, and nothing is written", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      const cyclic: Record<string, unknown> = {};
      cyclic.self = cyclic;
      const bad: readonly (readonly [unknown, RegExp])[] = [
        [{ text: 1 }, /`text` must be a string/],
        [{ text: "x", role: "" }, /`role` must be a string of 1 to 64/],
        [{ text: "x", id: "i".repeat(257) }, /`id` must be/],
        [{ text: "x", kind: "thought" }, /`kind` must be one of/],
        [{ text: "x", atMs: Number.NaN }, /`atMs`/],
        [{ text: "x", trace: "zz" }, /`trace`/],
        [{ text: "x", data: cyclic }, /JSON/],
        [null, /must be an object/],
      ];
      for (const [entry, text] of bad) {
        const work = log.append([{ text: "good" }, entry as never]);
        await expect(work).rejects.toMatchObject({ code: "ENTRY_INVALID", message: expect.stringMatching(text) });
      }
      const many = Array.from({ length: 257 }, () => ({ text: "x" }));
      expect(await codeOf(log.append(many))).toBe("ENTRY_INVALID");
      expect(await opened.stores.entries.list(">")).toEqual([]);
    });

    test("what is too large for the bucket is PAYLOAD_TOO_LARGE at the door; what waits with it is written", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      const large = "x".repeat(valueBytesMaxDefault);
      const outcomes = await Promise.all([
        codeOf(log.append({ text: "before" })),
        codeOf(log.append([{ text: "small" }, { text: large }])),
        codeOf(log.append({ text: "after" })),
      ]);
      expect(outcomes).toEqual(["none", "PAYLOAD_TOO_LARGE", "none"]);
      await log.append({ text: large.slice(0, 900_000) });
      expect((await readTexts(log)).map((text) => text.length)).toEqual([6, 5, 900_000]);
    });

    test("L1: what is appended while a record is under way goes together, in the order of the calls", async () => {
      await using opened = await open();
      let creates = 0;
      const entries = tapped(opened.stores.entries, (method) => {
        if (method === "create") creates += 1;
      });
      const log = logOn({ ...opened.stores, entries });
      const wanted = upTo(1_000).map((n) => `turn ${n}`);
      const placed = await Promise.all(wanted.map((text) => log.append({ text })));
      expect(await readTexts(log)).toEqual(wanted);
      const positions = placed.map((one) => one.entries[0]?.position ?? 0);
      expect(positions).toEqual(positions.toSorted((x, y) => x - y));
      expect(creates).toBeLessThan(20);
      expect(await recordsOf(opened.stores)).toEqual(upTo(creates));
    });

    test("an append in steady state is one write and no read", async () => {
      await using opened = await open();
      const calls: string[] = [];
      const entries = tapped(opened.stores.entries, (method) => calls.push(method));
      const log = logOn({ ...opened.stores, entries });
      await log.append({ text: "first" });
      await log.append({ text: "named", id: "n-0" });
      calls.splice(0);
      for (let n = 1; n <= 5; n += 1) await log.append([{ text: "plain" }, { text: "named", id: `n-${n}` }]);
      expect(calls).toEqual(upTo(5).map(() => "create"));
    });

    test("L1, L2: 100 handles append at once: nothing is lost, nothing is twice, numbers have no gap", async () => {
      await using opened = await open();
      const stores = [opened.stores, await opened.openAnother()];
      const handles = upTo(100).map((n) => logOn(stores[n % 2] ?? opened.stores));
      const appended = await Promise.all(
        handles.map((log, at) => log.append([{ text: `a${at}` }, { text: `b${at}`, id: `given-${at}` }])),
      );
      const entries = await handles[0]?.read().toArray();
      expect(textsOf(entries ?? []).toSorted()).toEqual(handles.flatMap((_, at) => [`a${at}`, `b${at}`]).toSorted());
      expect(await recordsOf(opened.stores)).toEqual(upTo(100));
      for (const [at, { entries: placed }] of appended.entries()) {
        expect(placed.map(({ isDuplicate }) => isDuplicate)).toEqual([false, false]);
        const standing = entries?.filter(({ text }) => text === `a${at}` || text === `b${at}`) ?? [];
        expect(placed.map(({ id, position }) => [id, position])).toEqual(
          standing.map(({ id, position }) => [id, position]),
        );
      }
    });

    test("L2: who loses every race is told so after a bounded number of attempts, and nothing of it stands", async () => {
      await using opened = await open();
      const rival = await opened.openAnother();
      let rounds = 0;
      const entries = tapped(opened.stores.entries, async (method, [key]) => {
        if (method !== "create") return;
        rounds += 1;
        await rival.entries.create(String(key), Buffer.from(`{"text":"rival ${rounds}","id":"r${rounds}"}`));
      });
      // Waits between attempts are let go at once.
      const clock = { ...opened.stores.clock, random: () => 0 };
      const log = logOn({ ...opened.stores, entries, clock });
      const work = log.append({ text: "mine" });
      await expect(work).rejects.toMatchObject({ code: "WRITE_CONTENDED", retry: "later" });
      expect(rounds).toBe(100);
      expect((await readTexts(logOn(opened.stores))).every((text) => text.startsWith("rival"))).toBe(true);
    });

    test("an entry whose id stands already is not written again: in one call, at once, by others, much later", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      const [first] = (await log.append({ text: "one", id: "x" })).entries;
      const again = await log.append([{ text: "changed", id: "x" }, { text: "two" }, { text: "two again", id: "y" }]);
      expect(again.entries[0]).toEqual({ ...first, isDuplicate: true });
      expect(again.entries.map(({ isDuplicate }) => isDuplicate)).toEqual([true, false, false]);
      const twice = await log.append([
        { text: "three", id: "z" },
        { text: "three again", id: "z" },
      ]);
      expect(twice.entries.map(({ isDuplicate }) => isDuplicate)).toEqual([false, true]);
      expect(twice.entries[1]?.position).toBe(twice.entries[0]?.position);
      const others = await Promise.all(
        upTo(20).map(async (n) => logOn(n % 2 ? opened.stores : await opened.openAnother())),
      );
      const once = await Promise.all(others.map((other) => other.append({ text: "four", id: "w" })));
      const places = once.map(({ entries }) => entries[0]);
      expect(places.filter((place) => place?.isDuplicate === false)).toHaveLength(1);
      expect(new Set(places.map((place) => place?.position)).size).toBe(1);
      expect(await readTexts(log)).toEqual(["one", "two", "two again", "three", "four"]);
    });

    test("an id is known among the last `idempotencyEntries` entries, however they came to be there", async () => {
      await using opened = await open();
      const writer = logOn(opened.stores);
      for (let n = 1; n <= 30; n += 1)
        await writer.append([
          { text: "a", id: `a${n}` },
          { text: "b", id: `b${n}` },
        ]);
      const log = logOn(opened.stores, session, { idempotencyEntries: 10 });
      const isKnown = async (id: string) => (await log.append({ text: "again", id })).entries[0]?.isDuplicate;
      expect(await Promise.all(["b30", "a30", "b28", "a27"].map(isKnown))).toEqual([true, true, true, true]);
      expect(await isKnown("a1")).toBe(false);
      // Behind this handle's back:
      await writer.append({ text: "new", id: "new" });
      await writer.append(upTo(3).map((n) => ({ text: "more", id: `more${n}` })));
      expect([await isKnown("new"), await isKnown("more2")]).toEqual([true, true]);
    });

    test("W1: a handle that has not looked for long looks again, and does not take a number that was in use", async () => {
      await using opened = await open();
      const clock = movableClock();
      const log = logOn({ ...opened.stores, clock });
      await log.append({ text: "one" });
      const other = logOn(await opened.openAnother());
      await other.append({ text: "two" });
      await other.append({ text: "three" });
      await other.truncate({ after: 1_000 });
      // As after an hour, when the tombstones are no more.
      for (const record of [2, 3]) await opened.stores.entries.delete(recordKey(session, record));
      clock.ahead(11 * 60_000);
      const [entry] = (await log.append({ text: "four" })).entries;
      expect(entry?.position).toBe(4_000);
      expect(await readTexts(other)).toEqual(["one", "four"]);
    });

    test("L4: behind a bucket that was made anew nothing is written that nobody sees, and no id of the old one is known", async () => {
      await using opened = await open();
      await using anew = await open();
      const { store: entries, swap } = swappable(opened.stores.entries, anew.stores.entries);
      const log = logOn({ ...opened.stores, entries });
      for (let n = 1; n <= 5; n += 1) await log.append({ text: `old ${n}`, id: `${n}` });
      swap();
      const { entries: written } = await log.append([{ text: "new 1" }, { text: "new 2", id: "2" }]);
      expect(written.map(({ position, isDuplicate }) => [position, isDuplicate])).toEqual([
        [1_000, false],
        [1_001, false],
      ]);
      const other = logOn(anew.stores);
      await other.append({ text: "another's" });
      await log.append({ text: "new 3", id: "3" });
      const all = ["new 1", "new 2", "another's", "new 3"];
      expect([await readTexts(other), await readTexts(log)]).toEqual([all, all]);
      expect(await recordsOf(anew.stores)).toEqual([1, 2, 3]);
    });

    test("L4: when the bucket has come further than the old one, the next look tells; reading tells at once", async () => {
      await using opened = await open();
      await using anew = await open();
      const { store: entries, swap } = swappable(opened.stores.entries, anew.stores.entries);
      const clock = movableClock();
      const [log, reader] = [logOn({ ...opened.stores, entries, clock }), logOn({ ...opened.stores, entries })];
      for (let n = 1; n <= 5; n += 1) await log.append({ text: `old ${n}`, id: `${n}` });
      expect(await readTexts(reader)).toHaveLength(5);
      for (let n = 1; n <= 20; n += 1) await logOn(anew.stores, { user: "other" }).append({ text: `${n}` });
      await logOn(anew.stores).append({ text: "another's" });
      swap();
      expect(await readTexts(reader)).toEqual(["another's"]);
      await log.append({ text: "behind a gap" });
      clock.ahead(11 * 60_000);
      await log.append({ text: "new", id: "1" });
      const all = ["another's", "new"];
      expect([await readTexts(logOn(anew.stores)), await readTexts(log), await readTexts(reader)]).toEqual([
        all,
        all,
        all,
      ]);
    });

    test("L4, W2: what was formed in a later era than a bucket made anew is in is refused, what is formed from then on is not", async () => {
      await using opened = await open();
      await using anew = await open();
      const { store: entries, swap } = swappable(opened.stores.entries, anew.stores.entries);
      const log = logOn({ ...opened.stores, entries });
      await log.append({ text: "old" });
      await beginErasure(opened.stores);
      await finishErasure(opened.stores);
      expect(await readTexts(log)).toEqual([]);
      swap();
      expect(await codeOf(log.append({ text: "of era 2" }))).toBe("SCOPE_ERASED");
      await log.append({ text: "of era 1" });
      expect(await readTexts(logOn(anew.stores))).toEqual(["of era 1"]);
    });

    test("a call is taken back by its signal as long as it waits, and not when it is on its way", async () => {
      await using opened = await open();
      const [held, isOnItsWay] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const entries = tapped(opened.stores.entries, (method) => {
        if (method !== "create") return undefined;
        isOnItsWay.resolve();
        return held.promise;
      });
      const log = logOn({ ...opened.stores, entries });
      const { signal, abort } = withSignal();
      const first = log.append({ text: "on its way" }, { signal });
      await isOnItsWay.promise;
      const waits = codeOf(log.append({ text: "taken back" }, { signal }));
      const stays = log.append({ text: "stays" });
      abort();
      expect(await waits).toContain("no more");
      await expect(log.append({ text: "late" }, { signal })).rejects.toThrow("no more");
      held.resolve();
      await Promise.all([first, stays]);
      expect(await readTexts(log)).toEqual(["on its way", "stays"]);
    });

    test("a log takes a bounded number of calls that wait", async () => {
      await using opened = await open();
      const log = logOn(opened.stores, session, { queuedCallsMax: 3 });
      const codes = await Promise.all(upTo(6).map((n) => codeOf(log.append({ text: `${n}` }))));
      expect(codes.filter((code) => code === "WRITE_CONTENDED").length).toBeGreaterThan(0);
      expect(await readTexts(log)).toHaveLength(codes.filter((code) => code === "none").length);
    });

    test("records are what the `nats` command shows: JSON, the text in front", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await log.append({ text: "hello", role: "assistant", id: "a" });
      await log.append([
        { text: "b", id: "b" },
        { text: "c", id: "c", kind: "observation" },
      ]);
      const values = await opened.stores.entries.getMany([recordKey(session, 1), recordKey(session, 2)]);
      expect([...values.values()].map(({ value }) => Buffer.from(value).toString())).toEqual([
        '{"role":"assistant","text":"hello","id":"a"}',
        '[{"text":"b","id":"b"},{"text":"c","id":"c","kind":"observation"}]',
      ]);
      const conflict: KvWrite = await opened.stores.entries.create(recordKey(session, 2), new Uint8Array(0));
      expect(conflict.kind).toBe("conflict");
    });
  });
}
