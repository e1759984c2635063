// Requests, doors and pings: M5.

import fc from "fast-check";
import { expect, test } from "vitest";
import { keyOf } from "../../src/core/ids.ts";
import type { MailRequest, RequestOutcome, Withdrawal } from "../../src/runtime/mail.ts";
import { noMeta } from "../../src/runtime/mail.ts";
import type { OpenMail } from "./mail-support.ts";
import { anyId, anyMeta, anyName, bytes, patienceMs, textOf, toC1, toldOf, within } from "./mail-support.ts";

const textOfReply = (outcome: RequestOutcome): string =>
  outcome.kind === "reply" ? `${outcome.errorCode ?? "ok"}: ${textOf(outcome)}` : outcome.kind;

export function mailRequestContract(name: string, open: OpenMail): void {
  test(`${name}: M5: a request reaches whoever serves the partition, with all that goes along, and is answered`, async () => {
    await using place = await open();
    const [asker, owner] = [await place.open(), await place.open()];
    let seen: MailRequest | undefined;
    await using _server = await owner.mail.serve(3, 1, (request) => {
      seen = request;
      request.reply(request.payload);
    });
    const anyBytes = fc.uint8Array({ maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(anyName, anyId, anyName, anyBytes, anyMeta, async (type, id, method, payload, meta) => {
        const to = { partition: 3, epoch: 1, key: keyOf({ type, id }), method };
        const outcome = await asker.mail.request(to, payload, meta, patienceMs);
        expect(outcome.kind === "reply" && [...outcome.payload]).toEqual([...payload]);
        expect(seen && { key: seen.key, method: seen.method, meta: { ...seen.meta } }).toEqual({
          ...{ key: to.key, method, meta: { ...meta } },
        });
      }),
      { numRuns: 60 },
    );
  });

  test(`${name}: M5: the first reply counts; an error carries its code, and an empty reply is a reply`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    await using _server = await mail.serve(3, 1, (request) => {
      if (request.method === "fail") request.reply(bytes("why"), "HANDLER_FAILED");
      else if (request.method === "empty") request.reply(new Uint8Array(0));
      request.reply(bytes("second"), "INPUT_INVALID");
      request.reply(bytes("third"));
    });
    const ask = (method: string) => mail.request({ ...toC1, method }, bytes(""), noMeta, patienceMs).then(textOfReply);
    expect(await Promise.all([ask("fail"), ask("empty"), ask("other"), ask("fail")])).toEqual([
      "HANDLER_FAILED: why",
      "ok: ",
      "INPUT_INVALID: second",
      "HANDLER_FAILED: why",
    ]);
  });

  test(`${name}: M5: with nobody there the answer is nobody, at once, and again after the owner has closed`, async () => {
    await using place = await open();
    const [asker, owner] = [await place.open(), await place.open()];
    const ask = () => within("an answer at once", asker.mail.request(toC1, bytes("x"), noMeta, 60_000));
    expect(await ask()).toEqual({ kind: "nobody" });
    const server = await owner.mail.serve(3, 1, (request) => request.reply(bytes("here")));
    await using _other = await owner.mail.serve(33, 1, (request) => request.reply(bytes("elsewhere")));
    expect(textOfReply(await ask())).toBe("ok: here");
    await server.close();
    await owner.mail.ping("settles-what-was-said-before", patienceMs);
    expect(await ask()).toEqual({ kind: "nobody" });
  });

  test(`${name}: M5: what is served is known to the server when serve resolves`, async () => {
    await using place = await open();
    const [asker, owner] = [await place.open(), await place.open()];
    for (let partition = 0; partition < 30; partition += 1) {
      await owner.mail.serve(partition, 1, (request) => request.reply(bytes("here")));
      const outcome = await asker.mail.request({ ...toC1, partition }, bytes(""), noMeta, patienceMs);
      expect(textOfReply(outcome)).toBe("ok: here");
    }
  });

  test(`${name}: M5: a request that nobody answers is lost at its deadline`, async () => {
    await using place = await open();
    const [asker, owner] = [await place.open(), await place.open()];
    const requests: MailRequest[] = [];
    await using _server = await owner.mail.serve(3, 1, (request) => requests.push(request));
    const startedMs = performance.now();
    const outcome = await asker.mail.request(toC1, bytes("x"), noMeta, 200);
    expect(outcome.kind).toBe("lost");
    expect(performance.now() - startedMs).toBeGreaterThan(190);
    expect(performance.now() - startedMs).toBeLessThan(patienceMs); // And not at any other time.
    requests[0]?.reply(bytes("too late"));
    expect(await asker.mail.ping("nobody", patienceMs)).toBe("nobody");
  });

  test(`${name}: M5: a hundred requests at once are answered each with its own reply, in any order`, async () => {
    await using place = await open();
    const [asker, owner] = [await place.open(), await place.open()];
    const waiting: MailRequest[] = [];
    await using _server = await owner.mail.serve(3, 1, (request) => {
      waiting.push(request);
      if (waiting.length === 100) for (const each of waiting.reverse()) each.reply(each.payload);
    });
    const asks = Array.from({ length: 100 }, (_, at) => asker.mail.request(toC1, bytes(`${at}`), noMeta, patienceMs));
    expect((await Promise.all(asks)).map(textOfReply)).toEqual(Array.from({ length: 100 }, (_, at) => `ok: ${at}`));
  });

  test(`${name}: P10: a request over the limit is unsent, a reply over the limit is an error that says so`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    await using _server = await mail.serve(3, 1, (request) => {
      request.reply(new Uint8Array(request.method === "large" ? 8 * 1024 * 1024 : 900 * 1024));
    });
    const over = await mail.request(toC1, new Uint8Array(mail.payloadBytesMax + 1), noMeta, patienceMs);
    expect(over).toMatchObject({ kind: "unsent", reason: expect.stringContaining(`${mail.payloadBytesMax}`) });
    const fits = await mail.request(toC1, new Uint8Array(900 * 1024), noMeta, patienceMs);
    expect(fits.kind === "reply" && fits.payload.length).toBe(900 * 1024);
    const large = await mail.request({ ...toC1, method: "large" }, bytes(""), noMeta, patienceMs);
    expect(large).toMatchObject({ kind: "reply", errorCode: "PAYLOAD_TOO_LARGE" });
    expect(large.kind === "reply" && JSON.parse(textOf(large))).toMatchObject({ error: { code: "PAYLOAD_TOO_LARGE" } });
  });

  test(`${name}: P10: requests are checked as appends are, before anything is sent`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const ask = (to: object, meta = noMeta) => mail.request({ ...toC1, ...to }, bytes("x"), meta, patienceMs);
    await expect(ask({ key: "counter.>" })).rejects.toMatchObject({ code: "NAME_INVALID" });
    await expect(ask({ method: "a b" })).rejects.toMatchObject({ code: "NAME_INVALID" });
    await expect(ask({}, { from: "a\r\nb" })).rejects.toMatchObject({ code: "ID_INVALID" });
  });

  test(`${name}: P10: a subject that is no actor's gets an error reply; one that wants no reply harms nobody`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const seen: string[] = [];
    const take = (request: MailRequest) => {
      seen.push(`${request.key}/${request.method}`);
      request.reply(bytes("done"));
    };
    await using _server = await mail.serve(3, 1, take);
    await using _door = await mail.serveDoor("call", take);
    for (const prefix of [place.subjects.askPrefix(3, 1), place.subjects.doorPrefix("call")]) {
      for (const tail of ["counter", "counter.c1", "a.b.c.d", "counter.c=.add.x", "1.a.b"]) {
        const outcome = await place.ask(`${prefix}${tail}`, bytes("1"));
        expect(outcome, tail).toMatchObject({ kind: "reply", errorCode: "NAME_INVALID" });
        expect(outcome.kind === "reply" && JSON.parse(textOf(outcome))).toMatchObject({
          error: { code: "NAME_INVALID" },
        });
      }
      place.publish(`${prefix}counter.quiet.add`, bytes("1"));
      expect(textOfReply(await place.ask(`${prefix}counter.c1.add`, bytes("1")))).toBe("ok: done");
    }
    expect(seen.sort()).toEqual(["counter.c1/add", "counter.c1/add", "counter.quiet/add", "counter.quiet/add"]);
  });

  test(`${name}: M5: of two that serve a partition one gets each request, so that what one refuses the other has not done`, async () => {
    await using place = await open();
    const [asker, first, second] = [await place.open(), await place.open(), await place.open()];
    let handled = 0;
    for (const owner of [first, second]) {
      await owner.mail.serve(3, 1, (request) => {
        handled += 1;
        request.reply(request.payload);
      });
    }
    const asks = Array.from({ length: 50 }, () => asker.mail.request(toC1, bytes("x"), noMeta, patienceMs));
    expect((await Promise.all(asks)).map(({ kind }) => kind)).toEqual(asks.map(() => "reply"));
    expect(handled).toBe(50);
  });

  test(`${name}: M7: what is under way to a server that closes is answered: by it, or by nobody, and none is lost`, async () => {
    await using place = await open();
    const [asker, owner] = [await place.open(), await place.open()];
    for (let round = 0; round < 5; round += 1) {
      const first = Promise.withResolvers<void>();
      const server = await owner.mail.serve(3, 1, (request) => {
        first.resolve();
        request.reply(request.payload);
      });
      const asked = Array.from({ length: 100 }, () => asker.mail.request(toC1, bytes("x"), noMeta, patienceMs));
      await first.promise;
      const late = Array.from({ length: 100 }, () => asker.mail.request(toC1, bytes("x"), noMeta, patienceMs));
      await server.close();
      const kinds = (await Promise.all([...asked, ...late])).map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind !== "reply" && kind !== "nobody")).toEqual([]);
    }
  });

  test(`${name}: of all that serve a door each request reaches one`, async () => {
    await using place = await open();
    const clients = [await place.open(), await place.open(), await place.open()];
    const taken = [0, 0, 0];
    for (const [at, { mail }] of clients.entries()) {
      await mail.serveDoor("call", (request) => {
        taken[at] = (taken[at] ?? 0) + 1;
        request.reply(bytes("called"));
      });
    }
    await clients[0]?.mail.serveDoor("tell", (request) => request.reply(bytes("told")));
    const call = place.subjects.doorPrefix("call");
    const calls = Array.from({ length: 90 }, () => place.ask(`${call}counter.c1.add`, bytes("1")));
    expect(new Set((await Promise.all(calls)).map(textOfReply))).toEqual(new Set(["ok: called"]));
    expect(taken.reduce((sum, count) => sum + count, 0)).toBe(90);
    expect(taken.every((count) => count > 0)).toBe(true);
    expect(textOfReply(await place.ask(`${place.subjects.doorPrefix("tell")}counter.c1.add`, bytes("1")))).toBe(
      "ok: told",
    );
  });

  test(`${name}: a door's message that is told, not asked, arrives without anyone waiting`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const told = Promise.withResolvers<MailRequest>();
    await using _door = await mail.serveDoor("tell", told.resolve);
    place.publish(`${place.subjects.doorPrefix("tell")}counter.c1.add`, bytes("5"));
    const request = await within("the message", told.promise);
    expect([request.key, request.method, textOf(request)]).toEqual(["counter.c1", "add", "5"]);
    request.reply(bytes("heard by nobody"));
  });

  test(`${name}: a ping says alive, nobody, or unknown when it cannot tell`, async () => {
    await using place = await open();
    const [one, other] = [await place.open(), await place.open()];
    expect(await one.mail.ping("w-1", patienceMs)).toBe("nobody");
    const server = await other.mail.serveControl("w-1");
    await using _longer = await other.mail.serveControl("w-12");
    expect(await one.mail.ping("w-1", patienceMs)).toBe("alive");
    await server.close();
    await other.mail.ping("settles-what-was-said-before", patienceMs);
    expect(await one.mail.ping("w-1", patienceMs)).toBe("nobody");
    const lost = toldOf(one.mail, "lost");
    one.cut();
    await lost;
    expect(await one.mail.ping("w-12", patienceMs)).toBe("unknown");
  });

  test(`${name}: M8: what is withdrawn is told to whoever serves it, by the name that it has there, and nothing else is`, async () => {
    await using place = await open();
    const [asker, owner] = [await place.open(), await place.open()];
    const requests: MailRequest[] = [];
    const withdrawn = Promise.withResolvers<Withdrawal>();
    const arrived = Promise.withResolvers<void>();
    const onRequest = (request: MailRequest) => {
      requests.push(request);
      if (request.method === "last") request.reply(bytes("last"));
      if (requests.length === 2) arrived.resolve();
    };
    await using _server = await owner.mail.serve(3, 1, onRequest, (withdrawal) => withdrawn.resolve(withdrawal));
    const abort = new AbortController();
    const asked = asker.mail.request(toC1, bytes("1"), noMeta, 60_000, abort.signal);
    const other = asker.mail.request(toC1, bytes("2"), noMeta, 60_000);
    await within("both have arrived", arrived.promise);
    abort.abort();
    const outcome = await within("lost at once", asked);
    if (outcome.kind !== "lost" || outcome.askId === undefined) throw new Error(`it is ${outcome.kind}`);
    asker.mail.withdraw(toC1, outcome.askId);
    expect(await within("it is told", withdrawn.promise)).toEqual({ key: toC1.key, askId: requests[0]?.askId });
    expect(requests[0]?.askId).not.toBe(requests[1]?.askId);
    // A withdrawal is no request, and the other one is still answered.
    expect(textOfReply(await asker.mail.request({ ...toC1, method: "last" }, bytes(""), noMeta, patienceMs))).toBe(
      "ok: last",
    );
    expect(requests).toHaveLength(3);
    requests[1]?.reply(bytes("two"));
    expect(textOfReply(await other)).toBe("ok: two");
  });

  test(`${name}: M8: withdrawing where nobody serves, or when closed, harms nobody`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    mail.withdraw(toC1, "nobody.1");
    mail.withdraw(toC1, "not\r\na: header");
    expect(await mail.request(toC1, bytes(""), noMeta, patienceMs)).toEqual({ kind: "nobody" });
    await mail.close();
    mail.withdraw(toC1, "nobody.1");
  });
}
