// What networks and servers do to mail: bytes that vanish, a server that is killed, frozen, full or without JetStream.

import { expect, test } from "vitest";
import { addressOf } from "../../src/core/ids.ts";
import { openLink, rawHeaders } from "../../src/kv/nats-link.ts";
import type { MailRequest } from "../../src/runtime/mail.ts";
import { noMeta } from "../../src/runtime/mail.ts";
import { openNatsMail } from "../../src/runtime/nats-mail.ts";
import { subjectsOf } from "../../src/runtime/subjects.ts";
import { startTestServer } from "../support/nats-server.ts";
import { openMailOnNats } from "./mail-on-nats.ts";
import { bytes, eventually, Letters, onceAt, patienceMs, store, textOf, toC1, toldOf, within } from "./mail-support.ts";

test("M3: letters that vanish on their way to a reader are read after the break, in order, none twice", async () => {
  await using server = await startTestServer();
  await using place = await openMailOnNats(server);
  const [writer, reading] = [await place.open(), await place.open()];
  const letters = new Letters();
  await using _reader = await reading.mail.read(3, 1, letters.take);
  const expected: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    await store(writer.mail, `${round} seen`);
    await letters.untilText(`${round} seen`);
    reading.proxy.swallow("to-client");
    for (const at of [1, 2, 3]) await store(writer.mail, `${round} swallowed ${at}`);
    const restored = toldOf(reading.mail, "restored");
    reading.proxy.cut();
    await restored;
    await letters.untilText(`${round} swallowed 3`);
    expected.push(`${round} seen`, ...[1, 2, 3].map((at) => `${round} swallowed ${at}`));
  }
  expect(letters.texts).toEqual(expected);
});

test("M2: an append whose acknowledgement vanishes is unknown at the break; its repetition is a duplicate", async () => {
  await using server = await startTestServer();
  await using place = await openMailOnNats(server);
  const [client, other] = [await place.open(), await place.open()];
  await store(client.mail, "before");
  client.proxy.swallow("to-client");
  const meta = { messageId: "m" };
  const lostAppend = client.mail.append(toC1, bytes("x"), meta, 60_000);
  const [stored] = (await storedTexts(other.mail, 2)).slice(1);
  const restored = toldOf(client.mail, "restored");
  client.proxy.cut();
  expect((await within("an answer at the break", lostAppend, 3_000)).kind).toBe("unknown");
  await restored;
  const again = await client.mail.append(toC1, bytes("x"), meta, patienceMs);
  expect(again).toEqual({ kind: "accepted", sequence: stored?.sequence, isDuplicate: true });
});

test("an append that vanishes on its way is unknown at the break, and was not stored", async () => {
  await using server = await startTestServer();
  await using place = await openMailOnNats(server);
  const client = await place.open();
  client.proxy.swallow("to-server");
  const lostAppend = client.mail.append(toC1, bytes("x"), { messageId: "m" }, 60_000);
  await new Promise((resolve) => setImmediate(resolve));
  const restored = toldOf(client.mail, "restored");
  client.proxy.cut();
  expect((await within("an answer at the break", lostAppend, 3_000)).kind).toBe("unknown");
  await restored;
  const again = await client.mail.append(toC1, bytes("x"), { messageId: "m" }, patienceMs);
  expect(again).toMatchObject({ kind: "accepted", isDuplicate: false });
});

/** Letters of the first mailbox once there are so many. */
async function storedTexts(mail: Parameters<typeof store>[0], count: number) {
  const letters = new Letters();
  await using _reader = await mail.read(3, 1, letters.take);
  return await letters.untilCount(count);
}

test("P6, M3: kill -9 of the server loses nothing that was acknowledged; readers go on by themselves", async () => {
  await using server = await startTestServer();
  await using place = await openMailOnNats(server);
  const [writer, reading] = [await place.open(), await place.open()];
  const letters = new Letters();
  await using _reader = await reading.mail.read(3, 1, letters.take);
  const acknowledged: string[] = [];
  let isKilled = false;
  let sent = 0;
  const write = async () => {
    while (!isKilled) {
      const text = String(sent++);
      const outcome = await writer.mail.append(toC1, bytes(text), { messageId: text }, 2_000);
      if (outcome.kind === "accepted") acknowledged.push(text);
    }
  };
  const writing = Promise.all(Array.from({ length: 32 }, write));
  await letters.untilCount(500);
  const restored = Promise.all([toldOf(writer.mail, "restored"), toldOf(reading.mail, "restored")]);
  await server.kill9();
  isKilled = true;
  await writing;
  await server.restart();
  await restored;
  await store(writer.mail, "end");
  await letters.untilText("end");
  const read = new Set(letters.texts);
  expect(acknowledged.filter((text) => !read.has(text))).toEqual([]);
  expect(letters.texts.length).toBe(read.size);
  const sequences = letters.all.map(({ sequence }) => sequence);
  expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
});

