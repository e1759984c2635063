// What a worker is asked itself, and what it tells of itself.

import { expect, test } from "vitest";
import type { OpenMail } from "./mail-support.ts";
import { bytes, patienceMs, textOf, toldOf, within } from "./mail-support.ts";

export function mailControlContract(name: string, open: OpenMail): void {
  test(`${name}: what a worker is asked it hears, and its answer comes back, also when it is an error`, async () => {
    await using place = await open();
    const [asker, worker] = [await place.open(), await place.open()];
    const heard: string[] = [];
    await using _server = await worker.mail.serveControl("w-1", (payload) => {
      const text = textOf({ payload });
      heard.push(text);
      return text === "wrong" ? { payload: bytes("no"), errorCode: "OPTION_INVALID" } : { payload: bytes(`${text}!`) };
    });
    expect(await asker.mail.control("w-1", bytes("how"), patienceMs)).toMatchObject({ kind: "reply" });
    const [well, wrong] = [
      await asker.mail.control("w-1", bytes("well"), patienceMs),
      await asker.mail.control("w-1", bytes("wrong"), patienceMs),
    ];
    expect(well.kind === "reply" && [textOf(well), well.errorCode]).toEqual(["well!", undefined]);
    expect(wrong.kind === "reply" && [textOf(wrong), wrong.errorCode]).toEqual(["no", "OPTION_INVALID"]);
    expect(await asker.mail.ping("w-1", patienceMs)).toBe("alive");
    expect(heard).toEqual(["how", "well", "wrong"]);
    expect(await asker.mail.control("w-2", bytes("well"), patienceMs)).toEqual({ kind: "nobody" });
  });

  test(`${name}: M9: a feed reaches all who follow that worker then, in order, each part once, and nobody else`, async () => {
    await using place = await open();
    const [one, other, worker] = [await place.open(), await place.open(), await place.open()];
    worker.mail.publishFeed("w-1", bytes("before"));
    await worker.mail.ping("settles-what-was-said-before", patienceMs);
    const heard: Record<string, string[]> = { one: [], other: [], stranger: [] };
    const last = { one: Promise.withResolvers<void>(), other: Promise.withResolvers<void>() };
    const follow = (who: "one" | "other") => (payload: Uint8Array) => {
      heard[who]?.push(textOf({ payload }));
      if (textOf({ payload }) === "last") last[who].resolve();
    };
    await using _one = await one.mail.followFeed("w-1", follow("one"));
    await using _other = await other.mail.followFeed("w-1", follow("other"));
    await using _stranger = await other.mail.followFeed("w-12", (payload) => {
      heard.stranger?.push(textOf({ payload }));
    });
    const told = Array.from({ length: 20 }, (_, at) => `${at}`);
    for (const text of [...told, "last"]) worker.mail.publishFeed("w-1", bytes(text));
    await within("what is told", Promise.all([last.one.promise, last.other.promise]));
    expect(heard).toEqual({ one: [...told, "last"], other: [...told, "last"], stranger: [] });
  });

  test(`${name}: M9: a feed that is followed no longer says nothing; telling one that nobody follows, or without a connection, does not fail`, async () => {
    await using place = await open();
    const [follower, worker] = [await place.open(), await place.open()];
    let count = 0;
    const first = Promise.withResolvers<void>();
    const server = await follower.mail.followFeed("w-1", () => {
      count += 1;
      first.resolve();
    });
    worker.mail.publishFeed("w-1", bytes("heard"));
    await within("the first", first.promise);
    await server.close();
    worker.mail.publishFeed("w-1", bytes("not heard"));
    await worker.mail.ping("settles-what-was-said-before", patienceMs);
    expect(count).toBe(1);
    const back = Promise.withResolvers<string>();
    await using _again = await follower.mail.followFeed("w-1", (payload) => back.resolve(textOf({ payload })));
    const [lost, restored] = [toldOf(worker.mail, "lost"), toldOf(worker.mail, "restored")];
    worker.cut();
    await lost;
    worker.mail.publishFeed("w-1", bytes("said to nobody"));
    worker.restore();
    await restored;
    worker.mail.publishFeed("w-1", bytes("back"));
    expect(await within("what is told after the break", back.promise)).toBe("back");
    await worker.mail.close();
    worker.mail.publishFeed("w-1", bytes("closed"));
  });
}
