// Timers: M6.

import { expect, test } from "vitest";
import type { TimerWhen } from "../../src/actors/timer.ts";
import type { Mail } from "../../src/runtime/mail.ts";
import { noMeta } from "../../src/runtime/mail.ts";
import { inTime } from "./in-time.ts";
import type { OpenMail } from "./mail-support.ts";
import { bytes, eventually, Letters, onceAt, patienceMs, store, textOf, toC1 } from "./mail-support.ts";

/** Fires in `inMs`, or was due so long ago. */
async function setTimer(mail: Mail, name: string, text: string, inMs: number, to = toC1): Promise<void> {
  const outcome = await mail.schedule(to, onceAt(name, Date.now() + inMs), bytes(text), noMeta, patienceMs);
  expect(outcome).toMatchObject({ kind: "accepted", isDuplicate: false });
}

async function setRepeating(mail: Mail, name: string, number: number, when: TimerWhen): Promise<void> {
  const outcome = await mail.schedule(toC1, { name, number, when }, bytes(name), noMeta, patienceMs);
  expect(outcome).toMatchObject({ kind: "accepted" });
}

const everySecond: TimerWhen = { kind: "every", everyMs: 1_000 };

export function mailTimerContract(name: string, open: OpenMail): void {
  mailTimerOnceContract(name, open);
  mailTimerIdentityContract(name, open);
  mailTimerCancelContract(name, open);
  mailTimerSurroundingsContract(name, open);
  mailTimerRepeatingContract(name, open);
  mailTimerRefusalContract(name, open);
}

/** In which timers are set and taken back, before the first is due. Unit: ms. */
const setMs = 500;

function mailTimerOnceContract(name: string, open: OpenMail): void {
  test(`${name}: M6: a timer is an ordinary letter at its time, not before, and fires once`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const letters = new Letters();
    await using _reader = await mail.read(3, 1, letters.take);
    const dueMs = Date.now() + 400;
    const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await mail.schedule(toC1, onceAt("t/1", dueMs, 7), bytes("ring"), { messageId: "counter.c1:7", trace }, patienceMs);
    await letters.untilText("ring");
    expect(Date.now()).toBeGreaterThanOrEqual(dueMs);
    await setTimer(mail, "u", "end", 700);
    await letters.untilText("end");
    expect(letters.texts).toEqual(["ring", "end"]);
    const meta = { trace, timer: { name: "t/1", number: 7, method: "add", nextMs: undefined } };
    expect(letters.all[0]).toMatchObject({ key: "counter.c1", method: "add", meta });
    expect(letters.all[0]?.meta.messageId).toBeUndefined();
    const stored = await mail.readMailbox(3, "counter.c1", 1, 10);
    expect(stored).toEqual(letters.all);
  });

  test(`${name}: M6: a timer that is already due fires at once`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const letters = new Letters();
    await using _reader = await mail.read(3, 1, letters.take);
    await setTimer(mail, "late", "late", -60_000);
    await letters.untilText("late");
  });
}

function mailTimerIdentityContract(name: string, open: OpenMail): void {
  test(`${name}: M6: set again it is the same timer; another name, number or actor is another`, () =>
    inTime(setMs, async (ms, limit) => {
      await using place = await open();
      const { mail } = await place.open();
      const letters = new Letters();
      await using _reader = await mail.read(3, 1, letters.take);
      const toC2 = { ...toC1, key: "counter.c2" };
      const check = limit(ms);
      await setTimer(mail, "t", "replaced", ms);
      await setTimer(mail, "t", "kept", ms / 2);
      check();
      await setTimer(mail, "t", "of c2", ms / 2, toC2);
      await setTimer(mail, "t2", "other name", ms / 2);
      await mail.schedule(toC1, onceAt("t", Date.now() + ms / 2, 2), bytes("other number"), noMeta, patienceMs);
      await setTimer(mail, "end", "end", ms + 500);
      await letters.untilText("end");
      await letters.untilCount(5); // Nobody promises in which order they come.
      expect(letters.texts.filter((text) => text !== "end").sort()).toEqual([
        "kept",
        "of c2",
        "other name",
        "other number",
      ]);
    }));

  test(`${name}: M2, M6: a setting whose message id is known does not set it a second time`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const letters = new Letters();
    await using _reader = await mail.read(3, 1, letters.take);
    const set = () =>
      mail.schedule(toC1, onceAt("t", Date.now()), bytes("ring"), { messageId: "counter.c1:1" }, patienceMs);
    expect(await set()).toMatchObject({ kind: "accepted", isDuplicate: false });
    await letters.untilText("ring");
    expect(await set()).toMatchObject({ kind: "accepted", isDuplicate: true });
    await setTimer(mail, "end", "end", 700);
    await letters.untilText("end");
    expect(letters.texts).toEqual(["ring", "end"]);
  });

  test(`${name}: M6: a timer may be brought forward`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const letters = new Letters();
    await using _reader = await mail.read(3, 1, letters.take);
    // Further than the machine's own timers can count.
    await setTimer(mail, "t", "far", 60 * 24 * 3_600_000);
    await setTimer(mail, "t", "near", 100);
    await letters.untilText("near");
    await setTimer(mail, "t", "again", 100);
    await letters.untilText("again");
    expect(letters.texts).toEqual(["near", "again"]);
  });
}