test("M6: timers outlive kill -9 of the server: those that fell due meanwhile fire when it is back", async () => {
  await using server = await startTestServer();
  await using place = await openMailOnNats(server);
  const { mail } = await place.open();
  const dueMs = Date.now() + 400;
  await mail.schedule(toC1, onceAt("due", dueMs), bytes("due"), noMeta, patienceMs);
  await mail.schedule(toC1, onceAt("later", dueMs + 2_000), bytes("later"), noMeta, patienceMs);
  await mail.schedule(toC1, onceAt("cancelled", dueMs + 200), bytes("cancelled"), noMeta, patienceMs);
  await mail.cancel("counter.c1", onceAt("cancelled", 0));
  // A timer of another server tells when the time has come.
  await using otherServer = await startTestServer();
  await using elsewhere = await openMailOnNats(otherServer);
  const other = await elsewhere.open();
  const bell = new Letters();
  await using _bell = await other.mail.read(3, 1, bell.take);
  await other.mail.schedule(toC1, onceAt("bell", dueMs + 300), bytes("bell"), noMeta, patienceMs);
  const restored = toldOf(mail, "restored");
  await server.kill9();
  await bell.untilText("bell");
  await server.restart();
  await restored;
  const letters = new Letters();
  await using _reader = await mail.read(3, 1, letters.take);
  await letters.untilText("later");
  expect(letters.texts).toEqual(["due", "later"]);
});

test("M2: after a restart the server knows the ids of what it still stores, and has forgotten those that were trimmed", async () => {
  await using server = await startTestServer();
  await using place = await openMailOnNats(server);
  const { mail } = await place.open();
  const trimmed = await store(mail, "1", toC1, { messageId: "trimmed" });
  const kept = await store(mail, "2", toC1, { messageId: "kept" });
  await mail.trim(3, trimmed);
  const restored = toldOf(mail, "restored");
  await server.kill9();
  await server.restart();
  await restored;
  const again = (messageId: string) => mail.append(toC1, bytes("x"), { messageId }, patienceMs);
  expect(await again("kept")).toEqual({ kind: "accepted", sequence: kept, isDuplicate: true });
  // Why owners trim no further than what is older than the window.
  expect(await again("trimmed")).toMatchObject({ kind: "accepted", isDuplicate: false });
});

test("M5: requests in flight are lost at once when the server is killed", async () => {
  await using server = await startTestServer();
  await using place = await openMailOnNats(server);
  const [asker, owner] = [await place.open(), await place.open()];
  const arrived = Promise.withResolvers<MailRequest>();
  await using _server = await owner.mail.serve(3, 1, arrived.resolve);
  const ask = asker.mail.request(toC1, bytes("x"), noMeta, 60_000);
  const request = await within("the request arrives", arrived.promise);
  await server.kill9();
  expect((await within("an answer at once", ask, 3_000)).kind).toBe("lost");
  request.reply(bytes("into the void"));
});

test("M5: one reply leaves for each request, whatever the handler does, and none for a request that wants none", async () => {
  await using server = await startTestServer();
  await using place = await openMailOnNats(server);
  const { mail } = await place.open();
  await using outside = await openLink({ servers: server.url });
  await using _server = await mail.serve(3, 1, (request) => {
    request.reply(bytes("1"));
    request.reply(bytes("2"), "HANDLER_FAILED");
    request.reply(new Uint8Array(2 * 1024 * 1024));
  });
  const replies: string[] = [];
  outside.connection.subscribe("answers", { callback: (_error, message) => void replies.push(message.string()) });
  const subject = place.subjects.ask(3, 1, "counter.c1", "add");
  outside.connection.publish(subject, bytes(""), { reply: "answers" });
  outside.connection.publish(subject, bytes(""));
  // The owner's connection hands over in order: when this one is answered, so are those before it.
  await outside.request(subject, bytes(""), patienceMs);
  expect(replies).toEqual(["1"]);
});

