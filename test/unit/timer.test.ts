// Timers by themselves: what stands of them in a snapshot, whatever is set, cancelled, fired and said twice.

import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { applyGivenUp } from "../../src/actors/apply-failure.ts";
import { applyDone, findRepeat } from "../../src/actors/apply-turn.ts";
import type { TurnContext } from "../../src/actors/context.ts";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import { Mailbox } from "../../src/actors/mailbox.ts";
import type { TellMessage } from "../../src/actors/message.ts";
import type { Snapshot } from "../../src/actors/snapshot.ts";
import { firstSnapshot } from "../../src/actors/snapshot.ts";
import type { Timers } from "../../src/actors/timer.ts";
import { firedDueMs, nextDueMs, noTimers, timersMax } from "../../src/actors/timer.ts";
import type { Sending, TurnOutcome } from "../../src/actors/turn.ts";
import { TroupeError } from "../../src/core/errors.ts";
import { TurnHarness } from "./turn-harness.ts";

interface Setting {
  readonly name: string;
  readonly n: number;
  readonly isRepeating: boolean;
}

const fresh: Snapshot = { ...firstSnapshot({}, 1), sent: 0 };
const tell = (sequence: number, timer?: TellMessage["timer"]): TellMessage => ({
  ...{ kind: "tell", method: "m", payload: undefined, messageId: `m${sequence}`, from: undefined, number: undefined },
  ...{ sequence, timer, trace: undefined, turnTrace: undefined, endedMs: undefined, attempts: 0, doom: undefined },
});
const firingOf = ({ name, n, isRepeating }: Setting, sequence: number): TellMessage =>
  tell(sequence, { name, number: n, nextMs: isRepeating ? 1 : undefined });
const setting = (timer: string, isRepeating: boolean): Sending => ({
  ...{ timer, trace: undefined },
  sets: {
    ...{ method: "m", inputText: undefined },
    when: isRepeating ? ({ kind: "every", everyMs: 1_000 } as const) : ({ kind: "at", atMs: 0 } as const),
  },
});
const cancelling = (timer: string): Sending => ({ timer, sets: undefined, trace: undefined });
const done = (sendings: readonly Sending[]): TurnOutcome & { readonly kind: "done" } => ({
  ...{ kind: "done", state: {}, isChanged: false, sendings, resultText: undefined },
});
const settingsOf = (timers: Timers): Setting[] =>
  Object.entries(timers).map(([name, { n, when }]) => ({ name, n, isRepeating: when.kind === "every" }));

const anyName = fc.constantFrom("a", "b", "__proto__");
const anySending = fc.oneof(
  fc.tuple(anyName, fc.boolean()).map(([name, isRepeating]) => setting(name, isRepeating)),
  anyName.map(cancelling),
);
/** A turn of its own, or that of a firing: of any timer that was ever set, again and again. */
const anyStep = fc.record({
  fires: fc.option(fc.nat(20)),
  isBuried: fc.boolean(),
  sendings: fc.array(anySending, { maxLength: 3 }),
});

const error = new TroupeError("HANDLER_FAILED", "no");

test("F1, F2: whatever is set, replaced, cancelled and fired in any order, a timer has effect while it stands, once or again and again", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 30 }), (steps) => {
      let snapshot = fresh;
      const ever: Setting[] = [];
      const ended = new Set<number>();
      for (const [at, { fires, isBuried, sendings }] of steps.entries()) {
        const fired = fires === null ? undefined : ever[fires % Math.max(1, ever.length)];
        const message = fired === undefined ? tell(at + 1) : firingOf(fired, at + 1);
        const standing = settingsOf(snapshot.timers);
        const runs = findRepeat(snapshot, message) === undefined;
        expect(runs).toBe(fired === undefined || standing.some(({ n }) => n === fired.n));
        if (!runs) continue;
        expect(fired !== undefined && ended.has(fired.n)).toBe(false); // Never after it was over, or was cancelled.
        if (fired?.isRepeating === false) ended.add(fired.n);
        const hasEffect = sendings.length > 0 || fired?.isRepeating === false;
        if (isBuried) snapshot = applyGivenUp(snapshot, message, error);
        else {
          const applied = applyDone(snapshot, message, done(sendings));
          expect(applied.isDirty).toBe(hasEffect);
          snapshot = applied.next;
        }
        const now = settingsOf(snapshot.timers);
        for (const { n } of standing) if (!now.some((other) => other.n === n)) ended.add(n);
        ever.push(...now.filter(({ n }) => !ever.some((other) => other.n === n)));
        expect(now.every(({ n }) => n <= snapshot.sent && !ended.has(n))).toBe(true);
      }
    }),
  );
});

