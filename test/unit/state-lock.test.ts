// What a lock leaves behind when the fate of a write under it is not known (F2, F3 of state-lock.ts).

import { expect, test } from "vitest";
import { z } from "zod";
import { TroupeError } from "../../src/core/errors.ts";
import { MemoryPlace, openMemoryStore } from "../../src/kv/memory-store.ts";
import type { KvStore, KvWrite } from "../../src/kv/store.ts";
import { defineState } from "../../src/memory/state-model.ts";
import { openStateStore } from "../../src/memory/state-store.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";

const account = defineState("account", { schema: z.object({ balance: z.number() }) });

/** Its updates of one key are still on their way when the answer is given up, and its history cannot be read. */
function withLateWrites(kv: KvStore, lateKey: string, late: (() => Promise<KvWrite>)[]): KvStore {
  return new Proxy(kv, {
    get(target, property) {
      if (property === "update") {
        return async (...args: Parameters<KvStore["update"]>) => {
          if (args[0] !== lateKey) return target.update(...args);
          late.push(() => target.update(...args));
          throw new TroupeError("OUTCOME_UNKNOWN", "no answer");
        };
      }
      if (property === "history") return () => Promise.reject(new TroupeError("SERVER_UNREACHABLE", "no answer"));
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("a lock that is given back while a write is in doubt: the write does not take effect when the next one holds it", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  const place = new MemoryPlace();
  const kv = await openMemoryStore({ bucket: "b", place, clock, history: 8 });
  const late: (() => Promise<KvWrite>)[] = [];
  const mine = openStateStore({ kv: withLateWrites(kv, "account.a", late), clock });
  const others = openStateStore({ kv, clock });
  await others.of(account).create("a", { balance: 0 });
  const lock = await mine.lock("l", { ttlMs: 60_000 });
  const doubtful = mine.of(account).update("a", () => ({ balance: 1 }), { lock });
  await expect(clock.runFor(doubtful)).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
  await lock.release();
  expect(late).not.toEqual([]);
  const next = await clock.runFor(others.lock("l"));
  expect(next.token).toBe(2);
  for (const write of late) expect(await write()).toMatchObject({ kind: "conflict" });
  expect((await others.of(account).get("a"))?.data.balance).toBe(0);
  await next.release();
});

test("while a lock is being given back nothing is written under it any more: its claims are about to go", async () => {
  const clock = createSimulatedClock({ seed: 2 });
  const kv = await openMemoryStore({ bucket: "b", place: new MemoryPlace(), clock, history: 8 });
  const giving = Promise.withResolvers<void>();
  let isGiving = false;
  const slow = new Proxy(kv, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function") return value;
      if (property !== "update") return value.bind(target) as unknown;
      return async (...args: Parameters<KvStore["update"]>) => {
        if (isGiving && args[0] === "_lock.l") await giving.promise;
        return target.update(...args);
      };
    },
  });
  const states = openStateStore({ kv: slow, clock });
  await states.of(account).create("a", { balance: 0 });
  const lock = await states.lock("l", { ttlMs: 60_000 });
  await states.of(account).update("a", () => ({ balance: 1 }), { lock });
  isGiving = true;
  const released = lock.release();
  const late = states.of(account).update("a", () => ({ balance: 2 }), { lock });
  await expect(late).rejects.toMatchObject({ code: "LOCK_LOST" });
  giving.resolve();
  await released;
  expect((await states.of(account).get("a"))?.data.balance).toBe(1);
});

test.each(["aborted", "late"] as const)(
  "a lock whose getting is %s when it has been taken is free at once",
  async (how) => {
    const clock = createSimulatedClock({ seed: 3 });
    const kv = await openMemoryStore({ bucket: "b", place: new MemoryPlace(), clock, history: 8 });
    const stop = new AbortController();
    let isAway = false;
    const doubtful = new Proxy(kv, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== "function") return value;
        if (property === "get" && isAway) {
          return () => {
            isAway = false;
            return Promise.reject(new TroupeError("SERVER_UNREACHABLE", "no answer"));
          };
        }
        if (property !== "update" || stop.signal.aborted) return value.bind(target) as unknown;
        return async (...args: Parameters<KvStore["update"]>) => {
          const written = await target.update(...args);
          if (how === "aborted") stop.abort(new Error("enough"));
          else isAway = true;
          return written;
        };
      },
    });
    const one = openStateStore({ kv: doubtful, clock });
    const getting = one.lock("l", { ttlMs: 3_600_000, waitMs: 0, signal: stop.signal });
    await expect(clock.runFor(getting)).rejects.toThrow(how === "aborted" ? "enough" : "no answer");
    const next = await clock.runFor(openStateStore({ kv, clock }).lock("l", { waitMs: 0 }));
    expect(next.token).toBe(2);
    await next.release();
  },
);
