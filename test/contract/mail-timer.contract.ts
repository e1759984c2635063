// Timers: M6.

import { expect, test } from "vitest";
import type { Mail } from "../../src/runtime/mail.ts";
import type { OpenMail } from "./mail-support.ts";
import { bytes, Letters, patienceMs, store, textOf, toC1 } from "./mail-support.ts";

/** Fires in `inMs`, or was due so long ago. */
async function setTimer(mail: Mail, name: string, text: string, inMs: number, to = toC1): Promise<void> {
  const outcome = await mail.schedule(to, name, bytes(text), Date.now() + inMs, patienceMs);
  expect(outcome).toMatchObject({ kind: "accepted", isDuplicate: false });
}

export function mailTimerContract(name: string, open: OpenMail): void {
  test(`${name}: M6: a timer is an ordinary letter at its time, not before, and fires once`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const letters = new Letters();
    await using _reader = await mail.read(3, 1, letters.take);
    const dueMs = Date.now() + 400;
    await mail.schedule(toC1, "t", bytes("ring"), dueMs, patienceMs);
    await letters.untilText("ring");
    expect(Date.now()).toBeGreaterThanOrEqual(dueMs);
    await setTimer(mail, "u", "end", 700);
    await letters.untilText("end");
    expect(letters.texts).toEqual(["ring", "end"]);
    expect(letters.all[0]).toMatchObject({ key: "counter.c1", method: "add", meta: {} });
    expect((await mail.readMailbox(3, "counter.c1", 1, 10)).map(textOf)).toEqual(["ring", "end"]);
  });

  test(`${name}: M6: a timer that is already due fires at once`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const letters = new Letters();
    await using _reader = await mail.read(3, 1, letters.take);
    await setTimer(mail, "late", "late", -60_000);
    await letters.untilText("late");
  });

  test(`${name}: M6: a later timer of the same name replaces it, of another name or actor it does not`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const letters = new Letters();
    await using _reader = await mail.read(3, 1, letters.take);
    const toC2 = { ...toC1, key: "counter.c2" };
    await setTimer(mail, "t", "replaced", 300);
    await setTimer(mail, "t", "kept", 600);
    await setTimer(mail, "t", "of c2", 500, toC2);
    await setTimer(mail, "t2", "other name", 500);
    await setTimer(mail, "end", "end", 1_200);
    await letters.untilText("end");
    expect(letters.texts.slice(0, -1).sort()).toEqual(["kept", "of c2", "other name"]);
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

  test(`${name}: M6: a cancelled timer never fires; cancelling what is not there is fine`, async () => {
    await using place = await open();
    const [one, other] = [await place.open(), await place.open()];
    const letters = new Letters();
    await using _reader = await one.mail.read(3, 1, letters.take);
    await setTimer(one.mail, "a", "never", 300);
    await setTimer(one.mail, "b", "kept", 400);
    await other.mail.cancel("counter.c1", "a");
    await other.mail.cancel("counter.c1", "a");
    await other.mail.cancel("counter.c9", "none");
    await setTimer(one.mail, "end", "end", 900);
    await letters.untilText("end");
    expect(letters.texts).toEqual(["kept", "end"]);
  });

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

  test(`${name}: M6: any name will do, also one that would reach another subject`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const letters = new Letters();
    await using _reader = await mail.read(3, 1, letters.take);
    const names = ["a.b", ">", "*", "a b", "ü\r\n", "a"];
    for (const each of names) await setTimer(mail, each, `of ${each}`, 400);
    await mail.cancel("counter.c1", ">");
    await mail.cancel("counter.c1", "*");
    await letters.untilCount(4);
    await setTimer(mail, "end", "end", 100);
    await letters.untilText("end");
    const kept = names.filter((each) => each !== ">" && each !== "*").map((each) => `of ${each}`);
    expect(letters.texts.slice(0, -1).sort()).toEqual(kept.sort());
    await expect(mail.schedule(toC1, "", bytes(""), 0, patienceMs)).rejects.toMatchObject({ code: "ID_INVALID" });
  });

  test(`${name}: M6: trimming a partition and reading mailboxes leave timers alone`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    await setTimer(mail, "t", "ring", 500);
    await mail.trim(3, (await store(mail, "x")) + 100);
    expect(await mail.readMailbox(3, "counter.c1", 1, 10)).toEqual([]);
    const letters = new Letters();
    await using _reader = await mail.read(3, 1, letters.take);
    await letters.untilCount(1);
    expect(letters.texts).toEqual(["ring"]);
  });

  test(`${name}: P10: a time that is none, and a payload over the limit, are refused`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    for (const atMs of [Number.NaN, Number.POSITIVE_INFINITY, 1e300]) {
      expect(await mail.schedule(toC1, "t", bytes("x"), atMs, patienceMs)).toMatchObject({ kind: "refused" });
    }
    const large = new Uint8Array(mail.payloadBytesMax + 1);
    expect(await mail.schedule(toC1, "t", large, 0, patienceMs)).toMatchObject({ kind: "refused" });
  });
}