test("F2: what the outbox says, in order, leaves on the server what stands in the value, and nothing else", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 30 }), (steps) => {
      let snapshot = fresh;
      for (const [at, { sendings }] of steps.entries()) {
        snapshot = applyDone(snapshot, tell(at + 1), done(sendings)).next;
      }
      expect(snapshot.outbox.map(({ n }) => n)).toEqual(snapshot.outbox.map((_, at) => at + 1));
      const onServer = new Map<number, string>();
      for (const entry of snapshot.outbox) {
        if (entry.timer === undefined) continue;
        if (entry.cancels === undefined) onServer.set(entry.n, entry.timer);
        else expect(onServer.delete(entry.cancels)).toBe(true);
      }
      expect([...onServer].sort()).toEqual(
        settingsOf(snapshot.timers)
          .map(({ n, name }) => [n, name])
          .sort(),
      );
    }),
  );
});

test("a firing that fires once is over with its turn, and its own handler may set the same name again", () => {
  const { next } = applyDone(fresh, tell(1), done([setting("t", false)]));
  const firing = firingOf({ name: "t", n: 1, isRepeating: false }, 2);
  expect(applyDone(next, firing, done([])).next.timers).toEqual({});
  expect(applyGivenUp(next, firing, error).timers).toEqual({});
  const again = applyDone(next, firing, done([setting("t", true)])).next;
  // Nothing is there to cancel: what has fired is gone from the server.
  expect([again.timers.t?.n, again.outbox.length]).toEqual([2, 2]);
  expect(findRepeat(again, firingOf({ name: "t", n: 1, isRepeating: false }, 3))).toBe("stale");
});

test("B4: a firing that has not begun gives way to a later one of the same timer, and to nothing else", () => {
  const mailbox = new Mailbox();
  const tick = (sequence: number) => firingOf({ name: "t", n: 1, isRepeating: true }, sequence);
  const others = [
    tell(3),
    firingOf({ name: "u", n: 2, isRepeating: true }, 4),
    firingOf({ name: "o", n: 3, isRepeating: false }, 5),
  ];
  for (const message of [tick(1), tick(2), ...others, tick(6)]) mailbox.offerTell(message);
  const given: [number, boolean][] = [];
  for (let message = mailbox.take(); message !== undefined; message = mailbox.take()) {
    if (message.kind === "tell") given.push([message.sequence, mailbox.hasLaterFiring(message)]);
  }
  expect(given).toEqual([
    ...[[1, true] as const, [2, true] as const, [3, false] as const, [4, false] as const, [5, false] as const],
    [6, false],
  ]);
  // One that has begun is tried to its end, so that what keeps failing is kept one day (P7).
  const begun = { ...tick(7), attempts: 1 };
  mailbox.offerTell(begun);
  mailbox.offerTell(tick(8));
  expect(mailbox.hasLaterFiring(mailbox.take() ?? tell(9))).toBe(false);
  mailbox.putBack([begun]);
  mailbox.drop();
  mailbox.offerTell(tick(10));
  expect(mailbox.hasLaterFiring(mailbox.take() ?? tell(9))).toBe(false);
});

const clock = defineActor(
  "clock",
  { state: z.object({ n: z.number() }), initial: { n: 0 } },
  {
    run: handler(z.unknown(), (_ctx, _n) => {}),
    ring: handler(z.string(), (_ctx, _n) => {}),
    tick: handler(() => {}),
    now: query((ctx) => ctx.state.n),
  },
);

/** What a turn that does this comes to. */
async function turnOf(act: (ctx: TurnContext<{ n: number }>) => unknown, timers: Timers = noTimers, kind = "handler") {
  const run = (ctx: unknown) => void act(ctx as TurnContext<{ n: number }>);
  const methods = { ...clock.methods, go: kind === "query" ? query(run) : handler(run) };
  const harness = new TurnHarness({ ...clock, methods });
  harness.timers = timers;
  const outcome = await harness.run("go");
  return outcome.kind === "done" ? outcome.sendings : { code: outcome.error.code, message: outcome.error.message };
}

const startMs = 1_767_225_600_000;

test("a timer is set with the method's name, its input checked and turned into JSON at that moment", async () => {
  const input = { a: 1 };
  const sendings = await turnOf((ctx) => {
    ctx.tellLater("run", { afterMs: 1.5, input });
    input.a = 2;
    ctx.tellLater("tick", { at: new Date(5), name: "ä b" });
    ctx.every("tick", { everyMs: 60_000 });
    ctx.cron("ring", { cron: "0 9 * * MON-FRI", timeZone: "europe/berlin", input: "up" });
    ctx.cancelTimer("tick");
    ctx.cancelTimer("none");
  });
  const sets = (method: string, inputText: string | undefined, when: object) => ({ method, inputText, when });
  const wanted = [
    { timer: "run", sets: sets("run", '{"a":1}', { kind: "at", atMs: startMs + 2 }) },
    { timer: "ä b", sets: sets("tick", undefined, { kind: "at", atMs: 5 }) },
    { timer: "tick", sets: sets("tick", undefined, { kind: "every", everyMs: 60_000 }) },
    {
      timer: "ring",
      sets: sets("ring", '"up"', { kind: "cron", cron: "0 0 9 * * mon-fri", timeZone: "Europe/Berlin" }),
    },
    { timer: "tick", sets: undefined },
  ];
  expect(sendings).toEqual(wanted.map((each) => ({ ...each, trace: undefined })));
});

