import fc from "fast-check";
import { expect, test } from "vitest";
import { escapeId } from "../../src/core/ids.ts";
import { partitionCountDefault, partitionOf } from "../../src/core/partition.ts";

/** FNV-1a 32 as its authors write it, over bytes. */
function fnv1a(bytes: Uint8Array): number {
  let hash = 2_166_136_261n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 16_777_619n) % 2n ** 32n;
  return Number(hash);
}

test("frozen: these actors are in these partitions for ever, or their mail is stranded", () => {
  const partitions = [
    ["counter", "c1"],
    ["counter", "c2"],
    ["customer", "anna"],
    ["a", "b"],
    ["support-desk", "=F0=9F=98=80"],
    ["t", "x".repeat(256)],
  ].map(([type = "", id = ""]) => [partitionOf(type, id, 64), partitionOf(type, id, 7)]);
  expect(partitions).toEqual([
    [35, 6],
    [54, 4],
    [47, 6],
    [10, 2],
    [52, 6],
    [35, 3],
  ]);
});

test("the hash is FNV-1a 32 over the bytes of type and escaped id", () => {
  const anyId = fc.string({ unit: "binary", minLength: 1, maxLength: 40 }).filter((id) => id.isWellFormed());
  fc.assert(
    fc.property(
      fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,20}$/),
      anyId,
      fc.integer({ min: 1, max: 5_000 }),
      (type, id, count) => {
        const escaped = escapeId(id);
        expect(partitionOf(type, escaped, count)).toBe(fnv1a(Buffer.from(type + escaped)) % count);
      },
    ),
  );
});

test("the test vectors of the hash's authors hold", () => {
  for (const [text, hash] of [
    ["a", 0xe40c292c],
    ["foobar", 0xbf9cf968],
  ] as const) {
    expect(fnv1a(Buffer.from(text))).toBe(hash);
    expect(partitionOf(text, "", 2 ** 32)).toBe(hash);
  }
});

test("actors spread evenly over the partitions", () => {
  const counts = new Array<number>(partitionCountDefault).fill(0);
  for (let at = 0; at < 64_000; at += 1) {
    const partition = partitionOf("customer", `c${at}`, partitionCountDefault);
    counts[partition] = (counts[partition] ?? 0) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(800);
  expect(Math.max(...counts)).toBeLessThan(1_200);
});
