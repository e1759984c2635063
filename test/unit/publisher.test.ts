import { expect, test } from "vitest";
import type { OutboxDead, OutboxMemory, OutboxSent, OutboxTell } from "../../src/actors/snapshot.ts";
import type { Timer, TimerWhen } from "../../src/actors/timer.ts";
import type { MemoryFault } from "../../src/runtime/memory-faults.ts";
import { openMemoryMail } from "../../src/runtime/memory-mail.ts";
import { Publisher } from "../../src/runtime/publisher.ts";
import { subjectsOf } from "../../src/runtime/subjects.ts";
import { worldWithFaults } from "./runtime-doubles.ts";

const entry = (n: number, to = "a.x"): OutboxTell => ({
  n,
  to,
  method: "see",
  inputText: String(n),
  trace: undefined,
});

function stage(faults: readonly (MemoryFault | undefined)[]) {
  const { world, clock } = worldWithFaults("append", faults);
  const subjects = subjectsOf("app", "main");
  const lost = new AbortController();
  const stored: number[] = [];
  const mail = openMemoryMail({ world, subjects, name: "sender" });
  const routeTo = () => Promise.resolve({ mail, partitionOf: () => 0 });
  const known: number[] = [];
  const onStored = ({ n }: OutboxSent, isNews: boolean) => void (isNews ? stored : known).push(n);
  const graves: ((isBuried: boolean) => void)[] = [];
  const bury = () => new Promise<boolean>((resolve) => graves.push(resolve));
  const remembering: { readonly numbers: number[]; readonly done: (isWritten: boolean) => void }[] = [];
  const remember = (entries: readonly OutboxMemory[]) =>
    new Promise<boolean>((done) => void remembering.push({ numbers: entries.map(({ n }) => n), done }));
  const timers = new Map<string, Timer>();
  const refusedTimers: string[] = [];
  const publisher = new Publisher({
    ...{ clock, from: "s.1", pool: undefined, routeTo, bury, remember, lost: lost.signal, onStored },
    timerOf: (name) => timers.get(name),
    onRefused: ({ timer }) => void refusedTimers.push(timer),
  });
  const inMail = (key: string) =>
    world
      .stream(subjects.mailStream)
      .partition(subjects.mailPrefix(0))
      .letters.filter((letter) => letter.key === key)
      .map(({ payload }) => Number(Buffer.from(payload).toString()));
  return { world, clock, mail, lost, stored, known, publisher, graves, remembering, inMail, timers, refusedTimers };
}

const refused: MemoryFault = { refuse: "no space left on device" };

test("O1: to one receiver entries go in order of their numbers, whatever becomes of each attempt", async () => {
  const { clock, publisher, stored, inMail } = stage([
    refused,
    { lose: "request" },
    undefined,
    { lose: "answer" },
    refused,
  ]);
  publisher.publish([entry(1), entry(2), entry(3)]);
  publisher.publish([entry(4)]);
  expect(publisher.pending).toBe(4);
  await clock.runUntil(() => publisher.pending === 0);
  expect(inMail("a.x")).toEqual([1, 2, 3, 4]);
  expect(stored).toEqual([1, 2, 3, 4]);
});

test("O1: receivers do not wait for each other", async () => {
  const { clock, publisher, stored, inMail } = stage([{ lose: "request" }]);
  publisher.publish([entry(1, "a.slow"), entry(2, "a.fast"), entry(3, "a.slow"), entry(4, "a.fast")]);
  await clock.advance(0);
  expect([stored, publisher.pending]).toEqual([[2, 4], 2]);
  await clock.runUntil(() => publisher.pending === 0);
  expect([inMail("a.slow"), inMail("a.fast")]).toEqual([
    [1, 3],
    [2, 4],
  ]);
});

test("what was stored before is known again, and what an attempt of its own has stored unheard is news", async () => {
  const { clock, mail, publisher, stored, known } = stage([undefined, undefined, { lose: "answer" }]);
  const to = { partition: 0, key: "a.x", method: "see" };
  await clock.runFor(mail.append(to, new Uint8Array(0), { messageId: "s.1:1" }, 1_000));
  publisher.publish([entry(1), entry(2)]);
  await clock.runUntil(() => publisher.pending === 0);
  expect([known, stored]).toEqual([[1], [2]]);
});

test("O2: an entry has the same message id at each attempt, so that it is stored once", async () => {
  const { clock, publisher, inMail } = stage([{ lose: "answer" }, { lose: "answer" }, { cutForMs: 100 }]);
  publisher.publish([entry(1)]);
  await clock.runUntil(() => publisher.pending === 0);
  expect(inMail("a.x")).toEqual([1]);
});

test("O2: it goes on for as long as the partition is owned, and not longer", async () => {
  const { clock, publisher, lost, stored, inMail } = stage(new Array(1_000).fill(refused));
  publisher.publish([entry(1), entry(2)]);
  await clock.advance(600_000);
  expect([publisher.pending, stored]).toEqual([2, []]);
  lost.abort();
  await clock.advance(600_000);
  expect([publisher.pending, stored, inMail("a.x")]).toEqual([2, [], []]);
});

