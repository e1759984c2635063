import fc from "fast-check";
import { expect, test } from "vitest";
import { applyGivenUp } from "../../src/actors/apply-failure.ts";
import { applyDone, applyStep, findKeptAnswer, findRepeat, findStep } from "../../src/actors/apply-turn.ts";
import type { AskMessage, Message, TellMessage } from "../../src/actors/message.ts";
import type { Snapshot } from "../../src/actors/snapshot.ts";
import { firstSnapshot, printSnapshot, readSnapshot } from "../../src/actors/snapshot.ts";
import type { Sending, TurnOutcome } from "../../src/actors/turn.ts";
import { TroupeError } from "../../src/core/errors.ts";

type Done = TurnOutcome & { readonly kind: "done" };

const frame = {
  method: "m",
  payload: undefined,
  from: undefined,
  trace: undefined,
  turnTrace: undefined,
  endedMs: undefined,
};
const tell = (sequence: number, more: Partial<TellMessage> = {}): TellMessage => ({
  ...{ ...frame, kind: "tell", sequence, messageId: `m${sequence}`, number: undefined, attempts: 1, doom: undefined },
  ...more,
});
const ask = (messageId: string, idempotencyKey?: string): AskMessage => ({
  ...{
    ...frame,
    kind: "ask",
    messageId,
    idempotencyKey,
    chain: [],
    askId: messageId,
    interrupt: undefined,
    answer: () => {},
  },
});
const sending = (to: string): Sending => ({ to, method: "see", inputText: "1", trace: undefined });
const done = (more: Partial<Done> = {}): Done => ({
  ...{ kind: "done", state: { n: 1 }, isChanged: true, sendings: [], resultText: undefined },
  ...more,
});
const fresh: Snapshot = { ...firstSnapshot({ n: 0 }, 1), sent: 0 };

test("P2: a tell that was applied is known again by its sequence, and by its sender's number", () => {
  const told = tell(5, { from: "a.b", number: 7 });
  const { next } = applyDone(fresh, told, done());
  expect(findRepeat(fresh, told)).toBeUndefined();
  expect(findRepeat(next, told)).toBe("applied");
  expect(findRepeat(next, tell(4))).toBe("applied");
  expect(findRepeat(next, tell(6))).toBeUndefined();
  // The same sending, stored a second time by the server.
  expect(findRepeat(next, tell(9, { from: "a.b", number: 7 }))).toBe("applied");
  expect(findRepeat(next, tell(9, { from: "a.b", number: 8 }))).toBeUndefined();
  expect(findRepeat(next, tell(9, { from: "a.c", number: 7 }))).toBeUndefined();
});

test("P2: of any stream with repeats, read from anywhere, each message is applied once and in order", () => {
  const anyStream = fc.array(fc.record({ sender: fc.constantFrom("a.1", "a.2"), repeats: fc.boolean() }));
  fc.assert(
    fc.property(anyStream, fc.array(fc.nat(20), { maxLength: 5 }), (sendings, restarts) => {
      const numbers = new Map<string, number>();
      const stream: TellMessage[] = [];
      for (const { sender, repeats } of sendings) {
        const number = (numbers.get(sender) ?? 0) + (repeats && numbers.has(sender) ? 0 : 1);
        numbers.set(sender, number);
        stream.push(tell(stream.length + 1, { from: sender, number }));
      }
      let snapshot = fresh;
      const applied: string[] = [];
      for (const from of [...restarts, 0]) {
        for (const message of stream.slice(Math.min(from, snapshot.inbox.seq))) {
          if (findRepeat(snapshot, message) !== undefined) continue;
          applied.push(`${message.from} ${message.number}`);
          snapshot = applyDone(snapshot, message, done()).next;
        }
      }
      expect(applied).toEqual([...new Set(stream.map(({ from, number }) => `${from} ${number}`))]);
    }),
  );
});

