// Reading partitions and mailboxes, and trimming: M3, M4.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Letter, Mail } from "../../src/runtime/mail.ts";
import { mailboxReadBytesMax } from "../../src/runtime/mail.ts";
import type { OpenMail } from "./mail-support.ts";
import { Letters, store, toC1, toldOf } from "./mail-support.ts";

const inPartition = (partition: number) => ({ ...toC1, partition });

/** The texts of a partition from the beginning, up to one that is stored now. */
async function textsOf(mail: Mail, partition: number): Promise<string[]> {
  await store(mail, "end of it", inPartition(partition));
  const letters = new Letters();
  await using _reader = await mail.read(partition, 1, letters.take);
  await letters.untilText("end of it");
  return letters.texts.filter((text) => text !== "end of it");
}

export function mailReadContract(name: string, open: OpenMail): void {
  test(`${name}: M3: a reader begins at its sequence, goes on with what comes, and knows its position`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const sequences = [await store(mail, "1"), await store(mail, "2"), await store(mail, "3")];
    const letters = new Letters();
    await using reader = await mail.read(3, sequences[1] ?? 0, letters.take);
    await letters.untilCount(2);
    expect(reader.position).toBe(sequences[2]);
    const fourth = await store(mail, "4");
    await letters.untilText("4");
    expect(letters.texts).toEqual(["2", "3", "4"]);
    expect(reader.position).toBe(fourth);
  });

  test(`${name}: M3: a reader may begin where nothing is stored yet`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const last = await store(mail, "before");
    const letters = new Letters();
    await using reader = await mail.read(3, last + 1, letters.take);
    expect(reader.position).toBe(last);
    await using fresh = await mail.read(9, 0, letters.take);
    expect(fresh.position).toBe(0);
    await store(mail, "after");
    await letters.untilCount(1);
    expect(letters.texts).toEqual(["after"]);
  });

  test(`${name}: M3: a reader sees its own partition alone, also where one number begins with another`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const letters = new Letters();
    await using _reader = await mail.read(1, 1, letters.take);
    await store(mail, "elsewhere", inPartition(11));
    await store(mail, "elsewhere", inPartition(10));
    await store(mail, "here", inPartition(1));
    await letters.untilCount(1);
    expect(letters.texts).toEqual(["here"]);
  });

  test(`${name}: M3: each reader gets everything, also of one client; bytes are its own`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const [one, other] = [new Letters(), new Letters()];
    await using _one = await mail.read(3, 1, one.take);
    await using _other = await mail.read(3, 1, other.take);
    const payload = new TextEncoder().encode("x");
    await mail.append(toC1, payload, {}, 10_000);
    payload.fill(0);
    await Promise.all([one.untilCount(1), other.untilCount(1)]);
    one.all[0]?.payload.fill(1);
    expect(other.texts).toEqual(["x"]);
    expect((await textsOf(mail, 3))[0]).toBe("x");
  });

  test(`${name}: M3: a reader that is opened again from an earlier place gets the same letters again`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    for (const text of ["1", "2", "3"]) await store(mail, text);
    expect(await textsOf(mail, 3)).toEqual(["1", "2", "3"]);
    expect(await textsOf(mail, 3)).toEqual(["1", "2", "3"]);
  });

  test(`${name}: M3: after a break a reader goes on behind its last letter, none missing, none twice`, async () => {
    await using place = await open();
    const [writer, reading] = [await place.open(), await place.open()];
    const letters = new Letters();
    await using _reader = await reading.mail.read(3, 1, letters.take);
    const expected: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      for (let at = 0; at < 50; at += 1) expected.push(`${round}-${at}`);
      const appends = expected.slice(-50).map((text) => store(writer.mail, text));
      await letters.untilCount(round * 50 + 10);
      const lost = toldOf(reading.mail, "lost");
      reading.cut();
      await Promise.all([lost, ...appends]);
      const restored = toldOf(reading.mail, "restored");
      reading.restore();
      await restored;
    }
    await letters.untilCount(expected.length);
    await store(writer.mail, "end");
    await letters.untilText("end");
    expect(letters.texts).toEqual([...expected, "end"]);
  });

  test(`${name}: M7: a reader that was closed hands over nothing more`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const [closed, other] = [new Letters(), new Letters()];
    const reader = await mail.read(3, 1, closed.take);
    await store(mail, "1");
    await closed.untilCount(1);
    await reader.close();
    await reader.close();
    await using _other = await mail.read(3, 1, other.take);
    await store(mail, "2");
    await other.untilCount(2);
    expect(closed.texts).toEqual(["1"]);
  });

  test(`${name}: M4: trim removes what is at or below the sequence, in that partition alone`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const anyPartition = fc.nat(2);
    let base = 10;
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyPartition, { minLength: 1, maxLength: 12 }),
        anyPartition,
        fc.nat(14),
        async (where, trimmed, cut) => {
          base += 3;
          const first = await store(mail, "mark", inPartition(1));
          const stored: { partition: number; sequence: number; text: string }[] = [];
          for (const [at, partition] of where.entries()) {
            const sequence = await store(mail, String(at), inPartition(base + partition));
            stored.push({ partition, sequence, text: String(at) });
          }
          await mail.trim(base + trimmed, first + cut);
          for (const partition of [0, 1, 2]) {
            const kept = stored.filter(
              (each) => each.partition === partition && !(partition === trimmed && each.sequence <= first + cut),
            );
            expect(await textsOf(mail, base + partition)).toEqual(kept.map(({ text }) => text));
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  test(`${name}: M4: trimming to nothing, twice, or beyond the end changes nothing else`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const one = await store(mail, "1");
    await store(mail, "2");
    for (const upTo of [0, -1, one, one]) await mail.trim(3, upTo);
    expect(await textsOf(mail, 3)).toEqual(["2"]);
    await mail.trim(3, one + 1_000);
    const next = await store(mail, "3");
    expect(next).toBeGreaterThan(one);
    expect(await textsOf(mail, 3)).toEqual(["3"]);
  });

  test(`${name}: M3, M4: a reader that is open goes on when everything behind it is trimmed, also after a break`, async () => {
    await using place = await open();
    const [writer, reading] = [await place.open(), await place.open()];
    const letters = new Letters();
    await using _reader = await reading.mail.read(3, 1, letters.take);
    const last = await store(writer.mail, "1");
    await letters.untilCount(1);
    reading.cut();
    await writer.mail.trim(3, last);
    await store(writer.mail, "2");
    reading.restore();
    await letters.untilText("2");
    await writer.mail.trim(3, last + 100);
    await store(writer.mail, "3");
    await letters.untilText("3");
    expect(letters.texts).toEqual(["1", "2", "3"]);
  });

  test(`${name}: one actor's mailbox reads back from any place, all methods, as many as asked for`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const stored: { key: string; method: string; sequence: number }[] = [];
    for (let at = 0; at < 40; at += 1) {
      const key = at % 3 === 0 ? "counter.c1" : at % 3 === 1 ? "counter.c10" : "counterx.c1";
      const method = at % 2 === 0 ? "add" : "sub";
      stored.push({ key, method, sequence: await store(mail, "x", { partition: 3, key, method }) });
    }
    const own = stored.filter(({ key }) => key === "counter.c1");
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -1, max: 45 }), fc.nat(16), async (from, most) => {
        const letters = await mail.readMailbox(3, "counter.c1", from, most);
        const expected = own.filter(({ sequence }) => sequence >= from).slice(0, most);
        expect(letters.map(({ key, method, sequence }) => ({ key, method, sequence }))).toEqual(expected);
      }),
      { numRuns: 30 },
    );
    expect(await mail.readMailbox(4, "counter.c1", 1, 10)).toEqual([]);
    expect(await mail.readMailbox(3, "counter.c2", 1, 10)).toEqual([]);
  });

  test(`${name}: a mailbox of many large messages is read in parts of bounded size, to its end`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const payload = new Uint8Array(400 * 1024).fill(7);
    for (let at = 0; at < 20; at += 1) await mail.append(toC1, payload, {}, 10_000);
    const letters: Letter[] = [];
    for (let from = 1; ; from = (letters.at(-1)?.sequence ?? 0) + 1) {
      const part = await mail.readMailbox(3, "counter.c1", from, 256);
      if (part.length === 0) break;
      expect(part.length).toBeLessThanOrEqual(mailboxReadBytesMax / payload.length + 1);
      letters.push(...part);
    }
    expect(letters.length).toBe(20);
    expect(letters.every((letter) => letter.payload.length === payload.length)).toBe(true);
  });

  test(`${name}: a mailbox shows what was stored before it was read, by whomever`, async () => {
    await using place = await open();
    const [one, other] = [await place.open(), await place.open()];
    for (let at = 1; at <= 100; at += 1) {
      await store(one.mail, String(at));
      expect((await other.mail.readMailbox(3, "counter.c1", 1, 200)).length).toBe(at);
    }
  });

  test(`${name}: a mailbox cannot be read while the server is out of reach`, async () => {
    await using place = await open();
    const client = await place.open();
    await store(client.mail, "x");
    const lost = toldOf(client.mail, "lost");
    client.cut();
    await lost;
    await expect(client.mail.readMailbox(3, "counter.c1", 1, 10)).rejects.toMatchObject({ code: "SERVER_UNREACHABLE" });
    await expect(client.mail.trim(3, 1)).rejects.toMatchObject({ code: "SERVER_UNREACHABLE" });
  });
}
