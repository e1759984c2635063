// The example's feed: each message stored once before the next, whatever the server says meanwhile.

import { describe, expect, test } from "vitest";
import type { FeedOptions } from "../../examples/support-desk/feed.ts";
import { feed, nothingFed } from "../../examples/support-desk/feed.ts";
import type { Entry } from "../../examples/support-desk/input.ts";
import { Progress } from "../../examples/support-desk/progress.ts";
import { emptyFloor } from "../../examples/support-desk/totals.ts";
import { TroupeError } from "../../src/index.ts";

const entry = (line: number, customer = "c-1"): Entry => ({
  kind: "message",
  line,
  message: { at: "2026-03-02T08:00:00Z", customer, name: "Ada", thread: "T-1", channel: "chat", text: `${line}` },
});

async function* entries(...all: Entry[]): AsyncGenerator<Entry> {
  yield* all;
}

const quiet: FeedOptions = {
  send: async () => {},
  rate: () => undefined,
  signal: new AbortController().signal,
  onBroken: () => {},
  onTrouble: () => {},
};

describe("the feed", () => {
  test("numbers the messages, and reports a broken line and goes on", async () => {
    const fed = nothingFed();
    const sent: Array<readonly [string, number]> = [];
    const broken: number[] = [];
    await feed(entries(entry(1), { kind: "broken", line: 2, reason: "is not JSON" }, entry(3, "c-2"), entry(4)), fed, {
      ...quiet,
      send: async ({ text }, number) => sent.push([text, number]),
      onBroken: ({ line }) => broken.push(line),
    });
    expect(sent).toEqual([
      ["1", 1],
      ["3", 2],
      ["4", 3],
    ]);
    expect(broken).toEqual([2]);
    expect(fed).toMatchObject({ sent: 3, broken: 1, brokenLines: [{ line: 2, reason: "is not JSON" }] });
    expect(fed.messagesOf).toEqual(
      new Map([
        ["c-1", 2],
        ["c-2", 1],
      ]),
    );
  });

  test("tries a message again under its number before it goes on, and only when that can help", async () => {
    const fed = nothingFed();
    const attempts: number[] = [];
    const troubles: string[] = [];
    await feed(entries(entry(1), entry(2)), fed, {
      ...quiet,
      send: async (_message, number) => {
        attempts.push(number);
        if (attempts.length === 2) throw new TroupeError("OUTCOME_UNKNOWN", "no answer");
      },
      onTrouble: (reason) => troubles.push(reason),
    });
    expect(attempts).toEqual([1, 2, 2]);
    expect(troubles).toEqual(["no answer"]);
    const refusing = async () => {
      throw new TroupeError("PAYLOAD_TOO_LARGE", "too large");
    };
    await expect(feed(entries(entry(1)), nothingFed(), { ...quiet, send: refusing })).rejects.toThrow("too large");
  });

  test("stops between two messages, also while it waits", async () => {
    const fed = nothingFed();
    const stop = new AbortController();
    const send = async () => stop.abort();
    await feed(entries(entry(1), entry(2)), fed, { ...quiet, send, rate: () => 0.001, signal: stop.signal });
    expect(fed.sent).toBe(1);
  });
});

describe("the progress of a run", () => {
  const floor = (id: string, fresh: number, repeated: number) => ({
    ...emptyFloor(),
    runs: [{ id, fresh, repeated }],
  });

  test("is complete when new and repeated messages are as many as were sent", async () => {
    const progress = new Progress("r");
    const done = progress.until(3, quiet.signal, 10_000);
    progress.note(floor("another", 9, 9));
    progress.note(floor("r", 1, 0));
    progress.note(floor("r", 1, 2));
    expect(await done).toBe("complete");
    expect(progress).toMatchObject({ fresh: 1, repeated: 2, done: 3 });
  });

  test("has stalled when nothing of this run was dealt with for a while", async () => {
    const progress = new Progress("r");
    const done = progress.until(1, quiet.signal, 20);
    progress.note(floor("another", 1, 0));
    expect(await done).toBe("stalled");
  });

  test("is stopped from outside", async () => {
    expect(await new Progress("r").until(1, AbortSignal.timeout(5), 10_000)).toBe("stopped");
    expect(await new Progress("r").until(1, AbortSignal.abort(), 10_000)).toBe("stopped");
  });
});
