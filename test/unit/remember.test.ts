// Writing to memories what commits have left, beside a log that refuses, is away, or belongs to a scope that was erased.

import { expect, test } from "vitest";
import type { OutboxMemory } from "../../src/actors/snapshot.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import { TroupeError } from "../../src/core/errors.ts";
import type { RuntimeEvent } from "../../src/core/events.ts";
import { EventStream } from "../../src/core/events.ts";
import { silentLogger } from "../../src/core/log.ts";
import type { NewEntry } from "../../src/memory/entry.ts";
import { remember } from "../../src/runtime/remember.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";
import type { WorkerMemory } from "../../src/runtime/worker-memory.ts";

/** `fate`: what the log answers to an append of these texts; undefined: it takes them. */
function stage(fate: (texts: readonly string[], attempt: number) => ErrorCode | undefined, era = 1) {
  const clock = createSimulatedClock({ seed: 1 });
  const lost = new AbortController();
  const records: string[][] = [];
  const events = new EventStream();
  const told: string[] = [];
  let attempts = 0;
  const tell = (event: RuntimeEvent) => {
    if (event.kind === "remembered") told.push(event.id);
    if (event.kind === "memory-refused") told.push(`${event.id} ${event.code}`);
  };
  events.listen(tell);
  const append = async (entries: readonly NewEntry[]) => {
    attempts += 1;
    const texts = entries.map(({ text }) => text);
    const code = fate(texts, attempts);
    if (code !== undefined) throw new TroupeError(code, "no");
    records.push(texts);
  };
  const memory = {
    open: async () => ({
      of: () => ({ log: { append } }),
      eras: async (scopes: readonly string[]) => new Map(scopes.map((scope) => [scope, { entries: era, facts: era }])),
    }),
  } as unknown as WorkerMemory;
  const self = { type: "a", id: "x" };
  const run = (texts: readonly string[], formed = 1) => {
    const entries = texts.map(
      (text, at): OutboxMemory => ({ n: at + 1, memory: { in: "agent.a.x", era: formed, entry: { text } } }),
    );
    return remember({ self, key: "a.x", memory, clock, events, log: silentLogger, lost: lost.signal }, entries);
  };
  return { clock, lost, records, told, run };
}

test("what waits together is appended together, under names that stay", async () => {
  const { records, told, run } = stage(() => undefined);
  expect(await run(["one", "two", "three"])).toBe(true);
  expect([records, told]).toEqual([[["one", "two", "three"]], ["a.x:1", "a.x:2", "a.x:3"]]);
});

test("M3: of several the one that is refused for good is let go and said, the others are written in order", async () => {
  const { records, told, run } = stage((texts) => (texts.includes("big") ? "PAYLOAD_TOO_LARGE" : undefined));
  expect(await run(["one", "big", "three"])).toBe(true);
  expect([records, told]).toEqual([
    [["one"], ["three"]],
    ["a.x:1", "a.x:2 PAYLOAD_TOO_LARGE", "a.x:3"],
  ]);
});

test("what may pass, and what people can repair, is tried again until it is written", async () => {
  const codes: readonly ErrorCode[] = ["SERVER_UNREACHABLE", "OUTCOME_UNKNOWN", "MEMORY_UNREADABLE", "CODEC_UNKNOWN"];
  const { clock, records, run } = stage((_, attempt) => codes[attempt - 1]);
  expect(await clock.runFor(run(["one"]))).toBe(true);
  expect(records).toEqual([["one"]]);
});

test("M2: what was formed before its scope was erased is let go; what was formed since waits for the erasure's end", async () => {
  const before = stage(() => "SCOPE_ERASED", 2);
  expect(await before.run(["old"], 1)).toBe(true);
  expect([before.records, before.told]).toEqual([[], ["a.x:1 SCOPE_ERASED"]]);
  const since = stage((_, attempt) => (attempt < 4 ? "SCOPE_ERASED" : undefined), 2);
  expect(await since.clock.runFor(since.run(["new"], 2))).toBe(true);
  expect([since.records, since.told]).toEqual([[["new"]], ["a.x:1"]]);
});

test("when ownership is lost it ends, and the next owner goes on", async () => {
  const { clock, lost, records, run } = stage(() => "SERVER_UNREACHABLE");
  const running = run(["one"]);
  await clock.advance(10_000);
  lost.abort();
  expect(await clock.runFor(running)).toBe(false);
  expect(records).toEqual([]);
});