function mailTimerCancelContract(name: string, open: OpenMail): void {
  test(`${name}: M6: a cancelled timer never fires; cancelling what is not there is fine`, () =>
    inTime(setMs, async (ms, limit) => {
      await using place = await open();
      const [one, other] = [await place.open(), await place.open()];
      const letters = new Letters();
      await using _reader = await one.mail.read(3, 1, letters.take);
      const check = limit(ms);
      await setTimer(one.mail, "a", "never", ms);
      await other.mail.cancel("counter.c1", { name: "a", number: 1 });
      check();
      await one.mail.schedule(toC1, onceAt("a", Date.now() + ms, 2), bytes("of number 2"), noMeta, patienceMs);
      await setTimer(one.mail, "b", "kept", 0);
      await other.mail.cancel("counter.c1", { name: "a", number: 1 });
      await other.mail.cancel("counter.c9", { name: "none", number: 1 });
      await setTimer(one.mail, "end", "end", ms + 500);
      await letters.untilText("end");
      await letters.untilCount(3);
      expect(letters.texts.sort()).toEqual(["end", "kept", "of number 2"]);
    }));
}

function mailTimerSurroundingsContract(name: string, open: OpenMail): void {
  test(`${name}: M6: a timer fires when nobody is there, and is read later`, async () => {
    await using place = await open();
    const gone = await place.open();
    await setTimer(gone.mail, "t", "alone", 200);
    await gone.mail.close();
    const letters = new Letters();
    const { mail } = await place.open();
    await using _reader = await mail.read(3, 1, letters.take);
    await letters.untilText("alone");
  });

  test(`${name}: M6: any name will do, also one that would reach another subject`, () =>
    inTime(setMs, async (ms, limit) => {
      await using place = await open();
      const { mail } = await place.open();
      const letters = new Letters();
      await using _reader = await mail.read(3, 1, letters.take);
      const names = ["a.b", ">", "*", "a b", "ü\r\n", "a"];
      const check = limit(ms);
      for (const each of names) await setTimer(mail, each, `of ${each}`, ms);
      await mail.cancel("counter.c1", { name: ">", number: 1 });
      await mail.cancel("counter.c1", { name: "*", number: 1 });
      check();
      await letters.untilCount(4);
      await setTimer(mail, "end", "end", 100);
      await letters.untilText("end");
      const kept = names.filter((each) => each !== ">" && each !== "*");
      const fired = letters.all.slice(0, -1);
      expect(fired.map(textOf).sort()).toEqual(kept.map((each) => `of ${each}`).sort());
      expect(fired.map(({ meta }) => meta.timer?.name).sort()).toEqual(kept.sort());
      const unnamed = mail.schedule(toC1, onceAt("", 0), bytes(""), noMeta, patienceMs);
      await expect(unnamed).rejects.toMatchObject({ code: "ID_INVALID" });
    }));

  test(`${name}: M6: trimming a partition and reading mailboxes leave timers alone`, () =>
    inTime(setMs, async (ms, limit) => {
      await using place = await open();
      const { mail } = await place.open();
      const check = limit(ms);
      await setTimer(mail, "t", "ring", ms);
      await mail.trim(3, (await store(mail, "x")) + 100);
      const stored = await mail.readMailbox(3, "counter.c1", 1, 10);
      check();
      expect(stored).toEqual([]);
      const letters = new Letters();
      await using _reader = await mail.read(3, 1, letters.take);
      await letters.untilCount(1);
      expect(letters.texts).toEqual(["ring"]);
    }));
}