test("what a frozen server is sent is unknown at its deadline, and may be stored when it thaws", async () => {
  await using server = await startTestServer();
  await using place = await openMailOnNats(server);
  const { mail } = await place.open();
  await store(mail, "before");
  server.freeze();
  let tries = 0;
  // The signal takes a moment: the first of these may still be answered.
  const late = await eventually("an append without an answer", async () => {
    tries += 1;
    const messageId = `late-${tries}`;
    const outcome = await mail.append(toC1, bytes(messageId), { messageId }, 300);
    return outcome.kind === "unknown" ? messageId : undefined;
  });
  expect((await mail.request(toC1, bytes("x"), noMeta, 300)).kind).toBe("lost");
  expect(await mail.ping("w-1", 300)).toBe("unknown");
  server.thaw();
  const letters = new Letters();
  await using _reader = await mail.read(3, 1, letters.take);
  await letters.untilText(late);
  expect(await mail.append(toC1, bytes("again"), { messageId: late }, patienceMs)).toMatchObject({ isDuplicate: true });
});

test("a full store refuses with the server's own words, and takes in again when there is room", async () => {
  await using server = await startTestServer({ config: "jetstream { max_file_store: 2MB }" });
  await using place = await openMailOnNats(server);
  const { mail } = await place.open();
  const payload = new Uint8Array(300 * 1024);
  const outcomes = [];
  for (let at = 0; at < 10; at += 1) outcomes.push(await mail.append(toC1, payload, noMeta, patienceMs));
  const refused = outcomes.filter(({ kind }) => kind === "refused");
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]).toMatchObject({ reason: expect.stringMatching(/resource|storage|limit|exceed/i) });
  let stored = 0;
  // A read of a mailbox is bounded in bytes too.
  for (let from = 1, page = await mail.readMailbox(3, "counter.c1", from, 20); page.length > 0; ) {
    stored += page.length;
    from = (page.at(-1)?.sequence ?? 0) + 1;
    page = await mail.readMailbox(3, "counter.c1", from, 20);
  }
  expect(stored).toBe(10 - refused.length);
  await mail.trim(3, 1_000);
  expect(await mail.append(toC1, payload, noMeta, patienceMs)).toMatchObject({ kind: "accepted" });
});

test("without its stream an append is told so at once, and not stored: it may be tried again when one leads it", async () => {
  await using server = await startTestServer();
  await using link = await openLink({ servers: server.url });
  await using mail = openNatsMail({ link, subjects: subjectsOf("nowhere", "main") });
  const outcome = await within("an answer at once", mail.append(toC1, bytes("x"), noMeta, 60_000), 3_000);
  expect(outcome).toMatchObject({ kind: "unsent", reason: expect.stringContaining("no leader") });
  await expect(mail.read(3, 1, () => {})).rejects.toMatchObject({ code: "STORE_FAILED" });
  await expect(mail.trim(3, 1)).rejects.toMatchObject({ code: "STORE_FAILED" });
  await expect(mail.readMailbox(3, "counter.c1", 1, 1)).rejects.toMatchObject({ code: "STORE_FAILED" });
});

test("somebody else's answer is no acknowledgement: the outcome is unknown, not accepted", async () => {
  await using server = await startTestServer();
  await using link = await openLink({ servers: server.url });
  const subjects = subjectsOf("nowhere", "main");
  await using mail = openNatsMail({ link, subjects });
  for (const answer of ["", "+OK", "null", "[]", '{"seq":-1}', '{"stream":"nowhere_mail","seq":"7"}']) {
    const subscription = link.connection.subscribe(`${subjects.mailPrefix(3)}>`, {
      callback: (_error, message) => void message.respond(answer),
    });
    expect(await mail.append(toC1, bytes("x"), noMeta, patienceMs), answer).toMatchObject({ kind: "unknown" });
    subscription.unsubscribe();
  }
});

