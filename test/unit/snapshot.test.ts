import fc from "fast-check";
import { expect, test } from "vitest";
import type { OutboxEntry, Snapshot } from "../../src/actors/snapshot.ts";
import {
  commitIdOf,
  emptyInbox,
  firstSnapshot,
  hasSeen,
  keptRepliesMax,
  keptSendersMax,
  keptStepsMax,
  printSnapshot,
  readSnapshot,
  withoutSteps,
  withReply,
  withSeen,
  withStep,
} from "../../src/actors/snapshot.ts";
import type { Timer, TimerWhen } from "../../src/actors/timer.ts";
import { timerAtMsMax, timerEveryMsMax } from "../../src/actors/timer.ts";
import { encodeText } from "../../src/core/codec.ts";
import type { TroupeError } from "../../src/core/errors.ts";
import { keyOf } from "../../src/core/ids.ts";
import { jsonOf } from "./json-values.ts";

// No backslashes: V8 13.6 (Node 24) may read one key for another after it has read one that holds a backslash. Try
// JSON.parse('{"a":1,"\\\\":1}') and then JSON.parse('{"a":1,"\\n":1}').
const unit = fc.string({ unit: "binary", minLength: 1, maxLength: 1 }).filter((char) => char !== "\\");
const anyText = fc.oneof(
  fc.string({ unit }),
  fc.constantFrom("__proto__", "constructor", "toString", "", '"', "\n", "\u2028", "😀", "1", "0"),
);
const anyJson = fc.jsonValue({ stringUnit: unit });
const anyKey = anyText
  .filter((id) => id !== "" && id.isWellFormed() && Buffer.byteLength(id) <= 256)
  .map((id) => keyOf({ type: "counter", id }));
const anyTrace = fc.option(fc.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/), { nil: undefined });
const anyMethod = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/);
const anyInputText = fc.option(
  anyJson.map((value) => JSON.stringify(value)),
  { nil: undefined },
);
const anyMessage: fc.Arbitrary<OutboxEntry> = fc.record({
  ...{ n: fc.maxSafeNat(), to: anyKey, method: anyMethod, inputText: anyInputText, trace: anyTrace },
});
const anyTimerEntry: fc.Arbitrary<OutboxEntry> = fc.record({
  ...{ n: fc.maxSafeNat(), timer: anyText, trace: anyTrace },
  cancels: fc.option(fc.maxSafeNat(), { nil: undefined }),
});
const anyDead: fc.Arbitrary<OutboxEntry> = fc.record({
  n: fc.maxSafeNat(),
  dead: fc.record({ seq: fc.nat(), method: anyMethod, code: anyMethod, reason: anyText, attempts: fc.nat() }),
  trace: anyTrace,
});
const anyWrite: fc.Arbitrary<OutboxEntry> = fc.record({
  n: fc.maxSafeNat(),
  memory: fc.oneof(
    fc.record({
      in: anyKey,
      era: fc.nat(),
      entry: fc.record({ text: anyText, role: anyMethod, data: fc.constant(null) }),
    }),
    fc.record({
      ...{ in: anyKey, era: fc.nat(), fact: anyText },
      change: fc.oneof(
        anyText.map((value) => ({ kind: "set" as const, value })),
        fc.record({ kind: fc.constant("merge" as const), value: fc.nat(), policy: fc.constant("sum" as const) }),
        fc.constant({ kind: "delete" as const }),
      ),
    }),
  ),
});
const anyWhen: fc.Arbitrary<TimerWhen> = fc.oneof(
  fc.record({ kind: fc.constant("at" as const), atMs: fc.nat(timerAtMsMax) }),
  fc.record({ kind: fc.constant("every" as const), everyMs: fc.nat(timerEveryMsMax) }),
  fc.record({ kind: fc.constant("cron" as const), cron: anyText, timeZone: anyText }),
);
const anyTimer: fc.Arbitrary<Timer> = fc.record({
  ...{ n: fc.maxSafeNat(), method: anyMethod, inputText: anyInputText, when: anyWhen },
});
const anySnapshot: fc.Arbitrary<Snapshot> = fc.record({
  state: anyJson,
  inbox: fc.record({
    seq: fc.nat(),
    from: fc.dictionary(anyKey, fc.nat(), { maxKeys: 5, noNullPrototype: true }),
  }),
  outbox: fc.array(fc.oneof(anyMessage, anyTimerEntry, anyDead, anyWrite), { maxLength: 3 }),
  timers: fc.dictionary(anyText, anyTimer, { maxKeys: 3, noNullPrototype: true }),
  sent: fc.maxSafeNat(),
  guard: fc.nat(),
  replies: fc.array(
    fc.oneof(
      anyText.map((key) => ({ key })),
      fc.record({ key: anyText, ok: anyJson }),
    ),
    { maxLength: 3 },
  ),
  steps: fc.array(
    fc.record({ of: anyText, done: fc.dictionary(anyText, anyJson, { maxKeys: 3, noNullPrototype: true }) }),
    { maxLength: 3 },
  ),
  parent: fc.option(
    fc.oneof(
      anyKey.map((key) => ({ key })),
      fc.record({ key: anyKey, method: anyMethod }),
    ),
    { nil: undefined },
  ),
  stopped: fc.option(fc.record({ code: anyText, message: anyText, at: anyText, seq: fc.nat() }), { nil: undefined }),
  schema: fc.constant(1),
  epoch: fc.nat(),
  commit: fc.stringMatching(/^[A-Za-z0-9-]{1,30}$/),
  trace: anyTrace,
});

