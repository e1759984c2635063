// What networks and servers do to mail: bytes that vanish, a server that is killed, frozen, full or without JetStream.

import { expect, test } from "vitest";
import type { TroupeError } from "../../src/core/errors.ts";
import { callApi } from "../../src/kv/nats-api.ts";
import type { NatsLink } from "../../src/kv/nats-link.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import { dropDeadLetter, readDeadLetters, replayDeadLetter } from "../../src/runtime/dead-letters.ts";
import type { MailRequest } from "../../src/runtime/mail.ts";
import { noMeta } from "../../src/runtime/mail.ts";
import { openNatsMail } from "../../src/runtime/nats-mail.ts";
import { subjectsOf } from "../../src/runtime/subjects.ts";
import { startTestServer } from "../support/nats-server.ts";
import { over } from "../unit/runtime-doubles.ts";
import { inTime } from "./in-time.ts";
import { openMailOnNats } from "./mail-on-nats.ts";
import { bytes, eventually, Letters, onceAt, patienceMs, store, toC1, toldOf, within } from "./mail-support.ts";

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
  expect((await within("an answer at the break", lostAppend)).kind).toBe("unknown");
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
  expect((await within("an answer at the break", lostAppend)).kind).toBe("unknown");
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

test("L4 of the link: whoever is refused without a connection, and tries again at once, lets the event loop turn", async () => {
  await using server = await startTestServer();
  await using place = await openMailOnNats(server);
  const client = await place.open();
  const lost = toldOf(client.mail, "lost");
  client.proxy.refuse();
  await lost;
  const unsent: readonly (() => Promise<unknown>)[] = [
    () => client.mail.append(toC1, bytes("x"), noMeta, patienceMs),
    () => client.mail.schedule(toC1, onceAt("t", Date.now() + 1_000), bytes("x"), noMeta, patienceMs),
    () => client.mail.request(toC1, bytes("x"), noMeta, patienceMs),
    () => client.mail.trim(3, 1).catch(() => {}),
    () => client.mail.read(3, 1, () => {}).catch(() => {}),
    () => client.mail.readMailbox(3, "counter.c1", 1, 10).catch(() => {}),
    () => client.mail.ping("w-1", patienceMs),
  ];
  for (const operation of unsent) {
    let hasTurned = false;
    setImmediate(() => (hasTurned = true));
    await operation();
    expect(hasTurned, String(operation)).toBe(true);
  }
});

test("M6: timers outlive kill -9 of the server: those that fell due meanwhile fire when it is back", () =>
  inTime(1_000, async (ms, limit) => {
    await using server = await startTestServer();
    await using place = await openMailOnNats(server);
    const { mail } = await place.open();
    // A timer of another server tells when the time has come.
    await using otherServer = await startTestServer();
    await using elsewhere = await openMailOnNats(otherServer);
    const other = await elsewhere.open();
    const bell = new Letters();
    await using _bell = await other.mail.read(3, 1, bell.take);
    const check = limit(ms);
    const dueMs = Date.now() + ms;
    await mail.schedule(toC1, onceAt("due", dueMs), bytes("due"), noMeta, patienceMs);
    await mail.schedule(toC1, onceAt("later", dueMs + 2_000), bytes("later"), noMeta, patienceMs);
    await mail.schedule(toC1, onceAt("cancelled", dueMs + 200), bytes("cancelled"), noMeta, patienceMs);
    await mail.cancel("counter.c1", onceAt("cancelled", 0));
    await other.mail.schedule(toC1, onceAt("bell", dueMs + 300), bytes("bell"), noMeta, patienceMs);
    const restored = toldOf(mail, "restored");
    restored.catch(() => undefined); // Of a scene that was too slow.
    await server.kill9();
    check();
    await bell.untilText("bell");
    await server.restart();
    await restored;
    const letters = new Letters();
    await using _reader = await mail.read(3, 1, letters.take);
    await letters.untilText("due");
    await letters.untilText("later");
    // Where the restart took so long that both were overdue nobody promises which of them is first.
    expect(letters.texts.sort()).toEqual(["due", "later"]);
  }));

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
  expect((await within("an answer at once", ask)).kind).toBe("lost");
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
  let [stored, last] = [0, 0];
  // A read of a mailbox is bounded in bytes too.
  for (let from = 1, page = await mail.readMailbox(3, "counter.c1", from, 20); page.length > 0; ) {
    stored += page.length;
    last = page.at(-1)?.sequence ?? 0;
    from = last + 1;
    page = await mail.readMailbox(3, "counter.c1", from, 20);
  }
  expect(stored).toBe(10 - refused.length);
  await mail.trim(3, last);
  expect(await mail.append(toC1, payload, noMeta, patienceMs)).toMatchObject({ kind: "accepted" });
});