test("T2, P10: a timer that the server would not take is refused at the door, with the value and the remedy", async () => {
  const bad: [(ctx: TurnContext<{ n: number }>) => void, string, string][] = [
    [(ctx) => ctx.tellLater("none", { afterMs: 1 }), "HANDLER_FAILED", "clock has no method none"],
    [(ctx) => ctx.tellLater("now", { afterMs: 1 }), "HANDLER_FAILED", "clock.now is a query"],
    [(ctx) => ctx.tellLater("ring", { afterMs: 1, input: 5 }), "HANDLER_FAILED", "does not accept this argument"],
    [(ctx) => ctx.tellLater("tick", {} as never), "TIMER_INVALID", "`afterMs` or `at`"],
    [(ctx) => ctx.tellLater("tick", { afterMs: 1, at: 1 } as never), "TIMER_INVALID", "`afterMs` or `at`"],
    [(ctx) => ctx.tellLater("tick", { afterMs: -1 }), "TIMER_INVALID", "got -1"],
    [(ctx) => ctx.tellLater("tick", { afterMs: Number.NaN }), "TIMER_INVALID", "got NaN"],
    [(ctx) => ctx.tellLater("tick", { afterMs: 1e13 }), "TIMER_INVALID", "the year 2262"],
    [(ctx) => ctx.tellLater("tick", { at: new Date(Number.NaN) }), "TIMER_INVALID", "got Invalid Date"],
    [(ctx) => ctx.tellLater("tick", { at: Date.UTC(2263, 0) }), "TIMER_INVALID", "the year 2262"],
    [(ctx) => ctx.tellLater("tick", { at: "soon" as never }), "TIMER_INVALID", 'got "soon"'],
    [(ctx) => ctx.tellLater("tick", { afterMs: 1, name: "" }), "TIMER_INVALID", "1 to 256 bytes"],
    [(ctx) => ctx.tellLater("tick", { afterMs: 1, name: "ä".repeat(129) }), "TIMER_INVALID", "1 to 256 bytes"],
    [(ctx) => ctx.every("tick", { everyMs: 500 }), "TIMER_INVALID", "whole seconds"],
    [(ctx) => ctx.every("tick", { everyMs: 1_500 }), "TIMER_INVALID", "got 1500"],
    [(ctx) => ctx.every("tick", undefined as never), "TIMER_INVALID", "got undefined"],
    [(ctx) => ctx.cron("tick", { cron: "0 9 * * 7" }), "TIMER_INVALID", '"7" is no day of week'],
    [(ctx) => ctx.cron("tick", { cron: "0 0 30 2 *" }), "TIMER_INVALID", "within five years"],
    [(ctx) => ctx.cron("tick", { cron: "@daily", timeZone: "Mars" }), "TIMER_INVALID", 'got "Mars"'],
    [(ctx) => ctx.cancelTimer(7 as never), "TIMER_INVALID", "got 7"],
    [(ctx) => ctx.tellLater("run", { afterMs: 1, input: "x".repeat(9_000) }), "HANDLER_FAILED", "larger than"],
  ];
  for (const [act, code, text] of bad) {
    const outcome = await turnOf(act);
    expect(outcome).toMatchObject({ code });
    expect((outcome as { message: string }).message).toContain(text);
  }
  expect(await turnOf((ctx) => ctx.every("tick", { everyMs: 1_000 }), noTimers, "query")).toMatchObject({
    code: "QUERY_CHANGED_STATE",
  });
});

test("an actor has a bounded number of timers; replacing one and cancelling one make room", async () => {
  const names = Array.from({ length: timersMax }, (_, at) => `t${at}`);
  const when = { kind: "at", atMs: 0 } as const;
  const full: Timers = Object.fromEntries(
    names.map((name, n) => [name, { n, method: "tick", inputText: undefined, when }]),
  );
  const set = (name: string) => (ctx: TurnContext<{ n: number }>) => ctx.tellLater("tick", { afterMs: 1, name });
  expect(await turnOf(set("t5"), full)).toHaveLength(1);
  expect(await turnOf(set("one more"), full)).toMatchObject({ code: "TIMERS_FULL" });
  const instead = (ctx: TurnContext<{ n: number }>) => {
    ctx.cancelTimer("t5");
    set("one more")(ctx);
  };
  expect(await turnOf(instead, full)).toHaveLength(2);
});

test("when a timer is due, and when its firing was", () => {
  const [at, every] = [{ kind: "at", atMs: 7 } as const, { kind: "every", everyMs: 60_000 } as const];
  const cron = { kind: "cron", cron: "0 0 9 * * *", timeZone: "UTC" } as const;
  const nine = startMs + 9 * 3_600_000;
  expect([nextDueMs(at, 9), nextDueMs(every, 1_499), nextDueMs(cron, startMs)]).toEqual([7, 61_000, nine]);
  const firing = (nextMs: number | undefined) => ({ name: "t", number: 1, nextMs });
  expect(firedDueMs(at, firing(undefined), 9)).toBe(7);
  expect(firedDueMs(every, firing(61_000), 9)).toBe(1_000);
  expect(firedDueMs(cron, firing(nine + 86_400_000), 9)).toBe(nine);
});
