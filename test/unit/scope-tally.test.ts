// Sums of scopes, against a model that keeps everything.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { KvEntry } from "../../src/kv/store.ts";
import type { MemoryBucketName } from "../../src/memory/memory-change.ts";
import { ScopeTally } from "../../src/monitoring/scope-tally.ts";

type Shape = "empty" | "one" | "three" | "gone" | "fact" | "deletion" | "coded" | "strange";

const texts: Readonly<Record<Shape, string>> = {
  empty: "",
  one: '{"text":"hello","id":"a"}',
  three: '[{"text":"a","id":"1"},{"text":"b","id":"2","gone":1},{"text":"c","id":"3"}]',
  gone: '[{"text":"","id":"1","gone":1}]',
  fact: '{"value":{"city":"Oslo"},"id":"w"}',
  deletion: '{"value":null,"id":"w","expires":0}',
  coded: "~zip\nxyz",
  strange: "no json at all",
};
const entriesOf: Readonly<Record<Shape, number>> = {
  ...{ empty: 0, one: 1, three: 2, gone: 0, fact: 1, deletion: 1, coded: 1, strange: 1 },
};

interface Told {
  readonly bucket: MemoryBucketName;
  readonly key: string;
  readonly shape: Shape | "delete" | "expired";
}

const scopes = ["user.anna", "user.anna.session.s1", "agent.desk.d1", "shared.all"];
const kinds: Readonly<Record<string, string>> = {
  "user.anna": "user",
  "user.anna.session.s1": "user.session",
  "agent.desk.d1": "agent",
  "shared.all": "shared",
};
const told: fc.Arbitrary<Told> = fc.record({
  bucket: fc.constantFrom("memory" as const, "facts" as const),
  key: fc
    .tuple(
      fc.constantFrom(...scopes),
      fc.constantFrom("head", "log.00000001", "log.00000002", "fact.city", "fact.a=2Eb"),
    )
    .map((parts) => parts.join(".")),
  shape: fc.constantFrom(...(Object.keys(texts) as Shape[]), "delete" as const, "expired" as const),
});
type Step =
  | { readonly kind: "told"; readonly told: Told }
  | { readonly kind: "forget"; readonly bucket: MemoryBucketName };
const steps = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: told.map((one): Step => ({ kind: "told", told: one })) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom("memory" as const, "facts" as const)
        .map((bucket): Step => ({ kind: "forget", bucket })),
    },
  ),
  { maxLength: 60 },
);

const entryOf = ({ key, shape }: Told, writtenAtMs = 1): KvEntry => {
  const isPut = shape !== "delete" && shape !== "expired";
  const value = new Uint8Array(Buffer.from(isPut ? texts[shape] : ""));
  return { key, value, revision: 1, operation: isPut ? "put" : shape === "delete" ? "delete" : "expired", writtenAtMs };
};

/** By scope: entries, facts, bytes. */
function modelOf(standing: ReadonlyMap<string, Told>): Record<string, number[]> {
  const sums: Record<string, number[]> = {};
  for (const { key, shape } of standing.values()) {
    const scope =
      scopes
        .toReversed()
        .filter((each) => key.startsWith(`${each}.`))
        .sort((a, b) => b.length - a.length)[0] ?? "";
    if (shape === "delete" || shape === "expired") continue;
    sums[scope] ??= [0, 0, 0];
    const sum = sums[scope];
    const bytes = Buffer.byteLength(texts[shape]);
    if (key.includes(".log.")) sum[0] = (sum[0] ?? 0) + entriesOf[shape];
    if (key.includes(".fact.") && shape !== "empty") sum[1] = (sum[1] ?? 0) + (shape === "deletion" ? 0 : 1);
    sum[2] = (sum[2] ?? 0) + bytes;
  }
  return Object.fromEntries(Object.entries(sums).filter(([, [entries = 0, facts = 0]]) => entries + facts > 0));
}

test("T1: the sums are those of what was told last of each key, by scope and by kind, whatever was told before", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const tally = new ScopeTally();
      const standing = new Map<string, Told>();
      for (const step of all) {
        if (step.kind === "told") {
          standing.set(`${step.told.bucket} ${step.told.key}`, step.told);
          tally.take(step.told.bucket, entryOf(step.told));
        } else {
          tally.forget(step.bucket);
          for (const [name, { bucket }] of standing) if (bucket === step.bucket) standing.delete(name);
        }
      }
      const model = modelOf(standing);
      const sums = [...tally.scopes()].map(({ scope, entries, facts, bytes }) => [scope, [entries, facts, bytes]]);
      expect(Object.fromEntries(sums)).toEqual(model);
      const byKind: Record<string, number[]> = {};
      for (const [scope, [entries = 0, facts = 0]] of Object.entries(model)) {
        const kind = kinds[scope] ?? "";
        byKind[kind] ??= [0, 0, 0];
        const sum = byKind[kind];
        for (const [at, more] of [1, entries, facts].entries()) sum[at] = (sum[at] ?? 0) + more;
      }
      const held = [...tally.kinds].filter(([, sum]) => sum.scopes > 0);
      expect(Object.fromEntries(held.map(([kind, sum]) => [kind, [sum.scopes, sum.entries, sum.facts]]))).toEqual(
        byKind,
      );
    }),
    { numRuns: 500 },
  );
});

test("T2: keys beyond the bound are not counted and said to be left out; those that are known go on", () => {
  const tally = new ScopeTally({ keysMax: 2 });
  const put = (key: string, shape: Shape) => tally.take("facts", entryOf({ bucket: "facts", key, shape }));
  put("user.a.fact.x", "fact");
  put("user.b.fact.x", "fact");
  put("user.c.fact.x", "fact");
  put("user.a.fact.x", "coded");
  expect([tally.keys, tally.left]).toEqual([2, 1]);
  expect([...tally.scopes()].map(({ scope, bytes }) => [scope, bytes])).toEqual([
    ["user.a", texts.coded.length],
    ["user.b", texts.fact.length],
  ]);
  tally.take("facts", entryOf({ bucket: "facts", key: "user.b.fact.x", shape: "delete" }));
  put("user.c.fact.x", "fact");
  expect([...tally.scopes()].map(({ scope }) => scope)).toEqual(["user.a", "user.c"]);
});

test("what is none of the memory's keys, and a value of any size, harms nothing", () => {
  const tally = new ScopeTally();
  for (const key of ["user", "user.anna", "else.x.log.00000001", "user.anna.log.1", "user.anna.fact.a.b"]) {
    tally.take("memory", entryOf({ bucket: "memory", key, shape: "one" }));
  }
  expect([...tally.scopes()]).toEqual([]);
  const large = {
    ...entryOf({ bucket: "memory", key: "user.a.log.00000001", shape: "one" }),
    value: new Uint8Array(60_000_000).fill(0x7b),
  };
  tally.take("memory", large);
  tally.take("memory", { ...large, key: "user.a.log.00000002" });
  expect([...tally.scopes()]).toMatchObject([{ entries: 2, bytes: 120_000_000 }]);
  tally.take("memory", entryOf({ bucket: "memory", key: "user.a.log.00000001", shape: "three" }));
  expect([...tally.scopes()]).toMatchObject([{ entries: 3, bytes: 60_000_000 + texts.three.length }]);
});
