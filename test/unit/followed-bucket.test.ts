// A bucket that may not be there yet, and is followed over every break.

import { expect, test } from "vitest";
import { encodeText } from "../../src/core/codec.ts";
import { TroupeError } from "../../src/core/errors.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import type { KvStore } from "../../src/kv/store.ts";
import { FollowedBucket } from "../../src/monitoring/followed-bucket.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";

const value = encodeText("1");

test("an outage is told when it begins and when it is over, however long it was", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  const bucket = await openMemoryStore({ bucket: "b" });
  let isAway = true;
  const said: string[] = [];
  await using followed = new FollowedBucket({
    clock,
    open: async () => {
      if (isAway) throw new TroupeError("SERVER_UNREACHABLE", "it is away");
      return bucket;
    },
    onChange: () => {},
    log: { warn: (_fields: object, text: string) => void said.push(text) },
  });
  followed.start();
  await clock.advance(60_000);
  expect(said).toEqual([expect.stringContaining("has broken")]);
  isAway = false;
  await clock.runUntil(() => followed.isCurrent);
  expect(said.slice(1)).toEqual([expect.stringContaining("stands again")]);
});

test("B1, B2: it waits for a bucket that is not there, makes none, and tells what stands again after a break, after `restarted`", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  let bucket: KvStore | undefined;
  let asked = 0;
  const told: string[] = [];
  await using followed = new FollowedBucket({
    clock,
    open: async () => {
      asked += 1;
      if (asked === 2) throw new TroupeError("SERVER_UNREACHABLE", "it is away");
      return bucket;
    },
    onChange: (change) =>
      told.push(change.kind === "entry" ? `${change.entry.key}${change.isSnapshot ? " stood" : ""}` : change.kind),
  });
  followed.start();
  await clock.advance(1);
  expect([asked, followed.isCurrent]).toEqual([1, true]);
  await clock.advance(10_000);
  expect(asked).toBeGreaterThan(3);
  expect(told).toEqual([]);
  const first = await openMemoryStore({ bucket: "b" });
  await first.put("a", value);
  bucket = first;
  await clock.runUntil(() => told.includes("current"));
  expect([told.splice(0), followed.isCurrent]).toEqual([["a", "current"], true]);
  await first.put("c", value);
  await clock.runUntil(() => told.includes("c"));
  const second = await openMemoryStore({ bucket: "b" });
  await second.put("z", value);
  bucket = second;
  await first.close();
  await clock.runUntil(() => told.includes("z stood"));
  expect(told.slice(told.indexOf("restarted"))).toEqual(["restarted", "z stood", "current"]);
});