test("an address that is none, or mail that is closed, harms nobody else", async () => {
  const { clock, publisher, mail, stored, lost } = stage([]);
  publisher.publish([entry(1, "not a key"), entry(2, "a.x")]);
  await clock.advance(10_000);
  expect([stored, publisher.pending]).toEqual([[2], 1]);
  await mail.close();
  publisher.publish([entry(3)]);
  await clock.advance(10_000);
  lost.abort();
  await clock.run();
  expect(stored).toEqual([2]);
});

test("P7: dead letters go one after the other beside the messages, and hold what the mail must keep until they are stored", async () => {
  const { clock, publisher, graves, stored } = stage([]);
  const dead = (n: number, seq: number): OutboxDead => ({
    ...{ n, dead: { seq, method: "m", code: "HANDLER_FAILED", reason: "no", attempts: 5 }, trace: undefined },
  });
  publisher.publish([dead(1, 40), entry(2), dead(3, 70)]);
  await clock.advance(1_000);
  expect([stored, graves.length, publisher.oldestDead]).toEqual([[2], 1, 40]);
  graves[0]?.(true);
  await clock.advance(1_000);
  expect([stored, graves.length, publisher.oldestDead]).toEqual([[2, 1], 2, 70]);
  graves[1]?.(false);
  await clock.advance(1_000);
  expect([stored, publisher.pending, publisher.oldestDead]).toEqual([[2, 1], 1, 70]);
});

test("O4: what is for one scope is handed over in order, what waits there together; scopes do not wait for each other", async () => {
  const { clock, publisher, remembering, stored } = stage([]);
  const write = (n: number, scope: string): OutboxMemory => ({ n, memory: { in: scope, entry: { text: String(n) } } });
  publisher.publish([write(1, "agent.a.x"), write(2, "shared.all"), write(3, "agent.a.x"), entry(4)]);
  publisher.publish([write(5, "agent.a.x"), write(6, "shared.all")]);
  expect([publisher.pending, publisher.pendingBytes > 0]).toEqual([6, true]);
  await clock.advance(0);
  expect(stored).toEqual([4]);
  expect(remembering.map(({ numbers }) => numbers)).toEqual([[1, 3], [2]]);
  remembering[0]?.done(true);
  await clock.advance(0);
  expect(remembering.map(({ numbers }) => numbers)).toEqual([[1, 3], [2], [5]]);
  remembering[2]?.done(true);
  remembering[1]?.done(false);
  await clock.advance(0);
  // Ownership was lost: the next owner writes what stands in the outbox.
  expect([stored, publisher.pending, remembering.length]).toEqual([[4, 1, 3, 5], 2, 3]);
});

const setting = (n: number, timer: string): OutboxSent => ({ n, timer, cancels: undefined, trace: undefined });
const cancelling = (n: number, timer: string, cancels: number): OutboxSent => ({
  n,
  timer,
  cancels,
  trace: undefined,
});
const timerOf = (n: number, when: TimerWhen): Timer => ({ n, method: "see", inputText: String(n), when });

test("O1, O2: timers are set and cancelled in order of their numbers, whatever becomes of each attempt", async () => {
  const { clock, mail, publisher, timers, stored, world } = stage([]);
  world.cut("sender");
  const inAnHour = (n: number) => timerOf(n, { kind: "at", atMs: clock.now() + 3_600_000 });
  const letters: string[] = [];
  await clock.runFor(
    openMemoryMail({ world, subjects: subjectsOf("app", "main") }).read(0, 1, ({ payload }) => {
      letters.push(Buffer.from(payload).toString());
    }),
  );
  timers.set("kept", inAnHour(1)).set("gone", inAnHour(2));
  publisher.publish([setting(1, "kept"), setting(2, "gone")]);
  publisher.publish([cancelling(3, "gone", 2), entry(4, "s.1")]);
  await clock.advance(1_000);
  expect(stored).toEqual([]);
  world.restore("sender");
  await clock.runUntil(() => publisher.pending === 0);
  expect(stored).toEqual([1, 2, 3, 4]);
  await clock.advance(3_600_000);
  expect(letters).toEqual(["4", "1"]);
  await mail.close();
});

test("O3: a timer that was replaced before its turn came is not set; one that no server takes is let go, and said", async () => {
  const { clock, publisher, timers, stored, refusedTimers, inMail } = stage([]);
  timers.set("replaced", timerOf(2, { kind: "at", atMs: clock.now() + 3_600_000 }));
  timers.set("bad", timerOf(3, { kind: "cron", cron: "0 0 9 * * *", timeZone: "Mars/Olympus" }));
  publisher.publish([setting(1, "replaced"), setting(3, "bad"), entry(4, "s.1")]);
  await clock.runUntil(() => publisher.pending === 0);
  expect([stored, refusedTimers]).toEqual([[1, 3, 4], ["bad"]]);
  await clock.advance(3_600_000);
  expect(inMail("s.1")).toEqual([4]);
});
