// The contract of value codecs (src/memory/value-codec.ts, laws V1 to V3): any codec can be run through it.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeText } from "../../src/core/codec.ts";
import type { KvStore } from "../../src/kv/store.ts";
import { ContextLog } from "../../src/memory/context-log.ts";
import { Facts } from "../../src/memory/facts.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { type ValueCodec, ValueCodecs } from "../../src/memory/value-codec.ts";
import type { OpenMemory } from "./memory-stores-support.ts";

const anna = { user: "anna" };
const secret = "she drinks her tea at five, with two lumps of sugar";
/** Long enough that no coded bytes and no random id say them by chance, as they do say "tea" once in 100,000 values. */
const giveaways = ["drinks", "lumps of", "sugar"];

export interface CodecUnderTest {
  /** A codec as another process would make it: it shares nothing with the one before but what it was configured with. */
  make(): ValueCodec;
  /** Whether changed bytes are noticed, as a checksum or a signature does. */
  readonly noticesChanges: boolean;
}

const factsOf = (stores: MemoryStores, ...codecs: readonly ValueCodec[]): Facts =>
  new Facts({ stores: { ...stores, codecs: new ValueCodecs(codecs) }, scope: anna });

/** All that lies in a bucket, as text. */
async function dump(store: KvStore, pattern = ">"): Promise<string> {
  const entries = await Promise.all((await store.list(pattern)).map((key) => store.history(key)));
  return entries
    .flat()
    .map(({ value }) => decodeText(value))
    .join("\n");
}

const code = (expected: string) => expect.objectContaining({ code: expected });

export function valueCodecContract(name: string, { make, noticesChanges }: CodecUnderTest, open: OpenMemory): void {
  describe(`${name}: a codec of values`, () => {
    test("what is decoded, here or in another process, is what was encoded, byte for byte (V1)", async () => {
      const [here, there] = [make(), make()];
      expect(there.id).toBe(here.id);
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 5_000 }), async (bytes) => {
          const before = bytes.slice();
          const coded = await here.encode(bytes);
          expect(bytes).toEqual(before);
          expect(new Uint8Array(await there.decode(coded))).toEqual(before);
        }),
        { numRuns: 50 },
      );
      const large = new Uint8Array(1_000_000).map((_, at) => at % 251);
      expect(Buffer.compare(await there.decode(await here.encode(large)), large)).toBe(0);
    });

    test.skipIf(!noticesChanges)("bytes that were changed or cut off are refused, not guessed", async () => {
      const codec = make();
      const coded = await codec.encode(Buffer.from(secret));
      await fc.assert(
        fc.asyncProperty(fc.nat(coded.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
          const changed = Uint8Array.from(coded, (byte, index) => (index === at ? byte ^ by : byte));
          const read = async (bytes: Uint8Array) => Buffer.from(await codec.decode(bytes)).toString();
          // A header may hold bytes that mean nothing; what comes out is then the same.
          expect(await read(changed).catch(() => secret)).toBe(secret);
          expect(await read(coded.subarray(0, at)).catch(() => "refused")).toBe("refused");
        }),
        { numRuns: 50 },
      );
    });

    test("facts that are written with it lie coded in the store, named by the codec, and read as they were", async () => {
      await using opened = await open();
      const facts = factsOf(opened.stores, make());
      for (const each of ["one", "two"]) await facts.set(each, { [secret]: [secret, each] });
      await facts.merge("one", { [secret]: 1 });
      await facts.delete("two", { by: secret });
      const stored = await dump(opened.stores.facts);
      expect(stored).toContain(`~${make().id}\n`);
      for (const word of [...giveaways, "value"]) expect(stored).not.toContain(word);
      const another = factsOf(await opened.openAnother(), make());
      expect((await another.history("one")).map(({ fact }) => fact?.value)).toEqual([
        { [secret]: [secret, "one"] },
        { [secret]: 1 },
      ]);
      expect((await another.history("two")).at(-1)?.deletion?.by).toBe(secret);
      expect((await another.list()).facts.map((fact) => fact.name)).toEqual(["one"]);
    });

    test("entries of a log that are written with it lie coded in the store, and read as they were", async () => {
      await using opened = await open();
      const logOf = (stores: MemoryStores, ...codecs: readonly ValueCodec[]) =>
        new ContextLog({ stores: { ...stores, codecs: new ValueCodecs(codecs) }, scope: anna });
      const log = logOf(opened.stores, make());
      await logOf(opened.stores).append({ text: "plain" });
      await log.append([{ text: secret }, { text: "", data: { [secret]: secret }, pinned: true }]);
      await log.compact({ upTo: (await log.end()) - 1, summarize: () => `summary: ${secret}` });
      const records = await dump(opened.stores.entries, "user.anna.log.*");
      expect(records).toContain(`~${make().id}\n`);
      for (const word of [...giveaways, "summary"]) expect(records).not.toContain(word);
      const another = logOf(await opened.openAnother(), make());
      const texts = (await another.read().toArray()).map(({ text }) => text);
      expect(texts).toEqual(["plain", secret, "", `summary: ${secret}`]);
      await expect(logOf(opened.stores).read().toArray()).rejects.toEqual(code("CODEC_UNKNOWN"));
    });

    test("plain values and coded ones stand side by side, and the first codec is the one that writes (V3)", async () => {
      await using opened = await open();
      const { stores } = opened;
      await factsOf(stores).set("a", `plain, ${secret}`);
      const facts = factsOf(stores, make());
      await facts.update("a", (present) => `${present}, coded`);
      await facts.set("b", secret);
      const reversed: ValueCodec = {
        id: "reversed",
        encode: (bytes) => bytes.toReversed(),
        decode: (bytes) => bytes.toReversed(),
      };
      const both = factsOf(stores, reversed, make());
      await both.set("c", secret);
      expect((await both.history("a")).map(({ fact }) => fact?.value)).toEqual([
        `plain, ${secret}`,
        `plain, ${secret}, coded`,
      ]);
      const found = await both.getMany(["b", "c"]);
      expect([...found.values()].map(({ value }) => value)).toEqual([secret, secret]);
    });

    test("who lacks the codec is refused with its name, and changes nothing (V2)", async () => {
      await using opened = await open();
      const { stores } = opened;
      await factsOf(stores, make()).set("a", secret);
      const without = factsOf(stores);
      const refusal = expect.objectContaining({ code: "CODEC_UNKNOWN", message: expect.stringContaining(make().id) });
      const reads = [
        () => without.get("a"),
        () => without.list(),
        () => without.history("a"),
        () => without.merge("a", 1),
      ];
      for (const read of reads) await expect(read(), String(read)).rejects.toEqual(refusal);
      expect(await factsOf(stores, make()).get("a")).toMatchObject({ value: secret });
    });

    test("bytes that it cannot read are told of with their key", async () => {
      await using opened = await open();
      const { stores } = opened;
      await stores.facts.put("user.anna.fact.a", Buffer.from(`~${make().id}\nnot what it wrote`));
      const refusal = expect.objectContaining({ message: expect.stringContaining("user.anna.fact.a") });
      const reading = factsOf(stores, make()).get("a");
      await expect(reading).rejects.toEqual(refusal);
      await expect(reading).rejects.toEqual(code("MEMORY_UNREADABLE"));
    });
  });
}
