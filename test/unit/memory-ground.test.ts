import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { isTroupeError } from "../../src/core/errors.ts";
import { matcherOf } from "../../src/kv/keys.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import type { NewEntry } from "../../src/memory/entry.ts";
import { printRecord, readRecord, storedEntry, toEntry } from "../../src/memory/entry.ts";
import { printFact, readFact, storedFact } from "../../src/memory/fact.ts";
import { changeHead, checkEra, firstHead, parseHead, printHead, readHead } from "../../src/memory/head.ts";
import { factKey, headKey, indexOf, placeOf, positionOf, recordKey, recordOf } from "../../src/memory/memory-keys.ts";
import type { Scope } from "../../src/memory/scope.ts";
import { anyId, isUnder, parseScope, readScope, scopeKey, scopePattern } from "../../src/memory/scope.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";

const codeOf = (act: () => unknown): string | undefined => {
  try {
    act();
    return undefined;
  } catch (thrown) {
    return isTroupeError(thrown) ? thrown.code : String(thrown);
  }
};

// Ids that try to look like other parts of a key.
const ids = fc.oneof(
  fc.constantFrom("log", "fact", "head", "session", "user", "*", ">", "a.b", "=2A", "shared"),
  fc.string({ minLength: 1, maxLength: 15, unit: "binary" }).filter((id) => id.isWellFormed()),
);
const scopes: fc.Arbitrary<Scope> = fc
  .record(
    {
      shared: ids,
      user: ids,
      agent: fc.record({ type: fc.constantFrom("customer", "log", "session", "x-1"), id: ids }),
      session: ids,
    },
    { requiredKeys: [] },
  )
  .filter((scope) => Object.keys(scope).length > 0);
const longId = "=".repeat(256); // 768 characters in a key.

describe("a scope", () => {
  test("S1: has one key text whatever the order of its parts, and is read back from it", () => {
    fc.assert(
      fc.property(scopes, (scope) => {
        const reversed = Object.fromEntries(Object.entries(scope).reverse()) as Scope;
        expect(scopeKey(reversed)).toBe(scopeKey(scope));
        expect(parseScope(scopeKey(scope))).toEqual(scope);
      }),
    );
  });

  test("S1: two scopes never share a key, whatever stands behind them", () => {
    fc.assert(
      fc.property(scopes, scopes, ids, (one, other, name) => {
        fc.pre(scopeKey(one) !== scopeKey(other));
        expect(factKey(one, name)).not.toBe(factKey(other, name));
        expect(recordKey(one, 7)).not.toBe(recordKey(other, 7));
        expect(headKey(one)).not.toBe(headKey(other));
      }),
    );
  });

  test("S2: lies under the one that it begins with, and under no other", () => {
    const anna = { user: "anna" };
    expect(isUnder({ user: "anna", session: "s1" }, anna)).toBe(true);
    expect(isUnder(anna, anna)).toBe(true);
    expect(isUnder({ user: "annabel" }, anna)).toBe(false);
    expect(isUnder({ session: "s1" }, anna)).toBe(false);
    expect(matcherOf(`${scopePattern({ user: "anna" })}.>`)(recordKey({ user: "anna", session: "s1" }, 3))).toBe(true);
  });

  test("is readable in the nats CLI", () => {
    expect(scopeKey({ session: "s1", user: "anna", agent: { type: "customer", id: "c/1" } })).toBe(
      "user.anna.agent.customer.c=2F1.session.s1",
    );
    expect(scopePattern({ user: anyId, session: "s1" })).toBe("user.*.session.s1");
    expect(scopeKey({ user: "*" })).toBe("user.=2A");
  });

  test.each([
    [{}, "SCOPE_INVALID"],
    [null, "SCOPE_INVALID"],
    [{ usr: "anna" }, "SCOPE_INVALID"],
    [{ user: longId, session: longId }, "SCOPE_INVALID"],
    [{ user: "" }, "ID_INVALID"],
    [{ user: { type: "a", id: "b" } }, "SCOPE_INVALID"],
    [{ agent: "a" }, "SCOPE_INVALID"],
    [{ agent: { type: "a.b", id: "c" } }, "NAME_INVALID"],
    [{ agent: { type: "a" } }, "ID_INVALID"],
  ])("refuses %j with %s", (scope, code) => {
    expect(codeOf(() => scopeKey(scope as Scope))).toBe(code);
  });

  test.each(["", "user", "user.", "user.anna.log.00000001", "anna", "session.s1.user.anna", "agent.a.b.c", "user.=2a"])(
    "is not read from %j",
    (text) => {
      expect(codeOf(() => parseScope(text))).toBe("SCOPE_INVALID");
    },
  );
});

