// A log against a list: whatever is done to it, by whichever handle, it reads as the list does.

import fc from "fast-check";
import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import type { Entry } from "../../src/memory/entry.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";
import { logOn } from "./log-support.ts";

interface Line {
  readonly position: number;
  readonly text: string;
}

type Act =
  | { readonly kind: "append"; readonly handle: number; readonly texts: readonly string[] }
  | { readonly kind: "named"; readonly handle: number; readonly id: number }
  | { readonly kind: "together"; readonly handle: number; readonly calls: number }
  | { readonly kind: "cut"; readonly handle: number; readonly share: number; readonly isAfter: boolean }
  | { readonly kind: "pin"; readonly handle: number; readonly share: number }
  | { readonly kind: "compact"; readonly handle: number; readonly keepLast: number }
  | { readonly kind: "fork"; readonly handle: number; readonly share: number };

const handle = fc.nat({ max: 2 });
const share = fc.double({ min: 0, max: 1, noNaN: true });
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("append"), handle, texts: fc.array(fc.string(), { maxLength: 4 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("named"), handle, id: fc.nat({ max: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("together"), handle, calls: fc.nat({ max: 5 }) }) },
  fc.record({ kind: fc.constant("cut"), handle, share, isAfter: fc.boolean() }),
  fc.record({ kind: fc.constant("pin"), handle, share }),
  fc.record({ kind: fc.constant("compact"), handle, keepLast: fc.nat({ max: 4 }) }),
  fc.record({ kind: fc.constant("fork"), handle, share }),
) as fc.Arbitrary<Act>;

class Model {
  lines: Line[] = [];
  pins: number[] = [];
  /** Ids of entries that stand, or stood and may be known still. */
  readonly places = new Map<string, number>();
  forks = 0;

  pick(part: number): number {
    return this.lines[Math.min(this.lines.length - 1, Math.floor(part * this.lines.length))]?.position ?? 0;
  }
}

async function openStores(): Promise<MemoryStores> {
  return {
    entries: await openMemoryStore({ bucket: "memory" }),
    facts: await openMemoryStore({ bucket: "facts", history: 16 }),
    ...{ clock: systemClock, codecs: new ValueCodecs() },
  };
}

test("whatever is appended, repeated, cut off, pinned, summarized and forked, a log reads as a list does", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 25 }), async (acts) => {
      const stores = await openStores();
      const handles = [0, 1, 2].map(() => logOn(stores, { session: "s0" }));
      const model = new Model();
      for (const one of acts) await perform(one, stores, handles, model);
      for (const log of handles) {
        const entries = await log.read().toArray();
        expect(entries.map(({ position, text }) => ({ position, text }))).toEqual(model.lines);
        expect(entries.filter(({ pinned }) => pinned).map(({ position }) => position)).toEqual(model.pins);
        expect(await log.read({ last: 3 }).toArray()).toEqual(entries.slice(-3));
        expect(await log.read({ order: "newest", pageSize: 2 }).toArray()).toEqual(entries.toReversed());
        expect(await log.end()).toBe(entries.at(-1)?.position ?? 0);
        const middle = model.pick(0.5);
        const around = (keep: (entry: Entry) => boolean) => entries.filter(keep);
        expect(await log.read({ after: middle }).toArray()).toEqual(around(({ position }) => position > middle));
        expect(await log.get(middle)).toEqual(around(({ position }) => position === middle)[0]);
      }
    }),
    { numRuns: 150 },
  );
});

async function perform(
  one: Act,
  stores: MemoryStores,
  handles: ReturnType<typeof logOn>[],
  model: Model,
): Promise<void> {
  const log = handles[one.handle] ?? logOn(stores);
  switch (one.kind) {
    case "append": {
      const { entries } = await log.append(one.texts.map((text) => ({ text })));
      model.lines.push(...entries.map(({ position }, at) => ({ position, text: one.texts[at] ?? "" })));
      return;
    }
    case "named": {
      const [entry] = (await log.append({ text: "named", id: `n${one.id}` })).entries;
      const position = entry?.position ?? 0;
      const standing = model.lines.some((line) => line.position === model.places.get(`n${one.id}`));
      if (standing) expect(entry).toMatchObject({ isDuplicate: true, position: model.places.get(`n${one.id}`) });
      else if (entry?.isDuplicate === false) model.lines.push({ position, text: "named" });
      model.places.set(`n${one.id}`, position);
      return;
    }
    case "together": {
      const calls = Array.from({ length: one.calls }, (_, at) => log.append([{ text: `a${at}` }, { text: `b${at}` }]));
      for (const [at, { entries }] of (await Promise.all(calls)).entries()) {
        model.lines.push(
          ...entries.map(({ position }, index) => ({ position, text: `${index === 0 ? "a" : "b"}${at}` })),
        );
      }
      return;
    }
    case "cut": {
      const position = model.pick(one.share);
      await log.truncate(one.isAfter ? { after: position } : { before: position });
      const stays = (at: number) => (one.isAfter ? at <= position : at >= position);
      model.lines = model.lines.filter((line) => stays(line.position));
      model.pins = model.pins.filter(stays);
      return;
    }
    case "pin": {
      const position = model.pick(one.share);
      if (model.lines.length === 0) return;
      await log.pin(position);
      model.pins = [...new Set([...model.pins, position])].toSorted((x, y) => x - y);
      return;
    }
    case "compact": {
      const outcome = await log.compact({ keepLast: one.keepLast, summarize: () => "sum" });
      if (outcome.kind === "compacted") model.lines.push({ position: outcome.summary.position, text: "sum" });
      return;
    }
    case "fork": {
      const at = model.pick(one.share);
      model.forks += 1;
      const scope = { session: `s${model.forks}` };
      await log.fork(scope, { at });
      // From here on the fork is the log, on new handles; what the other one has stays as it was.
      for (const index of handles.keys()) handles[index] = logOn(stores, scope);
      model.lines = model.lines.filter(({ position }) => position <= at);
      model.pins = model.pins.filter((position) => position <= at);
      // The fork gives these numbers to others.
      for (const [id, position] of model.places) if (position > at) model.places.delete(id);
    }
  }
}