const print = (snapshot: Snapshot) => printSnapshot(snapshot, JSON.stringify(snapshot.state));
const first = (state: unknown): Snapshot => ({ ...firstSnapshot(state, 1_000), commit: "c-1" });

test("what is printed is read back the same, whatever ids, keys and values hold", () => {
  fc.assert(
    fc.property(anySnapshot, (snapshot) => {
      const text = print(snapshot);
      const read = readSnapshot("counter.c", encodeText(text));
      // Without an outbox there is nothing to guard.
      const wanted = snapshot.outbox.length === 0 ? { ...snapshot, guard: 0 } : snapshot;
      expect(jsonOf(read)).toEqual(jsonOf({ ...wanted, state: JSON.parse(JSON.stringify(snapshot.state)) }));
      expect(print(read)).toBe(text);
      expect(commitIdOf(encodeText(text))).toBe(snapshot.commit);
    }),
  );
});

test("the state comes first, and what is empty is left out", () => {
  expect(print(first({ count: 1 }))).toBe('{"state":{"count":1},"sent":1000000,"schema":1,"epoch":0,"commit":"c-1"}');
  const full: Snapshot = {
    ...first([1]),
    inbox: { seq: 7, from: { "a.b": 2 } },
    outbox: [{ n: 3, to: "a.b", method: "m", inputText: '{"x":1}', trace: undefined }],
    guard: 6,
    timers: {
      ring: { n: 2, method: "m", inputText: "5", when: { kind: "at", atMs: 1_000 } },
      report: { n: 4, method: "m", inputText: undefined, when: { kind: "cron", cron: "0 0 9 * * *", timeZone: "UTC" } },
    },
    replies: [{ key: "k", ok: 5 }],
    steps: [{ of: "m1", done: { model: "text" } }],
    epoch: 4,
    trace: "t",
  };
  expect(print(full)).toBe(
    '{"state":[1],"inbox":{"seq":7,"from":{"a.b":2}},"outbox":[{"n":3,"to":"a.b","method":"m","input":{"x":1}}],' +
      '"guard":6,"timers":{"ring":{"n":2,"method":"m","input":5,"at":"1970-01-01T00:00:01.000Z"},' +
      '"report":{"n":4,"method":"m","cron":"0 0 9 * * *","timeZone":"UTC"}},' +
      '"sent":1000000,"replies":[{"key":"k","ok":5}],"steps":[{"of":"m1","done":{"model":"text"}}],' +
      '"schema":1,"epoch":4,"commit":"c-1","trace":"t"}',
  );
});

test("what is not ours is refused, and a newer schema is not guessed at", () => {
  const code = (text: string) => {
    try {
      readSnapshot("a.b", encodeText(text));
      return "read";
    } catch (thrown) {
      return (thrown as { code?: string }).code;
    }
  };
  for (const text of ["", "not json", "5", "null", '"x"', "[]", "{}", '{"state":1}', '{"commit":"c"}']) {
    expect(code(text), text).toBe("STATE_UNREADABLE");
    expect(commitIdOf(encodeText(text))).toBe(text.includes("commit") ? "c" : undefined);
  }
  expect(code('{"state":1,"schema":2,"commit":"c"}')).toBe("STATE_TOO_NEW");
  expect(code('{"state":null,"commit":"c"}')).toBe("read");
});

const nothing = [
  null,
  -1,
  1.5,
  "",
  "x",
  [],
  {},
  true,
  [null],
  [5],
  { n: 1 },
  [{}],
  [{ n: 1 }],
  { seq: -1 },
  { from: { "a.b": "1" } },
];
const entries = [
  ...[
    { to: "a.b", method: "m" },
    { n: -1, to: "a.b", method: "m" },
    { n: 1, to: "a", method: "m" },
    { n: 1, to: "a.b" },
  ],
  ...[
    { n: 1, to: "a.b", method: "m n" },
    { n: 1, to: "a.b", method: "m", pool: 5 },
    { n: 1, to: "a.b", method: "m", trace: '"' },
  ],
  ...[
    { n: 1, timer: 5 },
    { n: 1, timer: "t", cancels: "x" },
    { n: 1, dead: null },
    { n: 1, dead: { seq: 1, method: "m", code: "C" } },
  ],
  ...[
    { n: 1, memory: {} },
    { n: 1, memory: { in: "s" } },
    { n: 1, memory: { in: "s", fact: "f" } },
    { n: 1, errand: "task" },
  ],
  ...[
    { n: 1, errand: "task", input: 1, steps: [] },
    { n: 1, errand: '"', input: 1 },
    { n: 1, mirror: {} },
  ],
];
const timers = [
  { n: 1 },
  { n: 1, method: "m", at: "soon" },
  { n: "1", method: "m", everyMs: 5 },
  { n: 1, method: '"', everyMs: 5 },
];

