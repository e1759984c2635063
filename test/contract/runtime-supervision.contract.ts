// What becomes of messages that cannot be handled, and of the actors that fail at them.

import { expect, test } from "vitest";
import type { Mail } from "../../src/runtime/mail.ts";
import { within } from "./mail-support.ts";
import { actors, clumsy } from "./runtime-actors.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import { committedState, eventOf, rejection, Stage } from "./runtime-support.ts";

/** Mail that buries nothing, and tells when something was to be buried. */
function mailWithoutGraves(): { front: (mail: Mail) => Partial<Mail>; asked: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const front = (): Partial<Mail> => ({
    bury: () => {
      resolve();
      return new Promise(() => {});
    },
  });
  return { front, asked: within("something is to be buried", promise) };
}

export function runtimeSupervisionContract(name: string, open: OpenRuntime): void {
  test(`${name}: what a commit has given up on becomes a dead letter, though the worker died before it was one (P7)`, async () => {
    await using stage = await Stage.open(open);
    const { front, asked } = mailWithoutGraves();
    const first = await stage.worker(actors, stage.portsBehind(front));
    const client = await stage.client();
    const actor = client.actor(clumsy, "c");
    await actor.tell.do("fail me");
    await asked;
    await actor.ask.do("behind it");
    await first.close();
    expect(await stage.deadLetters()).toEqual([]);
    const second = await stage.worker(actors);
    await actor.tell.do("later");
    await committedState(actor, ({ done }) => done.includes("later"));
    // It was given up on once and for all: the next owner runs it no more.
    expect((await actor.get())?.state.done).toEqual(["behind it", "later"]);
    await second.drain();
    expect(await stage.deadLetters()).toEqual([{ text: '"fail me"', code: "HANDLER_FAILED", attempts: 3 }]);
  });

  test(`${name}: beside a value that is as large as it may be, what fails is kept, and the next goes on (P7)`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(actors);
    const actor = client.actor(clumsy, "c");
    let [fits, tooLarge] = [100_000, 2_000_000];
    while (tooLarge - fits > 1) {
      const bytes = Math.floor((fits + tooLarge) / 2);
      const isFit = await actor.ask.grow(bytes).then(
        () => true,
        () => false,
      );
      if (isFit) fits = bytes;
      else tooLarge = bytes;
      if (isFit) await actor.ask.clear();
    }
    await actor.ask.grow(fits);
    await rejection(actor.ask.do("one more"), "PAYLOAD_TOO_LARGE");
    const dead = eventOf(worker, "dead-lettered");
    await actor.tell.do("fail me");
    expect(await dead).toMatchObject({ code: "HANDLER_FAILED" });
    await actor.ask.clear();
    expect(await actor.ask.do("goes on")).toBe("goes on");
    expect(await stage.deadLetters()).toEqual([{ text: '"fail me"', code: "HANDLER_FAILED", attempts: 3 }]);
  });
}