describe("a key", () => {
  test("says what stands there", () => {
    fc.assert(
      fc.property(scopes, ids, fc.integer({ min: 1, max: 99_999_999 }), (scope, name, record) => {
        expect(placeOf(headKey(scope))).toEqual({ kind: "head", scope });
        expect(placeOf(recordKey(scope, record))).toEqual({ kind: "record", scope, record });
        expect(placeOf(factKey(scope, name))).toEqual({ kind: "fact", scope, name });
      }),
    );
  });

  test("of a record sorts as records do, and a position leads back to it", () => {
    const [nine, ten] = [recordKey({ user: "a" }, 9), recordKey({ user: "a" }, 10)];
    expect([ten, nine].sort()).toEqual([nine, ten]);
    expect(recordOf(positionOf(42, 255))).toBe(42);
    expect(indexOf(positionOf(42, 255))).toBe(255);
    expect(positionOf(42, 255)).toBeLessThan(positionOf(43, 0));
  });

  test.each([
    "user.anna",
    "user.anna.log.1",
    "user.anna.log.00000001.x",
    "user.anna.fact",
    "user.anna.other",
    "x.y.head",
  ])("%s is none of the memory's", (key) => {
    expect(placeOf(key)).toBeUndefined();
    expect(readScope(key)?.facet).not.toBe("head");
  });
});

describe("an entry", () => {
  const place = { scope: { user: "anna" }, record: 42, key: "user.anna.log.00000042", revision: 7, writtenAtMs: 1_000 };
  const entries: fc.Arbitrary<NewEntry> = fc.record(
    {
      text: fc.string({ unit: "binary" }),
      role: fc.constantFrom("user", "assistant", "clerk"),
      id: fc.string({ minLength: 1, maxLength: 20 }),
      kind: fc.constantFrom("turn", "observation", "tool", "summary"),
      speaker: fc.string({ minLength: 1, maxLength: 20 }),
      data: fc.jsonValue() as fc.Arbitrary<never>,
      atMs: fc.integer(),
      pinned: fc.boolean(),
      cause: fc.string({ minLength: 1, maxLength: 20 }),
      trace: fc.constant("0123456789abcdef0123456789abcdef"),
    },
    { requiredKeys: ["text"] },
  );

  test("is read back as it was given, by itself or among others", () => {
    fc.assert(
      fc.property(fc.array(entries, { minLength: 1, maxLength: 5 }), (given) => {
        const text = printRecord(given.map((entry, at) => storedEntry(entry, `own-${at}`, 1)));
        const read = readRecord("k", text).map((stored, at) => toEntry(stored, at, place));
        for (const [at, entry] of given.entries()) {
          const { text: words, role = "user", kind = "turn", pinned = false, atMs = 1_000, id = `own-${at}` } = entry;
          const { speaker, cause, trace } = entry;
          const position = 42_000 + at;
          expect(read[at]).toMatchObject({
            text: words,
            role,
            kind,
            pinned,
            atMs,
            id,
            speaker,
            cause,
            trace,
            position,
          });
          expect(read[at]?.data).toEqual(JSON.parse(JSON.stringify(entry.data ?? null)) ?? entry.data);
        }
      }),
    );
  });

  test("has its text in front and leaves out what is the default", () => {
    expect(printRecord([storedEntry({ text: "Hello", role: "user", kind: "turn", pinned: false }, "e1", 1)])).toBe(
      '{"text":"Hello","id":"e1"}',
    );
  });

  test.each([
    [{ text: 1 }],
    [undefined],
    [{ text: "a", role: "" }],
    [{ text: "a", id: "x".repeat(257) }],
    [{ text: "a", kind: "joke" }],
    [{ text: "a", atMs: Number.NaN }],
    [{ text: "a", trace: "0" }],
  ])("%j is refused with ENTRY_INVALID", (entry) => {
    expect(codeOf(() => storedEntry(entry as unknown as NewEntry, "e1", 1))).toBe("ENTRY_INVALID");
  });

  test("of a tombstone there is none, and what is no record is MEMORY_UNREADABLE", () => {
    expect(readRecord("k", "")).toEqual([]);
    for (const text of ["{", "7", "[7]", '{"text":"a"}', '{"id":"a"}']) {
      expect(codeOf(() => readRecord("k", text))).toBe("MEMORY_UNREADABLE");
    }
  });
});

