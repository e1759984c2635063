import fc from "fast-check";
import { expect, test } from "vitest";
import { MailBudget, shareBytesMin, tellBytesMax } from "../../src/actors/mail-budget.ts";
import { asksMax, Mailbox, tellsMax } from "../../src/actors/mailbox.ts";
import type { AskMessage, Message, TellMessage } from "../../src/actors/message.ts";

/** With its 128 bytes of its own, so many of these are as much as may be in memory. */
const large = "x".repeat(8_064);
const largeMax = tellBytesMax / 8_192;

function tell(sequence: number, payload?: string): TellMessage {
  const common = { method: "m", payload, messageId: `m${sequence}`, from: undefined, number: undefined };
  return {
    kind: "tell",
    sequence,
    attempts: 0,
    doom: undefined,
    trace: undefined,
    turnTrace: undefined,
    endedMs: undefined,
    ...common,
  };
}

function ask(name: number): AskMessage {
  const common = { method: "m", payload: undefined, messageId: `a${name}`, from: undefined, trace: undefined };
  const own = { chain: [], idempotencyKey: undefined, askId: `a${name}`, interrupt: undefined };
  return { kind: "ask", ...own, turnTrace: undefined, endedMs: undefined, answer: () => {}, ...common };
}

const sequenceOf = (message: Message | undefined) => (message?.kind === "tell" ? message.sequence : undefined);
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

/** The stream behind a mailbox, and the hands that move messages from one to the other. */
class Model {
  readonly mailbox = new Mailbox();
  readonly stream: number[] = [];
  readonly handed: number[] = [];
  /** Asks that wait. */
  asks = 0;
  #offered = 0;

  /** The reader hands over what the stream has next; gaps are other actors' messages. */
  arrive(gap: number): void {
    this.stream.push((this.stream.at(-1) ?? 0) + 1 + gap);
    this.#offer();
  }
  /** After a takeover the reader begins again further back. */
  readAgain(back: number): void {
    this.#offered = Math.max(0, this.#offered - back);
    while (this.#offered < this.stream.length) this.#offer();
  }
  ask(): void {
    if (this.mailbox.offerAsk(ask(this.asks)) === "queued") this.asks += 1;
  }
  take(most: number): void {
    for (let at = 0; at < most; at += 1) {
      const message = this.mailbox.take();
      if (message?.kind === "tell") this.handed.push(message.sequence);
      if (message?.kind === "ask") this.asks -= 1;
    }
  }
  refill(most: number): void {
    const from = this.mailbox.refillFrom;
    if (from === undefined) return;
    const found = this.stream.filter((sequence) => sequence >= from).slice(0, most);
    this.mailbox.refill(found.map((sequence) => tell(sequence, large)));
  }
  finish(): void {
    for (
      let rounds = 0;
      rounds < 10_000 && (this.mailbox.size > 0 || this.mailbox.refillFrom !== undefined);
      rounds += 1
    ) {
      this.take(100);
      this.refill(256);
    }
  }

  #offer(): void {
    const sequence = this.stream[this.#offered] ?? 0;
    this.#offered += 1;
    this.mailbox.offerTell(tell(sequence, large));
  }
}

const anyStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("arrive" as const), count: fc.integer({ min: 1, max: 200 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("readAgain" as const), count: fc.nat(300) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("ask" as const), count: fc.nat(50) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("take" as const), count: fc.nat(200) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("refill" as const), count: fc.integer({ min: 1, max: 256 }) }),
  },
);
type Step = typeof anyStep extends fc.Arbitrary<infer S> ? S : never;

function perform(model: Model, { kind, count }: Step): void {
  if (kind === "arrive") for (let at = 0; at < count; at += 1) model.arrive(at % 3);
  else if (kind === "ask") for (let at = 0; at < count; at += 1) model.ask();
  else model[kind](count);
}