test("without its stream an append is told so at once, and not stored: it may be tried again when one leads it", async () => {
  await using server = await startTestServer();
  await using link = await openLink({ servers: server.url });
  await using mail = openNatsMail({ link, subjects: subjectsOf("nowhere", "main") });
  const outcome = await within("an answer at once", mail.append(toC1, bytes("x"), noMeta, 60_000));
  expect(outcome).toMatchObject({ kind: "unsent", reason: expect.stringContaining("no leader") });
  await expect(mail.read(3, 1, () => {})).rejects.toMatchObject({ code: "STORE_FAILED" });
  await expect(mail.trim(3, 1)).rejects.toMatchObject({ code: "STORE_FAILED" });
  await expect(mail.readMailbox(3, "counter.c1", 1, 1)).rejects.toMatchObject({ code: "STORE_FAILED" });
});

function lostPlace() {
  const { promise, resolve } = Promise.withResolvers<TroupeError>();
  return { onLost: resolve, told: within("the place is lost", promise) };
}

test("Q2, N3: a stream that has lost its end is filled up, so that nothing new takes the place of what was read before", async () => {
  await using server = await startTestServer();
  await using place = await openMailOnNats(server);
  const { mail } = await place.open();
  const last = await store(mail, "kept");
  const letters = new Letters();
  const place3 = lostPlace();
  await using _lost = await mail.read(3, last + 601, letters.take, place3.onLost);
  expect(await place3.told).toMatchObject({ code: "STORE_FAILED", message: expect.stringMatching(/are lost.*filled/) });
  await using _reader = await mail.read(3, last + 601, letters.take, () => expect.unreachable());
  expect(await store(mail, "new")).toBeGreaterThan(last + 600);
  await letters.untilText("new");
  expect(letters.all.at(-1)?.sequence).toBeGreaterThan(last + 600);
  // So much no stream loses: that is another one.
  const far = lostPlace();
  await using _far = await mail.read(2, last + 2_000_000, letters.take, far.onLost);
  expect(await far.told).toMatchObject({ code: "LAYOUT_MISMATCH", message: expect.stringContaining("made anew") });
});

test("N3: under a reader's feet a stream is made anew by hand, and begins at 1: the reader is told, and skips nothing in silence", async () => {
  await using server = await startTestServer();
  await using place = await openMailOnNats(server);
  const { mail } = await place.open();
  const letters = new Letters();
  const lost = lostPlace();
  await using _reader = await mail.read(3, 1, letters.take, lost.onLost);
  await store(mail, "old");
  await letters.untilText("old");
  await using link = await openLink({ servers: server.url });
  const { mailStream, mailStreamSubjects } = place.subjects;
  await callApi(link, `STREAM.DELETE.${mailStream}`, {});
  const config = { name: mailStream, subjects: mailStreamSubjects, allow_direct: true, allow_msg_schedules: true };
  await callApi(link, `STREAM.CREATE.${mailStream}`, config);
  expect(await lost.told).toMatchObject({ code: "LAYOUT_MISMATCH" });
});

test("X1, X2: a dead letter that was sent again and cannot be removed says so, and sent again at once it is one message", async () => {
  await using server = await startTestServer();
  await using place = await openMailOnNats(server);
  const { mail } = await place.open();
  await using link = await openLink({ servers: server.url });
  const letter = { ...toC1, payload: bytes("x"), sequence: 7, meta: noMeta };
  await mail.bury({ letter, partition: 3, code: "HANDLER_FAILED", message: "no", attempts: 5 }, patienceMs);
  const options = { link, subjects: place.subjects };
  const [dead] = await readDeadLetters(options, 1, 10);
  if (dead === undefined) throw new Error("there is no dead letter");
  let refusals = 0;
  const request: NatsLink["request"] = (subject, ...rest) => {
    if (!subject.includes(".MSG.DELETE.")) return link.request(subject, ...rest);
    refusals += 1;
    return Promise.resolve({ kind: "unsent", reason: "not connected to NATS" });
  };
  const cut = { ...options, link: over(link, { request }) };
  const before = await store(mail, "before");
  const failed = await replayDeadLetter(cut, mail, 3, dead).catch((thrown: TroupeError) => thrown);
  expect(failed).toMatchObject({
    code: "OUTCOME_UNKNOWN",
    message: expect.stringMatching(new RegExp(`sent again, as message ${before + 1},.* dead drop 1\``)),
  });
  expect([refusals, (await readDeadLetters(options, 1, 10)).length]).toEqual([1, 1]);
  expect(await replayDeadLetter(options, mail, 3, dead)).toBe(before + 1);
  expect(await readDeadLetters(options, 1, 10)).toEqual([]);
  await dropDeadLetter(options, 1);
  // A letter at the same place of a stream that was made anew is another one.
  const another = { ...dead, buriedAt: new Date(dead.buriedAt.getTime() + 1) };
  expect(await replayDeadLetter(options, mail, 3, another)).toBe(before + 2);
});
