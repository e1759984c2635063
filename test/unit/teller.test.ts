import fc from "fast-check";
import { expect, test } from "vitest";
import type { RuntimeEvent } from "../../src/core/events.ts";
import { EventStream } from "../../src/core/events.ts";
import { duplicateWindowMsDefault } from "../../src/runtime/mail.ts";
import type { MemoryFault } from "../../src/runtime/memory-faults.ts";
import { openMemoryMail } from "../../src/runtime/memory-mail.ts";
import { subjectsOf } from "../../src/runtime/subjects.ts";
import { Teller } from "../../src/runtime/teller.ts";
import { worldWithFaults } from "./runtime-doubles.ts";

const to = { partition: 0, key: "a.x", method: "see" };

function stage(faults: readonly (MemoryFault | undefined)[], duplicateWindowMs = duplicateWindowMsDefault) {
  const { world, clock } = worldWithFaults("append", faults, { duplicateWindowMs });
  const subjects = subjectsOf("app", "main");
  const mail = openMemoryMail({ world, subjects, name: "teller" });
  const events = new EventStream();
  const teller = new Teller(clock, events, duplicateWindowMs);
  const heard = new Map<number, string>();
  const tell = (n: number, timeoutMs?: number) =>
    teller.tell(mail, to, String(n), timeoutMs === undefined ? undefined : { timeoutMs }).then(
      () => void heard.set(n, "stored"),
      ({ code }: { readonly code: string }) => void heard.set(n, code),
    );
  const stored = () =>
    world
      .stream(subjects.mailStream)
      .partition(subjects.mailPrefix(0))
      .letters.map(({ payload }) => Number(Buffer.from(payload).toString()));
  return { world, clock, mail, teller, events, tell, heard, stored };
}

test("W1: a message is stored once, however often it is tried", async () => {
  const { clock, tell, heard, stored } = stage([{ lose: "answer" }, { cutForMs: 200 }, { lose: "answer" }]);
  await clock.runFor(tell(1));
  expect([heard.get(1), stored()]).toEqual(["stored", [1]]);
});

test("W1: what may be stored is not tried again when the server may know its id no more, however much time it has", async () => {
  const lost = { lose: "request" } as const;
  const { clock, tell, heard, stored } = stage([{ lose: "answer" }, lost, lost, lost], 10_000);
  await clock.runFor(tell(1, 60_000));
  expect([heard.get(1), stored()]).toEqual(["OUTCOME_UNKNOWN", [1]]);
  expect(clock.monotonicMs()).toBeLessThan(10_000);
  // What is known to be nowhere is tried as long as there is time.
  const later = stage([], 10_000);
  later.world.cut("teller");
  const waiting = later.tell(2, 60_000);
  await later.clock.advance(30_000);
  later.world.restore("teller");
  await later.clock.runFor(waiting);
  expect([later.heard.get(2), later.stored()]).toEqual(["stored", [2]]);
});

test("what is too large is refused before anything is sent, and told of like every tell that ends", async () => {
  const { mail, teller, events, stored } = stage([]);
  const seen: RuntimeEvent[] = [];
  events.listen((event) => seen.push(event));
  const text = "x".repeat(mail.payloadBytesMax + 1);
  expect(() => teller.tell(mail, to, text, undefined)).toThrow("bytes");
  expect([seen, stored()]).toEqual([[expect.objectContaining({ kind: "told", code: "PAYLOAD_TOO_LARGE" })], []]);
});

test("what is refused rejects at once with TELL_REFUSED and is not stored", async () => {
  const { clock, tell, heard, stored } = stage([{ refuse: "no space left on device" }]);
  await clock.runFor(tell(1));
  expect([heard.get(1), stored(), clock.monotonicMs()]).toEqual(["TELL_REFUSED", [], 0]);
});

