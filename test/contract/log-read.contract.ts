// The contract of a context log, part 2: reading (R1 of `log-read.ts`), older entries led to today's schema, codecs.

import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Entry } from "../../src/memory/entry.ts";
import type { ReadOptions } from "../../src/memory/log-calls.ts";
import { recordKey } from "../../src/memory/memory-keys.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";
import { codeOf, logOn, readTexts, session, tapped, textsOf } from "./log-support.ts";
import type { OpenMemory } from "./memory-stores-support.ts";

const turns = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    ...{ text: `t${at + 1}`, atMs: 1_000 * (at + 1), role: at % 2 === 0 ? "user" : "assistant" },
    kind: at % 5 === 4 ? ("observation" as const) : ("turn" as const),
  }));

export function logReadContract(name: string, open: OpenMemory): void {
  describe(`${name}: reading a log`, () => {
    test("ranges, the last ones, both orders, bounds of time, kinds, roles and a filter hold together", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      for (const turn of turns(6)) await log.append(turn); // Positions 1000 to 6000.
      await log.append(turns(12).slice(6)); // Positions 7000 to 7005.
      const read = async (options: ReadOptions) => textsOf(await log.read(options).toArray()).join(" ");
      const wanted: readonly (readonly [ReadOptions, string])[] = [
        [{}, "t1 t2 t3 t4 t5 t6 t7 t8 t9 t10 t11 t12"],
        [{ order: "newest" }, "t12 t11 t10 t9 t8 t7 t6 t5 t4 t3 t2 t1"],
        [{ from: 2_000, to: 4_000 }, "t2 t3 t4"],
        [{ after: 2_000, before: 4_000 }, "t3"],
        [{ from: 2_001, to: 7_001 }, "t3 t4 t5 t6 t7 t8"],
        [{ after: 7_000, before: 7_003 }, "t8 t9"],
        [{ after: 7_000, order: "newest", limit: 2 }, "t12 t11"],
        [{ last: 3 }, "t10 t11 t12"],
        [{ last: 3, order: "newest" }, "t12 t11 t10"],
        [{ last: 3, limit: 2 }, "t10 t11"],
        [{ last: 3, limit: 2, order: "newest" }, "t12 t11"],
        [{ last: 2, to: 3_000 }, "t2 t3"],
        [{ limit: 0 }, ""],
        [{ last: 0 }, ""],
        [{ from: 9_000 }, ""],
        [{ from: 3_000, to: 2_000 }, ""],
        [{ sinceMs: 3_000, untilMs: 5_000 }, "t3 t4"],
        [{ kinds: ["observation"] }, "t5 t10"],
        [{ roles: ["assistant"], last: 2 }, "t10 t12"],
        [{ filter: ({ text }) => text.length === 3 }, "t10 t11 t12"],
        [{ filter: ({ text }) => text.length === 2, last: 2 }, "t8 t9"],
        [{ kinds: [] }, ""],
      ];
      for (const pageSize of [undefined, 1, 2, 499]) {
        const paged = pageSize === undefined ? {} : { pageSize };
        for (const [options, texts] of wanted) {
          expect(await read({ ...options, ...paged }), JSON.stringify({ ...options, pageSize })).toBe(texts);
        }
      }
    });

    test("what makes no sense is refused before anything is read", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      const bad: readonly object[] = [
        ...[{ last: -1 }, { limit: 1.5 }, { from: -1 }, { to: Number.NaN }, { order: "up" }, { pageSize: 0 }],
        ...[{ pageSize: 500 }, { before: -5 }],
      ];
      for (const options of bad) expect(() => log.read(options), JSON.stringify(options)).toThrow(/must be/);
      expect(await codeOf(log.get(-1))).toBe("OPTION_INVALID");
    });

    test("a long log is read a page at a time, and no page more than is asked for", async () => {
      await using opened = await open();
      const writer = logOn(opened.stores);
      await Promise.all(turns(1_000).map((turn) => writer.append(turn)));
      for (const turn of turns(40)) await writer.append(turn);
      const sizes: number[] = [];
      const entries = tapped(opened.stores.entries, (method, [keys]) => {
        if (method === "getMany") sizes.push((keys as string[]).filter((key) => key.includes(".log.")).length);
      });
      const log = logOn({ ...opened.stores, entries });
      let count = 0;
      for await (const entry of log.read({ pageSize: 8 })) {
        count += 1;
        if (entry.text === "t1000") break;
      }
      expect(count).toBe(1_000);
      sizes.splice(0);
      expect(textsOf(await log.read({ last: 10 }).toArray())).toEqual(
        turns(40)
          .slice(30)
          .map(({ text }) => text),
      );
      // One look at what may have come since, and the ten.
      expect(sizes).toEqual([expect.any(Number), 10]);
    });

    test("R1: what is appended while a log is read is not in it; each reading of an iterable reads anew", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      for (const turn of turns(6)) await log.append(turn);
      const reading = log.read({ pageSize: 2 });
      const seen: string[] = [];
      for await (const { text } of reading) {
        seen.push(text);
        if (seen.length === 1) await logOn(await opened.openAnother()).append({ text: "late" });
      }
      expect(seen).toEqual(["t1", "t2", "t3", "t4", "t5", "t6"]);
      expect(textsOf(await reading.toArray()).at(-1)).toBe("late");
    });

    test("what another handle has written is read at once, however much it is", async () => {
      await using opened = await open();
      const [writer, reader] = [logOn(opened.stores), logOn(await opened.openAnother())];
      for (const count of [1, 2, 40, 3]) {
        for (const turn of turns(count)) await writer.append(turn);
        expect(await reader.end()).toBe(await writer.end());
        expect(textsOf(await reader.read({ last: 1 }).toArray())).toEqual([`t${count}`]);
      }
      expect(await readTexts(reader)).toHaveLength(46);
    });

    test("a reading ends with its signal", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      for (const turn of turns(6)) await log.append(turn);
      const control = new AbortController();
      const seen: string[] = [];
      const reading = (async () => {
        for await (const { text } of log.read({ pageSize: 1, signal: control.signal })) {
          seen.push(text);
          if (seen.length === 2) control.abort(new Error("enough"));
        }
      })();
      await expect(reading).rejects.toThrow("enough");
      expect(seen).toEqual(["t1", "t2"]);
    });

    test("a value that is no record is refused with its key, and says how to look at it", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await log.append({ text: "one" });
      await opened.stores.entries.put(recordKey(session, 2), Buffer.from('{"text":1}'));
      await expect(log.read().toArray()).rejects.toMatchObject({
        ...{ code: "MEMORY_UNREADABLE", message: expect.stringContaining(recordKey(session, 2)) },
      });
      expect(textsOf(await log.read({ to: 1_999 }).toArray())).toEqual(["one"]);
    });

    test("older entries are led to today's schema as they are read, and stay as they are in the store", async () => {
      await using opened = await open();
      const old = logOn(opened.stores);
      await old.append([
        { text: "said", data: { mood: "good" }, id: "a" },
        { text: "seen", id: "b" },
      ]);
      const upcasters = {
        1: (entry: { text: string; data?: { mood: string } }) => ({
          ...entry,
          data: { moods: [entry.data?.mood ?? "?"] },
        }),
        2: ({ data, ...entry }: { data: { moods: string[] } }) => ({
          ...entry,
          data: { ...data, count: data.moods.length },
        }),
      };
      const data = z.object({ moods: z.array(z.string()), count: z.number() });
      const log = logOn(opened.stores, session, { entrySchema: { version: 3, upcasters, data } });
      await log.append({ text: "new", data: { moods: [], count: 0 }, id: "c" });
      const read = (await log.read().toArray()).map((entry: Entry) => [entry.id, entry.schema, entry.data]);
      expect(read).toEqual([
        ["a", 3, { moods: ["good"], count: 1 }],
        ["b", 3, { moods: ["?"], count: 1 }],
        ["c", 3, { moods: [], count: 0 }],
      ]);
      const stored = await opened.stores.entries.get(recordKey(session, 1));
      expect(Buffer.from(stored?.value ?? []).toString()).toContain('"mood":"good"');
      expect(await codeOf(log.append({ text: "x", data: { moods: 1 } }))).toBe("ENTRY_INVALID");
      expect(await codeOf(old.read().toArray())).toBe("STATE_TOO_NEW");
      const reading = (options: object) =>
        codeOf(
          logOn(opened.stores, session, { entrySchema: { version: 3, ...options } })
            .read({ limit: 1 })
            .toArray(),
        );
      const throws = {
        ...upcasters,
        2: () => {
          throw new RangeError("no");
        },
      };
      expect(await reading({ upcasters: throws })).toBe("UPCAST_FAILED");
      expect(await reading({ upcasters: { ...upcasters, 2: () => ({ role: "user" }) } })).toBe("UPCAST_FAILED");
      expect(await reading({ upcasters: { 2: upcasters[2] } })).toBe("STATE_TOO_OLD");
      expect(await reading({ upcasters, data: z.object({ other: z.string() }) })).toBe("STATE_INVALID");
      expect(() => logOn(opened.stores, session, { entrySchema: { version: 2 } })).toThrow(/upcaster 1 is missing/);
      expect(() => logOn(opened.stores, session, { entrySchema: { version: 0 } })).toThrow(/version/);
    });

    test("values may be coded; plain ones from before stay readable, and who lacks the codec is told so", async () => {
      await using opened = await open();
      await logOn(opened.stores).append({ text: "plain" });
      const gzip = {
        id: "gzip",
        encode: (bytes: Uint8Array) => gzipSync(bytes),
        decode: (bytes: Uint8Array) => gunzipSync(bytes),
      };
      const log = logOn({ ...opened.stores, codecs: new ValueCodecs([gzip]) });
      await log.append({ text: "coded ".repeat(100), id: "c" });
      expect((await log.append({ text: "again", id: "c" })).entries[0]?.isDuplicate).toBe(true);
      expect(await readTexts(log)).toEqual(["plain", "coded ".repeat(100)]);
      expect(await codeOf(logOn(opened.stores).read().toArray())).toBe("CODEC_UNKNOWN");
      const stored = await opened.stores.entries.get(recordKey(session, 2));
      expect(stored?.value.length).toBeLessThan(200);
    });
  });
}
