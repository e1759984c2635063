import fc from "fast-check";
import { expect, test } from "vitest";
import { addressOf, checkName, escapeId, idBytesMax, keyOf, unescapeId } from "../../src/core/ids.ts";
import { checkKey } from "../../src/kv/keys.ts";

const anyId = fc
  .oneof(fc.string({ unit: "binary", minLength: 1, maxLength: 80 }), fc.string({ minLength: 1, maxLength: 80 }))
  .filter((id) => id.isWellFormed() && Buffer.byteLength(id) <= idBytesMax);

test("I1: escaping is injective, and its image is one harmless token", () => {
  fc.assert(
    fc.property(anyId, anyId, (a, b) => {
      expect(escapeId(a)).toMatch(/^[A-Za-z0-9_=-]+$/);
      expect(escapeId(a) === escapeId(b)).toBe(a === b);
      expect(unescapeId(escapeId(a))).toBe(a);
      expect(checkKey(keyOf({ type: "t", id: a }))).toBe(`t.${escapeId(a)}`);
    }),
    { numRuns: 500 },
  );
});

test("I1: ids that would reach another subject, break a line or look escaped do not", () => {
  expect(["a.b", "*", ">", "a b", "a\r\nb", "=", "=2E", "\0", "😀", "ä", "/", "$SYS"].map(escapeId)).toEqual([
    ...["a=2Eb", "=2A", "=3E", "a=20b", "a=0D=0Ab", "=3D", "=3D2E", "=00", "=F0=9F=98=80", "=C3=A4", "=2F", "=24SYS"],
  ]);
});

test("I2: common ids stay as they are", () => {
  for (const id of ["c1", "user_42", "a-b-c", "-", "_", "0", "x".repeat(idBytesMax)]) expect(escapeId(id)).toBe(id);
});

test("I3: only the canonical form is read back", () => {
  for (const token of [
    "",
    "=",
    "=4",
    "=41",
    "=2e",
    "=2G",
    "a.b",
    "=C3",
    "=FF=FF",
    "=ED=A0=80",
    "a b",
    "x".repeat(257),
  ]) {
    expect(unescapeId(token), token).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9_=-]{1,30}$/), (token) => {
      const id = unescapeId(token);
      if (id !== undefined) expect(escapeId(id)).toBe(token);
    }),
    { numRuns: 500 },
  );
});

test("an id has 1 to 256 bytes and no half characters", () => {
  expect(() => escapeId("ä".repeat(128))).not.toThrow();
  for (const id of ["", "x".repeat(257), "ä".repeat(129), "\ud800", "a\udc00", 5, null, undefined, {}]) {
    expect(() => escapeId(id as string)).toThrow(expect.objectContaining({ code: "ID_INVALID" }));
  }
});

test("an address and its key belong to each other, and what is no key has no address", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,20}$/), anyId, (type, id) => {
      expect(addressOf(keyOf({ type, id }))).toEqual({ type, id });
    }),
  );
  for (const key of ["", ".", "a", "a.", ".a", "a.b.c", "1a.b", "a.=41", `${"t".repeat(65)}.a`]) {
    expect(addressOf(key), key).toBeUndefined();
  }
});

test("names start with a letter and hold letters, digits, `_` and `-`, at most 64", () => {
  for (const name of ["a", "A-1_b", "x".repeat(64)]) expect(checkName("a method", name)).toBe(name);
  for (const name of ["", "1a", "-a", "_wake", "a.b", "a b", "ä", "x".repeat(65), 5, undefined]) {
    expect(() => checkName("a method", name as string)).toThrow(expect.objectContaining({ code: "NAME_INVALID" }));
  }
});
