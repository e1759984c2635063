// What goes over the wire, and what others put there: headers, replies and subjects that are none of ours.

import { expect, test } from "vitest";
import { addressOf } from "../../src/core/ids.ts";
import { unseen } from "../../src/core/trace.ts";
import { openLink, rawHeaders } from "../../src/kv/nats-link.ts";
import type { MailRequest } from "../../src/runtime/mail.ts";
import { noMeta } from "../../src/runtime/mail.ts";
import { openNatsMail } from "../../src/runtime/nats-mail.ts";
import { subjectsOf } from "../../src/runtime/subjects.ts";
import { startTestServer } from "../support/nats-server.ts";
import { openMailOnNats } from "./mail-on-nats.ts";
import { bytes, Letters, patienceMs, textOf, toC1 } from "./mail-support.ts";

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

test("H3: that an ask's trace is made nowhere is said by its reply's subject, without a header; a trace that is made, or has a name, has one", async () => {
  await using server = await startTestServer();
  await using place = await openMailOnNats(server);
  const { mail } = await place.open();
  await using outside = await openLink({ servers: server.url });
  const seen: MailRequest[] = [];
  await using _server = await mail.serve(3, 1, (request) => {
    seen.push(request);
    request.reply(bytes("ok"));
  });
  const wire: (string | readonly string[])[][] = [];
  outside.connection.subscribe(place.subjects.ask(3, 1, "counter.c1", "add"), {
    callback: (_error, { reply, headers }) => void wire.push([reply?.slice(-7) ?? "", headers?.keys() ?? []]),
  });
  await outside.connection.flush();
  const named = `00-${"a".repeat(32)}-${"b".repeat(16)}-00`;
  const metas = [{ trace: unseen }, { trace: named }, { trace: unseen, idempotencyKey: "k" }];
  for (const meta of metas) expect((await mail.request(toC1, bytes("x"), meta, patienceMs)).kind).toBe("reply");
  await outside.connection.flush();
  const plain = expect.not.stringContaining("unseen");
  expect(wire).toEqual([
    ["-unseen", []],
    [plain, ["traceparent"]],
    ["-unseen", ["Troupe-Key"]],
  ]);
  expect(seen.map(({ meta }) => ({ ...meta }))).toEqual(metas);
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
  await expect(mail.serveControl("w-1")).rejects.toMatchObject({ code: "STORE_FAILED" });
});

/** What a reader is told when its place is lost. */