test("H2: headers that nobody of ours writes are left out, in letters, mailboxes and requests", async () => {
  await using server = await startTestServer();
  await using place = await openMailOnNats(server);
  const { mail } = await place.open();
  await using outside = await openLink({ servers: server.url });
  const seen: MailRequest[] = [];
  await using _server = await mail.serve(3, 1, (request) => {
    seen.push(request);
    request.reply(bytes("ok"));
  });
  const trace = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  const blocks: [lines: string[], meta: object][] = [
    [
      [
        "Troupe-Number: -1",
        "Troupe-From: not a key",
        "Troupe-Chain: a.b,c",
        "Troupe-Key: a b",
        "traceparent: 00-1-2-3",
      ],
      {},
    ],
    [["Troupe-Number: 1e3", "Troupe-Number: 7", "Nats-Sequence: 999", "Nats-Subject: x.y.z"], {}],
    [
      ["Troupe-Number: 99999999999999999999", "Troupe-From: counter.c1", `Traceparent: ${trace}`],
      { from: "counter.c1", trace },
    ],
    [["troupe-from: counter.c1", "X: y", "Troupe-Key:", "no colon"], {}],
    [["a header: with a space", "Troupe-From: counter.c1"], {}],
    [["Troupe-Number: 8"], { number: 8 }],
  ];
  const letters = new Letters();
  await using _reader = await mail.read(3, 1, letters.take);
  // Messages without a payload are where clients look for the server's own status headers.
  for (const payload of [bytes("x"), bytes("")]) {
    for (const [lines] of blocks) {
      const headers = rawHeaders(lines);
      await outside.request(place.subjects.mail(3, "counter.c1", "add"), payload, patienceMs, headers);
      const answer = await outside.request(place.subjects.ask(3, 1, "counter.c1", "add"), payload, patienceMs, headers);
      expect(answer.kind).toBe("reply");
    }
  }
  const expected = [...blocks, ...blocks].map(([, meta]) => meta);
  expect(seen.map(({ meta }) => ({ ...meta }))).toEqual(expected);
  expect((await letters.untilCount(expected.length)).map(({ meta }) => ({ ...meta }))).toEqual(expected);
  const mailbox = await mail.readMailbox(3, "counter.c1", 1, 20);
  expect(mailbox.map(({ meta, sequence }) => ({ ...meta, sequence }))).toEqual(
    letters.all.map(({ meta, sequence }) => ({ ...meta, sequence })),
  );
});

test("P7: what was stored past us on a subject that is no actor's is read, refused by its address, and can be buried", async () => {
  await using server = await startTestServer();
  await using place = await openMailOnNats(server);
  const { mail } = await place.open();
  await using outside = await openLink({ servers: server.url });
  const letters = new Letters();
  await using _reader = await mail.read(3, 1, letters.take);
  const tails = ["alone", "two.tokens", "a.b.c.d", "1.a.b", "a.=.b"];
  for (const tail of tails) await outside.request(`${place.subjects.mailPrefix(3)}${tail}`, bytes(tail), patienceMs);
  await outside.request(place.subjects.mail(3, "a.b", "c"), new Uint8Array(1024 * 1024), patienceMs);
  await letters.untilCount(tails.length + 1);
  expect(letters.texts.slice(0, -1)).toEqual(tails);
  for (const letter of letters.all) {
    if (letter.payload.length < 100) expect(addressOf(letter.key), letter.key).toBeUndefined();
    const outcome = await mail.bury(
      { letter, partition: 3, code: "NAME_INVALID", message: "no actor", attempts: 0 },
      patienceMs,
    );
    expect(outcome, letter.key).toMatchObject({ kind: "accepted", isDuplicate: false });
  }
  const buried = await place.buried();
  expect(buried.slice(0, -1).map(textOf)).toEqual(tails);
  expect(buried.at(-1)?.payload.length).toBe(0);
  expect(buried.at(-1)?.lines).toContain(`Troupe-Dead-Payload-Bytes: ${1024 * 1024}`);
});

test("serving a subject that the server does not allow rejects", async () => {
  const config = `authorization { users = [ { user: "u", password: "p", permissions: { subscribe: ["_INBOX.>"] } } ] }`;
  await using server = await startTestServer({ config });
  await using link = await openLink({ servers: server.url, user: "u", pass: "p" });
  await using mail = openNatsMail({ link, subjects: subjectsOf("app", "main") });
  await expect(mail.serve(3, 1, () => {})).rejects.toMatchObject({ code: "STORE_FAILED" });
  await expect(mail.servePings("w-1")).rejects.toMatchObject({ code: "STORE_FAILED" });
});