const always = (law: (model: Model) => void) =>
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40, size: "max" }), (steps) => {
      const model = new Model();
      for (const step of steps) {
        perform(model, step);
        law(model);
      }
    }),
    { numRuns: 150 },
  );

test("B1: whatever is deferred, read again or repeated, tells are handed out in order, each once, and all of them", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40, size: "max" }), (steps) => {
      const model = new Model();
      for (const step of steps) perform(model, step);
      model.finish();
      expect(model.handed).toEqual(model.stream);
    }),
    { numRuns: 150 },
  );
});

test("B1: what is at or below the last that was queued is covered", () => {
  const mailbox = new Mailbox();
  expect([5, 5, 3, 6].map((sequence) => mailbox.offerTell(tell(sequence)))).toEqual([
    ...["queued", "covered", "covered", "queued"],
  ]);
});

test("B2: so many tells, or bytes, are in memory, and the oldest that is not handed out is always known", () => {
  always(({ mailbox, stream, handed, asks }) => {
    const waiting = stream.slice(handed.length);
    expect(mailbox.size - asks).toBeLessThanOrEqual(largeMax);
    expect(mailbox.oldestSequence === undefined).toBe(waiting.length === 0);
    // What is deferred may begin with other actors' messages, never with one that was handed out.
    if (waiting[0] !== undefined) expect(mailbox.oldestSequence).toBeLessThanOrEqual(waiting[0]);
    expect(mailbox.oldestSequence ?? Number.POSITIVE_INFINITY).toBeGreaterThan(handed.at(-1) ?? 0);
  });
  for (const [room, payload] of [
    [tellsMax, undefined],
    [largeMax, large],
  ] as const) {
    const mailbox = new Mailbox();
    const outcomes = upTo(room + 50).map((sequence) => mailbox.offerTell(tell(sequence, payload)));
    expect(outcomes.indexOf("deferred")).toBe(room);
    expect([mailbox.size, outcomes.at(-1), mailbox.refillFrom]).toEqual([room, "deferred", undefined]);
    for (let at = 0; at < room / 2; at += 1) mailbox.take();
    expect(mailbox.refillFrom).toBe(room + 1);
  }
});

test("B2: while something is deferred every new tell is deferred too, and an empty read means that it is gone", () => {
  const mailbox = new Mailbox();
  for (const sequence of upTo(largeMax + 1)) mailbox.offerTell(tell(sequence, large));
  while (mailbox.take() !== undefined);
  expect(mailbox.offerTell(tell(largeMax + 2))).toBe("deferred");
  expect(mailbox.refill([])).toBe(0);
  expect([mailbox.refillFrom, mailbox.offerTell(tell(largeMax + 3))]).toEqual([undefined, "queued"]);
});

test("G1, G2: what all mailboxes hold is bounded, each has a part of what is free, and none is ever without any", () => {
  const payload = "x".repeat(896); // 1 KiB with what is its own.
  const budget = new MailBudget(2 * tellBytesMax);
  const mailboxes = upTo(600).map(() => new Mailbox(budget));
  const held = mailboxes.map((mailbox) => {
    for (const sequence of upTo(2_000)) mailbox.offerTell(tell(sequence, payload));
    return mailbox.size;
  });
  expect(held[0]).toBe(Math.ceil((2 * tellBytesMax) / 17 / 1_024));
  expect(held).toEqual([...held].sort((a, b) => b - a));
  expect([held[20], held.at(-1)]).toEqual([expect.toSatisfy((size) => size > 30), shareBytesMin / 1_024]);
  expect(budget.usedBytes).toBe(held.reduce((sum, size) => sum + size, 0) * 1_024);
  expect(budget.usedBytes).toBeLessThanOrEqual(budget.bytesMax + mailboxes.length * shareBytesMin);
  // Handed out and read again, the bound holds; the last one gets on as the first one does.
  for (const mailbox of [mailboxes[0], mailboxes.at(-1)]) {
    for (let handed = 0; handed < 2_000; handed += 1) {
      expect(sequenceOf(mailbox?.take())).toBe(handed + 1);
      const from = mailbox?.refillFrom;
      if (from === undefined || mailbox === undefined) continue;
      const most = mailbox.refillMost;
      mailbox.refill(upTo(Math.min(most, 2_001 - from)).map((at) => tell(from + at - 1, payload)));
    }
    expect(mailbox?.size).toBe(0);
  }
  for (const mailbox of mailboxes) mailbox.drop();
  expect(budget.usedBytes).toBe(0);
});