test("what was never sent rejects with TELL_REFUSED, what may be stored with OUTCOME_UNKNOWN, at its deadline", async () => {
  const { world, clock, tell, heard } = stage([{ lose: "request" }, { lose: "request" }]);
  await clock.runFor(tell(1, 4_000));
  expect([heard.get(1), clock.monotonicMs()]).toEqual(["OUTCOME_UNKNOWN", 4_000]);
  world.cut("teller");
  await clock.runFor(tell(2, 1_000));
  expect(heard.get(2)).toBe("TELL_REFUSED");
  expect(clock.monotonicMs()).toBeLessThanOrEqual(5_000);
  const waiting = tell(3);
  await clock.advance(3_000);
  world.restore("teller");
  await clock.runFor(waiting);
  expect(heard.get(3)).toBe("stored");
});

test("W2: while one is being tried again the later ones wait behind it", async () => {
  const { clock, tell, stored } = stage([{ cutForMs: 300, lose: "request" }]);
  const tells = [1, 2, 3].map((n) => tell(n));
  await clock.advance(100);
  tells.push(tell(4));
  await clock.advance(400);
  tells.push(tell(5));
  await clock.runFor(Promise.all(tells));
  expect(stored()).toEqual([1, 2, 3, 4, 5]);
});

test("W2: when a later one was stored, a message is not tried again but rejects", async () => {
  const { clock, tell, heard, stored } = stage([{ lose: "request" }]);
  await clock.runFor(Promise.all([tell(1), tell(2)]));
  expect([...heard]).toEqual([
    [2, "stored"],
    [1, "OUTCOME_UNKNOWN"],
  ]);
  expect(stored()).toEqual([2]);
});

test("W2: nor when a later one was given up on and may be stored", async () => {
  const { clock, tell, heard, stored } = stage([{ lose: "request" }, { lose: "answer" }]);
  await clock.runFor(Promise.all([tell(1), tell(2, 500)]));
  expect([heard.get(1), heard.get(2), stored()]).toEqual(["OUTCOME_UNKNOWN", "OUTCOME_UNKNOWN", [2]]);
});

test("W2: a retry waits for the later first attempts that are still under way", async () => {
  const late: MemoryFault = { answerDelayMs: 2_500 };
  const { clock, tell, heard, stored } = stage([{ lose: "request" }, late]);
  const first = tell(1);
  await clock.advance(2_000);
  await clock.runFor(Promise.all([first, tell(2)]));
  expect([heard.get(1), heard.get(2), stored()]).toEqual(["OUTCOME_UNKNOWN", "stored", [2]]);
});

test("W1, W2: whatever breaks, what is stored stands once and in the order of the calls, and what was heard is true", async () => {
  const anyFault = fc.option(
    fc.oneof(
      fc.record({ cutForMs: fc.nat(2_000) }),
      fc.record({ cutForMs: fc.nat(2_000), lose: fc.constant("request" as const) }),
      fc.record({ lose: fc.constant("answer" as const) }),
      fc.record({ delayMs: fc.nat(5_000), answerDelayMs: fc.nat(5_000) }),
    ),
    { nil: undefined, freq: 1 },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyFault, { maxLength: 12 }),
      fc.array(fc.nat(1_500), { maxLength: 12 }),
      async (faults, gaps) => {
        const { clock, tell, heard, stored } = stage(faults);
        const tells: Promise<void>[] = [];
        for (const [at, gap] of gaps.entries()) {
          tells.push(tell(at, gap % 2 === 0 ? 10_000 : 2_000));
          await clock.advance(gap);
        }
        await clock.runFor(Promise.all(tells));
        await clock.advance(30_000);
        const there = stored();
        expect(there).toEqual([...new Set(there)].sort((a, b) => a - b));
        for (const [n, outcome] of heard) {
          if (outcome === "stored") expect(there).toContain(n);
          else if (outcome === "TELL_REFUSED") expect(there).not.toContain(n);
          else expect(outcome).toBe("OUTCOME_UNKNOWN");
        }
      },
    ),
    { numRuns: 300 },
  );
});