function mailTimerRepeatingContract(name: string, open: OpenMail): void {
  test(`${name}: M6: every second, and by cron in a zone, it fires until it is cancelled, and says when next`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const letters = new Letters();
    await using _reader = await mail.read(3, 1, letters.take);
    const cron: TimerWhen = { kind: "cron", cron: "* * * * * *", timeZone: "Europe/Berlin" };
    await Promise.all([setRepeating(mail, "tick", 1, everySecond), setRepeating(mail, "tock", 2, cron)]);
    const nextsOf = (text: string) =>
      letters.all.filter((letter) => textOf(letter) === text).map(({ meta }) => meta.timer?.nextMs ?? 1);
    // A server that stood still leaves out what fell due meanwhile: then the next time is further away.
    const isEachSecond = (text: string) => {
      const nexts = nextsOf(text);
      return nexts.some((next, at) => next - (nexts[at - 1] ?? 0) === 1_000);
    };
    await letters.until("two of each, a second apart", () => isEachSecond("tick") && isEachSecond("tock"));
    for (const next of [...nextsOf("tick"), ...nextsOf("tock")]) expect(next % 1_000).toBe(0);
    expect(letters.all[0]).toMatchObject({ key: "counter.c1", method: "add" });
    await mail.cancel("counter.c1", { name: "tick", number: 1 });
    await mail.cancel("counter.c1", { name: "tock", number: 2 });
    await store(mail, "all are cancelled");
    await letters.untilText("all are cancelled");
    const before = letters.texts.length;
    await setTimer(mail, "end", "end", 2_200);
    await letters.untilText("end");
    // One that was on its way when it was cancelled may still come.
    expect(letters.texts.length - before).toBeLessThanOrEqual(3);
    expect(letters.texts.at(-1)).toBe("end");
  });

  test(`${name}: M6: of firings that nobody reads the last alone is kept, beside all else of the mailbox`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    await store(mail, "before");
    await setRepeating(mail, "tick", 1, everySecond);
    await setRepeating(mail, "tock", 2, everySecond);
    await mail.schedule(toC1, onceAt("once", 0, 3), bytes("once"), noMeta, patienceMs);
    // A letter of another partition tells when the time has come.
    const bell = new Letters();
    await using _bell = await mail.read(4, 1, bell.take);
    await setTimer(mail, "bell", "bell", 3_500, { ...toC1, partition: 4, key: "counter.c7" });
    await bell.untilText("bell");
    // The next firing may come while the mailbox is read, which then shows it beside the one that it takes the place of.
    await eventually("the last firing alone of each is kept", async () => {
      const stored = (await mail.readMailbox(3, "counter.c1", 1, 100)).map(textOf).sort();
      return stored.join() === "before,once,tick,tock" ? stored : undefined;
    });
    const letters = new Letters();
    await using _reader = await mail.read(3, 1, letters.take);
    await letters.untilCount(5);
    expect(letters.texts.filter((text) => text === "before" || text === "once")).toEqual(["before", "once"]);
  });
}

function mailTimerRefusalContract(name: string, open: OpenMail): void {
  test(`${name}: P10: times that are none, and a payload over the limit, are refused for good`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const bad: TimerWhen[] = [
      ...[Number.NaN, Number.POSITIVE_INFINITY, 1e300, Date.UTC(2263, 0)].map(
        (atMs) => ({ kind: "at", atMs }) as const,
      ),
      ...[0, 999, 1_500, Number.NaN, 1e16].map((everyMs) => ({ kind: "every", everyMs }) as const),
      { kind: "cron", cron: "* * *", timeZone: "UTC" },
      { kind: "cron", cron: "0 0 0 30 2 *", timeZone: "UTC" },
      { kind: "cron", cron: "* * * * * *", timeZone: "Mars/Olympus" },
    ];
    for (const when of bad) {
      const outcome = await mail.schedule(toC1, { name: "t", number: 1, when }, bytes("x"), noMeta, patienceMs);
      expect([when, outcome]).toMatchObject([when, { kind: "refused", isFinal: true }]);
    }
    const large = new Uint8Array(mail.payloadBytesMax + 1);
    expect(await mail.schedule(toC1, onceAt("t", 0), large, noMeta, patienceMs)).toMatchObject({ kind: "refused" });
  });
}