test("B3: one ask more than may wait is full, whatever tells wait", () => {
  const mailbox = new Mailbox();
  for (const sequence of upTo(100)) mailbox.offerTell(tell(sequence));
  const outcomes = upTo(asksMax + 1).map((name) => mailbox.offerAsk(ask(name)));
  expect(outcomes.indexOf("full")).toBe(asksMax);
  for (let at = 0; at < 101; at += 1) mailbox.take();
  expect(mailbox.offerAsk(ask(0))).toBe("queued");
  expect(mailbox.drop()).toHaveLength(asksMax);
  expect([mailbox.size, mailbox.oldestSequence]).toEqual([0, undefined]);
});

test("what is put back comes first in the order given, or behind as many as is said", () => {
  fc.assert(
    fc.property(fc.nat(10), fc.nat(5), fc.nat(5), (taken, back, behind) => {
      const mailbox = new Mailbox();
      for (const sequence of upTo(20)) mailbox.offerTell(tell(sequence));
      const all = upTo(taken).map(() => mailbox.take());
      const first = all.slice(0, back).filter((message) => message !== undefined);
      mailbox.putBack(first);
      const more = tell(99);
      mailbox.putBack([more], behind);
      const left = upTo(mailbox.size).map(() => sequenceOf(mailbox.take()));
      const wanted = [...first.map(sequenceOf), ...upTo(20).slice(taken)];
      wanted.splice(behind, 0, 99);
      expect(left).toEqual(wanted);
    }),
  );
});

test("an ask whose asker waits no longer is taken out, and leaves its place to others; others stay as they are", () => {
  const mailbox = new Mailbox();
  mailbox.offerTell(tell(1));
  for (let name = 0; name < asksMax; name += 1) mailbox.offerAsk(ask(name));
  expect(mailbox.offerAsk(ask(-1))).toBe("full");
  expect(mailbox.withdraw("a7")).toMatchObject({ message: { askId: "a7" }, before: 8 });
  expect([mailbox.withdraw("a7"), mailbox.withdraw("m1")]).toEqual([undefined, undefined]);
  expect(mailbox.offerAsk(ask(-1))).toBe("queued");
  expect(mailbox.take()?.messageId).toBe("m1");
  expect(mailbox.withdraw("a0")).toMatchObject({ message: { askId: "a0" }, before: 0 });
  expect([mailbox.take()?.messageId, mailbox.size]).toEqual(["a1", asksMax - 2]);
});

test("B5: when the partition is given away the tells that wait are let go of, and hold the cursor; asks stay", () => {
  const mailbox = new Mailbox();
  for (const sequence of [3, 5, 8]) mailbox.offerTell(tell(sequence));
  mailbox.offerAsk(ask(1));
  expect(mailbox.leaveTells()).toBe(0); // Not yet.
  expect(sequenceOf(mailbox.take())).toBe(3);
  mailbox.isLeaving = true;
  expect([mailbox.leaveTells(), mailbox.size, mailbox.oldestSequence, mailbox.refillFrom]).toEqual([
    2,
    1,
    5,
    undefined,
  ]);
  // What ran and is undone comes back, and is let go of too.
  mailbox.putBack([tell(3)]);
  expect([mailbox.leaveTells(), mailbox.oldestSequence]).toEqual([1, 3]);
  expect(mailbox.offerTell(tell(9))).toBe("deferred");
  expect([mailbox.take()?.messageId, mailbox.take()]).toEqual(["a1", undefined]);
});