describe("a fact", () => {
  test("is read back as it was given, its value in front", () => {
    const text = printFact(storedFact({ plan: "gold" }, { ttlMs: 500, by: "anna" }, "w1", 2, 1_000));
    expect(text).toBe('{"value":{"plan":"gold"},"expires":1500,"by":"anna","v":2,"id":"w1"}');
    expect(readFact("k", text)).toEqual(JSON.parse(text));
  });

  test.each([
    [{ validFromMs: Number.NaN }],
    [{ validFromMs: 5, validUntilMs: 5 }],
    [{ ttlMs: 0 }],
    [{ ttlMs: 1.5 }],
    [{ by: "" }],
    [{ trace: "zz" }],
  ])("%j is refused with FACT_INVALID", (options) => {
    expect(codeOf(() => storedFact(1, options, "w1", 1, 0))).toBe("FACT_INVALID");
  });

  test("of which scope and name are too long for a key is refused with FACT_INVALID", () => {
    expect(codeOf(() => factKey({ user: longId }, longId))).toBe("FACT_INVALID");
    expect(codeOf(() => factKey({ user: "anna" }, ""))).toBe("FACT_INVALID");
  });

  test("without a value is no fact", () => {
    expect(codeOf(() => printFact({ value: undefined as never, id: "w1" }))).toBe("FACT_INVALID");
    expect(codeOf(() => readFact("k", '{"id":"w1"}'))).toBe("MEMORY_UNREADABLE");
  });
});

describe("a head", () => {
  const scope = { user: "anna" };

  test("is read back as it was written", () => {
    const head = {
      ...firstHead,
      era: 3,
      pins: [1_000],
      summary: { position: 9_000, covers: 8_000 },
      forks: ["user.b"],
    };
    expect(parseHead("k", Buffer.from(printHead(head)))).toEqual(head);
    expect(parseHead("k", Buffer.from(printHead(firstHead)))).toEqual(firstHead);
    expect(printHead(firstHead)).toBe('{"era":1,"first":1,"floor":0}');
    expect(codeOf(() => parseHead("k", Buffer.from("{}")))).toBe("MEMORY_UNREADABLE");
  });

  test("that many change at once loses no change", async () => {
    await using store = await openMemoryStore({ bucket: "heads", history: 1 });
    const pins = Array.from({ length: 30 }, (_, at) => at);
    await Promise.all(
      pins.map((pin) => changeHead(store, scope, systemClock, (head) => ({ ...head, pins: [...head.pins, pin] }))),
    );
    expect([...(await readHead(store, scope)).head.pins].sort((a, b) => a - b)).toEqual(pins);
  });

  test("H1: refuses what was formed in another era, or while it is being erased", () => {
    expect(codeOf(() => checkEra("user.anna", firstHead, 1))).toBeUndefined();
    expect(codeOf(() => checkEra("user.anna", { ...firstHead, era: 2 }, 1))).toBe("SCOPE_ERASED");
    expect(codeOf(() => checkEra("user.anna", { ...firstHead, erasing: { id: "e", atMs: 1 } }, 1))).toBe(
      "SCOPE_ERASED",
    );
  });
});

describe("the codecs of values", () => {
  const reversing = {
    id: "reversed",
    encode: (bytes: Uint8Array) => bytes.toReversed(),
    decode: (bytes: Uint8Array) => bytes.toReversed(),
  };

  test("V2, V3: a coded value names its codec, plain ones are read beside it, an unknown one is refused", async () => {
    const codecs = new ValueCodecs([reversing]);
    const coded = await codecs.encode('{"text":"a"}');
    expect(Buffer.from(coded).toString()).toBe('~reversed\n}"a":"txet"{');
    expect(await codecs.decode("k", coded)).toBe('{"text":"a"}');
    expect(await codecs.decode("k", Buffer.from('{"text":"b"}'))).toBe('{"text":"b"}');
    expect(codeOf(() => new ValueCodecs().decode("k", coded))).toBe("CODEC_UNKNOWN");
    expect(codeOf(() => new ValueCodecs([{ ...reversing, id: "no good" }]))).toBe("OPTION_INVALID");
  });

  test("what a codec cannot read is MEMORY_UNREADABLE", async () => {
    const failing = {
      ...reversing,
      decode: () => {
        throw new Error("bad key");
      },
    };
    const reading = new ValueCodecs([failing]).decode("k", await new ValueCodecs([reversing]).encode("x"));
    await expect(reading).rejects.toMatchObject({ code: "MEMORY_UNREADABLE" });
  });
});