test("a value that has a part in no form that we know is refused, wherever that is, before anything is done with it", () => {
  const faulty = (part: string, value: unknown) => {
    const text = JSON.stringify({ state: 1, commit: "c", [part]: value });
    try {
      readSnapshot("a.b", encodeText(text));
      return `read: ${text}`;
    } catch (thrown) {
      const { code, message } = thrown as TroupeError;
      return message.includes(`\`${part}\``) ? code : message;
    }
  };
  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    inbox: nothing.filter((value) => JSON.stringify(value) !== "{}" && JSON.stringify(value) !== '{"n":1}'),
    outbox: [...nothing.filter((value) => JSON.stringify(value) !== "[]"), ...entries.map((entry) => [entry])],
    timers: [5, "x", [], ...timers.map((timer) => ({ t: timer }))],
    sent: [null, "5", -1, 1e300, 0.5, []],
    guard: [null, "5", -1],
    replies: [null, {}, "x", [null], [{}], [{ key: 5 }]],
    steps: [null, {}, "x", [null], [{ of: "m" }], [{ of: "m", done: [] }]],
    parent: [null, "x", {}, { key: "a" }, { key: "a.b", pool: "" }, { key: "a.b", method: [] }],
    stopped: [null, "x", {}, { code: "C", message: "", at: "", seq: "1" }],
    epoch: [null, "1", -1],
    trace: [null, 5, '"'],
  };
  for (const [part, values] of Object.entries(wrong)) {
    for (const value of values) expect(faulty(part, value), JSON.stringify(value)).toBe("STATE_UNREADABLE");
  }
});

test("S1: the inbox's sequence only grows, and a sender's number says what was seen of it", () => {
  let inbox = withSeen(emptyInbox, 5);
  inbox = withSeen(inbox, 3, "a.b", 10);
  expect([inbox.seq, hasSeen(inbox, "a.b", 10), hasSeen(inbox, "a.b", 9), hasSeen(inbox, "a.b", 11)]).toEqual([
    ...[5, true, true, false],
  ]);
  for (const name of ["toString", "constructor", "__proto__", "hasOwnProperty"]) {
    expect(hasSeen(inbox, name, 1), name).toBe(false);
  }
});

test("senders, replies and steps are bounded: what was silent longest goes first", () => {
  let inbox = emptyInbox;
  for (let at = 0; at < keptSendersMax; at += 1) inbox = withSeen(inbox, at, `s.${at}`, 1);
  inbox = withSeen(inbox, 200, "s.0", 2);
  inbox = withSeen(inbox, 201, "s.new", 1);
  expect(Object.keys(inbox.from)).toHaveLength(keptSendersMax);
  expect([hasSeen(inbox, "s.0", 2), hasSeen(inbox, "s.1", 1), hasSeen(inbox, "s.2", 1)]).toEqual([true, false, true]);
  let replies: Snapshot["replies"] = [];
  let steps: Snapshot["steps"] = [];
  for (let at = 0; at < 100; at += 1) {
    replies = withReply(replies, { key: `k${at}`, ok: at });
    steps = withStep(steps, `m${at}`, "a", at);
  }
  expect([replies.length, replies[0]?.key, replies.at(-1)?.key]).toEqual([keptRepliesMax, "k36", "k99"]);
  expect(steps.map(({ of }) => of)).toEqual(Array.from({ length: keptStepsMax }, (_, at) => `m${92 + at}`));
});

test("steps of several messages are kept side by side, and let go by message", () => {
  let steps = withStep([], "m1", "__proto__", 1);
  steps = withStep(steps, "m2", "a", 2);
  steps = withStep(steps, "m1", "b", 3);
  expect(JSON.stringify(steps)).toBe('[{"of":"m2","done":{"a":2}},{"of":"m1","done":{"__proto__":1,"b":3}}]');
  expect(withoutSteps(steps, "m3")).toBe(steps);
  expect(withoutSteps(steps, "m2").map(({ of }) => of)).toEqual(["m1"]);
});

test("S3: the first number of a life begins at the time, so that it is above all numbers of a life before", () => {
  const [before, after] = [firstSnapshot(0, 1_767_225_600_000), firstSnapshot(0, 1_767_225_600_001)];
  expect(after.sent - before.sent).toBe(1_000);
  expect(Number.isSafeInteger(firstSnapshot(0, Date.UTC(2254, 0)).sent)).toBe(true);
});
