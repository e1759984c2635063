// Storing messages: M1, M2, sizes and shapes, dead letters.

import fc from "fast-check";
import { expect, test } from "vitest";
import { keyOf } from "../../src/core/ids.ts";
import type { DeadLetter, MailMeta } from "../../src/runtime/mail.ts";
import { noMeta } from "../../src/runtime/mail.ts";
import type { OpenMail } from "./mail-support.ts";
import { anyId, anyMeta, anyName, bytes, eventually, Letters, patienceMs, store, toC1 } from "./mail-support.ts";

export function mailAppendContract(name: string, open: OpenMail): void {
  test(`${name}: M1: any interleaving of appends over partitions and clients reads back in order, none missing`, async () => {
    await using place = await open();
    const clients = [await place.open(), await place.open()];
    const anyAppend = fc.record({ client: fc.nat(1), partition: fc.nat(2), id: fc.constantFrom("a", "b") });
    await fc.assert(
      fc.asyncProperty(fc.array(anyAppend, { minLength: 1, maxLength: 30 }), async (appends) => {
        const stored = await Promise.all(
          appends.map(async ({ client, partition, id }, at) => {
            const mail = clients[client]?.mail ?? expect.unreachable();
            const sequence = await store(mail, String(at), { partition, key: `counter.${id}`, method: "add" });
            return { client, partition, sequence, text: String(at) };
          }),
        );
        const sequences = stored.map(({ sequence }) => sequence);
        expect(new Set(sequences).size).toBe(sequences.length);
        for (const client of [0, 1]) {
          const own = stored.filter((each) => each.client === client).map(({ sequence }) => sequence);
          expect(own).toEqual([...own].sort((a, b) => a - b)); // M2: in the order of the calls
        }
        for (const partition of [0, 1, 2]) {
          const own = stored.filter((each) => each.partition === partition).sort((a, b) => a.sequence - b.sequence);
          const letters = new Letters();
          await using _reader = await (clients[0]?.mail ?? expect.unreachable()).read(
            partition,
            Math.min(...sequences),
            letters.take,
          );
          await letters.untilCount(own.length);
          expect(letters.all.map(({ sequence }) => sequence)).toEqual(own.map(({ sequence }) => sequence));
          expect(letters.texts).toEqual(own.map(({ text }) => text));
        }
      }),
      { numRuns: 25 },
    );
  });

  test(`${name}: M1: an append that comes after an acknowledgement gets a greater sequence, whoever sends it`, async () => {
    await using place = await open();
    const [one, other] = [await place.open(), await place.open()];
    const first = await store(one.mail, "1");
    const second = await store(other.mail, "2", { ...toC1, partition: 4 });
    const third = await store(one.mail, "3");
    expect(second).toBeGreaterThan(first);
    expect(third).toBeGreaterThan(second);
  });

  test(`${name}: M2: a message id that is known is answered with the first sequence and stored once`, async () => {
    await using place = await open();
    const [one, other] = [await place.open(), await place.open()];
    const meta: MailMeta = { messageId: "m-1" };
    const first = await store(one.mail, "once", toC1, meta);
    const elsewhere = { partition: 5, key: "other.o", method: "set" };
    for (const [client, to] of [
      [one, toC1],
      [other, toC1],
      [other, elsewhere],
    ] as const) {
      const again = await client.mail.append(to, bytes("twice"), meta, patienceMs);
      expect(again).toEqual({ kind: "accepted", sequence: first, isDuplicate: true });
    }
    await store(one.mail, "end");
    expect((await one.mail.readMailbox(3, "counter.c1", 1, 10)).length).toBe(2);
    expect(await one.mail.readMailbox(5, "other.o", 1, 10)).toEqual([]);
  });

  test(`${name}: M2: of a hundred appends with one id at the same time one is stored`, async () => {
    await using place = await open();
    const clients = [await place.open(), await place.open()];
    const attempts = Array.from({ length: 100 }, (_, at) =>
      clients[at % 2]?.mail.append(toC1, bytes("x"), { messageId: "same" }, patienceMs),
    );
    const outcomes = await Promise.all(attempts);
    const fresh = outcomes.filter((outcome) => outcome?.kind === "accepted" && !outcome.isDuplicate);
    expect(fresh.length).toBe(1);
    expect(new Set(outcomes.map((outcome) => outcome?.kind === "accepted" && outcome.sequence)).size).toBe(1);
  });

  test(`${name}: M2: the id of a message that was trimmed is still known`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const first = await store(mail, "x", toC1, { messageId: "m" });
    await mail.trim(3, first);
    const again = await mail.append(toC1, bytes("x"), { messageId: "m" }, patienceMs);
    expect(again).toEqual({ kind: "accepted", sequence: first, isDuplicate: true });
  });

  test(`${name}: M2: an id is forgotten when the window is over`, async () => {
    await using place = await open({ duplicateWindowMs: 300 });
    const { mail } = await place.open();
    const first = await store(mail, "x", toC1, { messageId: "m" });
    const later = await eventually("the id is forgotten", async () => {
      const again = await mail.append(toC1, bytes("x"), { messageId: "m" }, patienceMs);
      return again.kind === "accepted" && !again.isDuplicate ? again.sequence : undefined;
    });
    expect(later).toBeGreaterThan(first);
  });

  test(`${name}: what goes along, any key and any payload come back as they were`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const anyBytes = fc.uint8Array({ maxLength: 200 });
    let letters = 0;
    await fc.assert(
      fc.asyncProperty(anyName, anyId, anyName, anyBytes, anyMeta, async (type, id, method, payload, some) => {
        letters += 1;
        const meta = some.messageId === undefined ? some : { ...some, messageId: `${letters}-${some.messageId}` };
        const key = keyOf({ type, id });
        const outcome = await mail.append({ partition: 0, key, method }, payload, meta, patienceMs);
        const sequence = outcome.kind === "accepted" ? outcome.sequence : expect.unreachable(outcome.reason);
        const [letter] = await mail.readMailbox(0, key, sequence, 1);
        expect(letter && { ...letter, payload: [...letter.payload] }).toEqual({
          ...{ key, method, sequence, payload: [...payload] },
          meta: { ...meta },
        });
      }),
      { numRuns: 60 },
    );
  });

  test(`${name}: P10: payloads may be empty and up to the limit; above it they are refused and nothing is stored`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const sizes = [0, 1, 900 * 1024, mail.payloadBytesMax];
    const letters = new Letters();
    await using _reader = await mail.read(3, 1, letters.take);
    for (const size of sizes) {
      const payload = new Uint8Array(size).fill(size % 251);
      expect(await mail.append(toC1, payload, noMeta, patienceMs)).toMatchObject({ kind: "accepted" });
    }
    const over = await mail.append(toC1, new Uint8Array(mail.payloadBytesMax + 1), noMeta, patienceMs);
    expect(over).toMatchObject({ kind: "refused", reason: expect.stringContaining(`${mail.payloadBytesMax}`) });
    const withHeaders = await mail.append(toC1, new Uint8Array(mail.payloadBytesMax), { messageId: "m" }, patienceMs);
    expect(withHeaders.kind).toBe("refused");
    await store(mail, "end");
    await letters.untilText("end");
    expect(letters.all.map(({ payload }) => payload.length)).toEqual([...sizes, 3]);
    for (const { payload } of letters.all.slice(0, -1)) {
      expect(payload.every((byte) => byte === payload.length % 251)).toBe(true);
    }
  });

  test(`${name}: P10: addresses and metadata that could reach elsewhere are refused before anything is sent`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const append = (to: object, meta: MailMeta = noMeta) =>
      mail.append({ ...toC1, ...to }, bytes("x"), meta, patienceMs);
    for (const key of [
      "",
      "counter",
      "counter.a.b",
      "counter.*",
      "counter.>",
      "counter.a b",
      "counter.a\r\n",
      "1.a",
      "a.",
    ]) {
      await expect(append({ key }), key).rejects.toMatchObject({ code: "NAME_INVALID" });
    }
    for (const method of ["", "a.b", "*", ">", "a b", "a\nb"]) {
      await expect(append({ method }), method).rejects.toMatchObject({ code: "NAME_INVALID" });
    }
    for (const messageId of ["", "a b", "a\r\nNats-Rollup: all", "ü"]) {
      await expect(append({}, { messageId }), messageId).rejects.toMatchObject({ code: "ID_INVALID" });
    }
    await store(mail, "end");
    const letters = new Letters();
    await using _reader = await mail.read(3, 1, letters.take);
    await letters.untilText("end");
    expect(letters.texts).toEqual(["end"]);
  });

  test(`${name}: a trace context that is none is dropped, the message goes on`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const sequence = await store(mail, "x", toC1, { trace: "00-nonsense\r\n\r\n", number: 7 });
    expect((await mail.readMailbox(3, "counter.c1", sequence, 1))[0]?.meta).toEqual({ number: 7 });
  });

  test(`${name}: P7: a letter is buried once, with the reason on one line and its payload as it was`, async () => {
    await using place = await open();
    const [one, other] = [await place.open(), await place.open()];
    const meta: MailMeta = {
      messageId: "m-7",
      from: "desk.d",
      number: 3,
      trace: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
    };
    const letter = { key: "counter.c1", method: "add", payload: bytes("pay\r\nload"), meta, sequence: 12 };
    const dead: DeadLetter = {
      letter,
      partition: 3,
      code: "HANDLER_FAILED",
      message: "no\r\nNats-Rollup: all ü \\",
      attempts: 4,
    };
    const first = await one.mail.bury(dead, patienceMs);
    expect(first).toMatchObject({ kind: "accepted", isDuplicate: false });
    expect(await other.mail.bury({ ...dead, attempts: 5 }, patienceMs)).toMatchObject({ isDuplicate: true });
    expect(await one.mail.bury({ ...dead, partition: 4 }, patienceMs)).toMatchObject({ isDuplicate: false });
    const [buried, ...others] = await place.buried();
    expect(others.length).toBe(1);
    expect(buried?.subject).toBe(place.subjects.dead("counter.c1", "add"));
    expect(buried && new TextDecoder().decode(buried.payload)).toBe("pay\r\nload");
    expect(buried?.lines).toEqual([
      "Nats-Msg-Id: dead-3-12",
      "Troupe-Dead-Code: HANDLER_FAILED",
      "Troupe-Dead-Reason: no\\u000d\\nNats-Rollup: all \\u00fc \\\\",
      "Troupe-Dead-Attempts: 4",
      "Troupe-Dead-Partition: 3",
      "Troupe-Dead-Sequence: 12",
      "Troupe-Dead-Message-Id: m-7",
      "Troupe-From: desk.d",
      "Troupe-Number: 3",
      `traceparent: ${meta.trace}`,
    ]);
  });

  test(`${name}: P7: every message that can be stored can be buried`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const meta: MailMeta = { messageId: "m".repeat(512), from: `counter.${"x".repeat(768)}`, number: 10 ** 14 };
    const payload = new Uint8Array(mail.payloadBytesMax);
    const letter = { key: `counter.${"x".repeat(768)}`, method: "add", payload, meta, sequence: 12 };
    const dead: DeadLetter = { letter, partition: 3, code: "c".repeat(500), message: "ü".repeat(5_000), attempts: 4 };
    expect(await mail.bury(dead, patienceMs)).toMatchObject({ kind: "accepted" });
    expect((await place.buried())[0]?.payload.length).toBe(payload.length);
  });
}