test("P3: what a turn sends goes into the outbox with numbers that only grow, and guards the message behind it", () => {
  const first = applyDone(fresh, tell(5), done({ isChanged: false, sendings: [sending("a.b"), sending("a.c")] }));
  expect(first.isDirty).toBe(true);
  expect(first.next.outbox.map((entry) => [entry.n, "to" in entry ? entry.to : ""])).toEqual([
    [1, "a.b"],
    [2, "a.c"],
  ]);
  expect([first.next.sent, first.next.guard, first.next.inbox.seq]).toEqual([2, 5, 5]);
  const second = applyDone(first.next, ask("a1"), done({ sendings: [sending("a.b")] }));
  expect(second.next.outbox.map(({ n }) => n)).toEqual([1, 2, 3]);
  expect([second.next.sent, second.next.guard]).toEqual([3, 5]);
});

test("a turn that changed nothing and sent nothing leaves nothing to commit", () => {
  for (const message of [tell(5), ask("a1")]) {
    const { next, isDirty } = applyDone(fresh, message, done({ isChanged: false, state: fresh.state }));
    expect([next, isDirty]).toEqual([fresh, false]);
  }
});

test("the answer to an idempotency key is kept with the commit, also when it is nothing", () => {
  for (const [resultText, wanted] of [
    ["5", "5"],
    ['{"__proto__":1}', '{"__proto__":1}'],
    ["null", "null"],
    [undefined, undefined],
  ] as const) {
    const message = ask("a1", "key");
    const { next, isDirty } = applyDone(fresh, message, done({ isChanged: false, resultText }));
    expect(isDirty).toBe(true);
    expect(findRepeat(next, message)).toBe("kept-reply");
    expect(findKeptAnswer(next, message)).toEqual({ kind: "ok", text: wanted });
  }
  const other: Message = ask("a1", "other");
  const { next } = applyDone(fresh, ask("a1", "key"), done());
  expect([findRepeat(next, other), findKeptAnswer(next, other), findKeptAnswer(next, ask("a1"))]).toEqual([
    ...[undefined, undefined, undefined],
  ]);
});

test("P7: what was given up on counts as applied, goes to the dead letters and changes nothing else", () => {
  const told = tell(5, { from: "a.b", number: 7, attempts: 3, trace: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` });
  const stepped = applyStep(fresh, told, "s", "1");
  const next = applyGivenUp(stepped, told, new TroupeError("HANDLER_FAILED", "x".repeat(5_000)));
  expect(findRepeat(next, told)).toBe("applied");
  expect({ ...next, inbox: fresh.inbox, outbox: [], sent: 0, guard: 0 }).toEqual(fresh);
  const reason = "x".repeat(1_024);
  const dead = { seq: 5, method: "m", code: "HANDLER_FAILED", reason, attempts: 3 };
  expect(next.outbox).toEqual([{ n: 1, dead, trace: told.trace }]);
  expect([next.sent, next.guard]).toEqual([1, 5]);
  expect(readSnapshot("a.b", Buffer.from(printSnapshot(next, '{"n":0}'))).outbox).toEqual(next.outbox);
});

test("steps belong to their message: others' are neither found nor let go, whoever comes between", () => {
  const [first, second] = [tell(5), ask("key:k", "k")];
  let snapshot = applyStep(fresh, second, "__proto__", '{"a":1}');
  snapshot = applyStep(snapshot, first, "s", "null");
  expect([findStep(snapshot, second, "__proto__"), findStep(snapshot, first, "s")]).toEqual(['{"a":1}', "null"]);
  expect([findStep(snapshot, first, "__proto__"), findStep(snapshot, second, "toString")]).toEqual([
    ...[undefined, undefined],
  ]);
  snapshot = applyDone(snapshot, first, done()).next;
  expect([findStep(snapshot, second, "__proto__"), findStep(snapshot, first, "s")]).toEqual(['{"a":1}', undefined]);
});
