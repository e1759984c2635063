// What a broken connection does to calls, and what closing does: M5, M7.

import { expect, test } from "vitest";
import { noMeta } from "../../src/runtime/mail.ts";
import type { OpenMail } from "./mail-support.ts";
import { bytes, eventually, Letters, onceAt, patienceMs, store, textOf, toC1, toldOf, within } from "./mail-support.ts";

export function mailConnectionContract(name: string, open: OpenMail): void {
  test(`${name}: M5: requests in flight are lost at once when the connection breaks, not at their deadline`, async () => {
    await using place = await open();
    const [asker, owner] = [await place.open(), await place.open()];
    const arrived = Promise.withResolvers<void>();
    let requests = 0;
    await using _server = await owner.mail.serve(3, 1, () => {
      requests += 1;
      if (requests === 20) arrived.resolve();
    });
    const asks = Array.from({ length: 20 }, () => asker.mail.request(toC1, bytes("x"), noMeta, 60_000));
    await within("the requests arrive", arrived.promise);
    asker.cut();
    const outcomes = await within("an answer at once", Promise.all(asks));
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(["lost"]));
  });

  test(`${name}: M5: while not connected, requests and appends are unsent and nothing of them is stored later`, async () => {
    await using place = await open();
    const [client, other] = [await place.open(), await place.open()];
    const lost = toldOf(client.mail, "lost");
    client.cut();
    await lost;
    expect(await client.mail.request(toC1, bytes("x"), noMeta, patienceMs)).toMatchObject({ kind: "unsent" });
    expect(await client.mail.append(toC1, bytes("x"), noMeta, patienceMs)).toMatchObject({ kind: "unsent" });
    const restored = toldOf(client.mail, "restored");
    client.restore();
    await restored;
    await store(client.mail, "end");
    expect((await other.mail.readMailbox(3, "counter.c1", 1, 10)).map(textOf)).toEqual(["end"]);
  });

  test(`${name}: what is served is served again after a break`, async () => {
    await using place = await open();
    const [asker, owner] = [await place.open(), await place.open()];
    await using _server = await owner.mail.serve(3, 1, (request) => request.reply(bytes("here")));
    await using _pings = await owner.mail.serveControl("w-1");
    const lost = toldOf(owner.mail, "lost");
    owner.cut();
    await lost;
    const ask = (timeoutMs: number) => asker.mail.request(toC1, bytes("x"), noMeta, timeoutMs);
    expect(["nobody", "lost"]).toContain((await ask(500)).kind);
    const restored = toldOf(owner.mail, "restored");
    owner.restore();
    await restored;
    await owner.mail.ping("settles-what-was-said-before", patienceMs);
    expect((await ask(patienceMs)).kind).toBe("reply");
    expect(await asker.mail.ping("w-1", patienceMs)).toBe("alive");
  });

  test(`${name}: serving may begin while the connection is broken, and resolves when it is back`, async () => {
    await using place = await open();
    const [asker, owner] = [await place.open(), await place.open()];
    const lost = toldOf(owner.mail, "lost");
    owner.cut();
    await lost;
    const serving = owner.mail.serve(3, 1, (request) => request.reply(bytes("here")));
    owner.restore();
    await within("it is served", serving);
    expect((await asker.mail.request(toC1, bytes("x"), noMeta, patienceMs)).kind).toBe("reply");
  });

  test(`${name}: a listener is told of the break and of the return, until it stops listening`, async () => {
    await using place = await open();
    const { mail, cut, restore } = await place.open();
    const told: string[] = [];
    const stop = mail.onConnection((state) => told.push(state));
    for (const [state, cause] of [
      ["lost", cut],
      ["restored", restore],
    ] as const) {
      const isTold = toldOf(mail, state);
      cause();
      await isTold;
    }
    expect(told).toEqual(["lost", "restored"]);
    stop();
    const isTold = toldOf(mail, "lost");
    cut();
    await isTold;
    expect(told).toEqual(["lost", "restored"]);
  });

  test(`${name}: M7: after close every call rejects with CLOSED and nothing is delivered`, async () => {
    await using place = await open();
    const [client, other] = [await place.open(), await place.open()];
    const { mail } = client;
    const letters = new Letters();
    const states: string[] = [];
    let requests = 0;
    await mail.read(3, 1, letters.take);
    await mail.serve(3, 1, () => {
      requests += 1;
    });
    await mail.serveControl("w-1");
    mail.onConnection((state) => states.push(state));
    await mail.close();
    await mail.close();
    const letter = { key: "counter.c1", method: "add", payload: bytes(""), meta: noMeta, sequence: 1 };
    const calls = [
      mail.append(toC1, bytes(""), noMeta, 100),
      mail.request(toC1, bytes(""), noMeta, 100),
      mail.read(3, 1, () => {}),
      mail.readMailbox(3, "counter.c1", 1, 1),
      mail.trim(3, 1),
      mail.bury({ letter, partition: 3, code: "X", message: "", attempts: 1 }, 100),
      mail.schedule(toC1, onceAt("t", 0), bytes(""), noMeta, 100),
      mail.cancel("counter.c1", onceAt("t", 0)),
      mail.serve(3, 1, () => {}),
      mail.serveDoor("call", () => {}),
      mail.ping("w-1", 100),
      mail.serveControl("w-1"),
    ];
    const outcomes = await Promise.allSettled(calls);
    for (const [at, outcome] of outcomes.entries()) {
      expect(outcome.status === "rejected" && outcome.reason.code, `call ${at}`).toBe("CLOSED");
    }
    await store(other.mail, "x");
    // What was on its way to it before the server knew is lost.
    await eventually("nobody serves", async () => {
      const { kind } = await other.mail.request(toC1, bytes(""), noMeta, 1_000);
      return kind === "nobody" ? kind : expect(kind).toBe("lost");
    });
    await eventually("nobody answers", async () => {
      const outcome = await other.mail.ping("w-1", 1_000);
      return outcome === "nobody" ? outcome : expect(outcome).toBe("unknown");
    });
    client.cut();
    await store(other.mail, "y");
    expect([letters.all.length, requests, states.length]).toEqual([0, 0, 0]);
  });

  test(`${name}: M7: a reader that is being opened when the mail is closed is not left behind`, async () => {
    await using place = await open();
    const { mail } = await place.open();
    const letters = new Letters();
    const refused = expect(mail.read(3, 1, letters.take)).rejects.toMatchObject({ code: "CLOSED" });
    await mail.close();
    await refused;
  });

  test(`${name}: M7: serving that waits for the connection ends with CLOSED when the mail is closed`, async () => {
    await using place = await open();
    const client = await place.open();
    const lost = toldOf(client.mail, "lost");
    client.cut();
    await lost;
    const serving = client.mail
      .serve(3, 1, () => {})
      .then(
        () => "served",
        (thrown: { code?: string }) => thrown.code,
      );
    await client.mail.close();
    expect(await within("serving ends", serving)).toBe("CLOSED");
  });
}
