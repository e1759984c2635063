// The contract of the state store, part 3: locks (state-lock.ts F1 to F5).

import { describe, expect, test } from "vitest";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import type { KvStore } from "../../src/kv/store.ts";
import { openStateStore } from "../../src/memory/state-store.ts";
import { ManualClock } from "../unit/kv-manual-clock.ts";
import { text, within } from "./kv-support.ts";
import { account, type OpenStates } from "./state-support.ts";

/** A store whose holder can be frozen: its writes wait from then on, as those of a process that is stopped do. */
function freezable(kv: KvStore) {
  let thawed: PromiseWithResolvers<void> | undefined;
  let trap: { readonly key: string; readonly sprung: PromiseWithResolvers<void> } | undefined;
  const later = <Result>(keys: readonly string[], work: () => Promise<Result>): Promise<Result> => {
    if (trap !== undefined && keys.includes(trap.key)) {
      thawed ??= Promise.withResolvers();
      trap.sprung.resolve();
    }
    return thawed === undefined ? work() : thawed.promise.then(work);
  };
  const frozen = new Proxy(kv, {
    get(target, property) {
      if (property === "update") {
        return (...args: Parameters<KvStore["update"]>) => later([args[0]], () => target.update(...args));
      }
      if (property === "transact") {
        return (...args: Parameters<KvStore["transact"]>) =>
          later(
            args[0].map(({ key }) => key),
            () => target.transact(...args),
          );
      }
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return {
    kv: frozen,
    freeze: () => {
      thawed ??= Promise.withResolvers();
    },
    /** Freezes when a write of this key is about to be sent; resolves then. */
    freezeAt: (key: string): Promise<void> => {
      trap = { key, sprung: Promise.withResolvers() };
      return trap.sprung.promise;
    },
    thaw: () => {
      trap = undefined;
      thawed?.resolve();
      thawed = undefined;
    },
  };
}

/** A clock whose time passes when it is told to, with ids unlike those of any other. */
const steppedClock = () => Object.assign(new ManualClock(), { uniqueId: systemClock.uniqueId });

/** A holder that does not notice how time goes by: nothing that keeps it from writing depends on that (F5). */
const dreaming: Clock = {
  ...systemClock,
  monotonicMs: () => 0,
  after: (delayMs, fn) => (delayMs > 100 ? () => {} : systemClock.after(delayMs, fn)),
};

export function stateLockContract(name: string, open: OpenStates): void {
  describe(`${name}: locks`, () => {
    test("of many who want a lock one has it at a time, and each token is greater than the one before (F1)", async () => {
      await using opened = await open();
      const stores = [opened.states, await opened.openAnother(), await opened.openAnother()];
      const tokens: number[] = [];
      let holders = 0;
      await Promise.all(
        Array.from({ length: 9 }, async (_, at) => {
          await using lock = await (stores[at % 3] ?? opened.states).lock("only one", { ttlMs: 60_000 });
          holders += 1;
          expect(holders).toBe(1);
          tokens.push(lock.token);
          await opened.kv.get("x");
          holders -= 1;
        }),
      );
      expect(tokens).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    });

    test("changes under a lock count while it is held, made ones and transactions too, and none does afterwards", async () => {
      await using opened = await open();
      const accounts = opened.states.of(account);
      await accounts.create("a", { balance: 0 });
      const lock = await opened.states.lock("night", { ttlMs: 60_000, holder: "desk" });
      expect(text(await opened.kv.get("_lock.night"))).toContain('{"holder":"desk","token":1,"ttlMs":60000');
      for (let n = 1; n <= 3; n += 1) {
        expect(await accounts.update("a", () => ({ balance: n }), { lock })).toMatchObject({ kind: "changed" });
      }
      expect(await accounts.create("b", { balance: 5 }, { lock })).toMatchObject({ kind: "created" });
      expect(await accounts.update("b", () => ({ balance: 6 }), { lock })).toMatchObject({ kind: "changed" });
      // Who has no lock is not kept out, and is not overwritten.
      await opened.states.of(account).update("a", ({ balance }) => ({ balance: balance + 10 }));
      await accounts.update("a", ({ balance }) => ({ balance: balance + 1 }), { lock });
      expect((await accounts.get("a"))?.data.balance).toBe(14);
      const both = [accounts.ref("a"), accounts.ref("b")] as const;
      const moved = await opened.states.transact(
        both,
        (tx) => {
          for (const ref of both) tx.update(ref, () => ({ balance: 1 }));
        },
        { lock },
      );
      expect(moved).toMatchObject({ kind: "committed" });
      expect(await accounts.history("b")).toHaveLength(3);
      await lock.release();
      await lock.release();
      expect(lock.signal.aborted).toBe(true);
      const lost = { code: "LOCK_LOST" };
      await expect(accounts.update("a", () => ({ balance: 9 }), { lock })).rejects.toMatchObject(lost);
      await expect(accounts.create("c", { balance: 9 }, { lock })).rejects.toMatchObject(lost);
      await expect(opened.states.transact(both, (tx) => tx.delete(both[0]), { lock })).rejects.toMatchObject(lost);
      expect((await accounts.get("a"))?.data.balance).toBe(1);
    });

    test("a holder that crashed frees the lock by time, one that lives keeps it, and who waits too long is told (F1)", async () => {
      await using opened = await open();
      // Time passes when the test says so: a machine that stands still for a moment is no holder that is silent.
      const [clock, theirs] = [steppedClock(), steppedClock()];
      const kv = freezable(await opened.openAnotherKv());
      const crashed = openStateStore({ kv: kv.kv, actor: "crashed", clock: theirs });
      const states = openStateStore({ kv: opened.kv, actor: "second", clock });
      await crashed.lock("l", { ttlMs: 1_000 });
      let isTaken = false;
      const waiting = states.lock("l", { ttlMs: 1_000 }).finally(() => {
        isTaken = true;
      });
      const held = { code: "LOCK_HELD", data: { holder: "crashed" } };
      await expect(states.lock("l", { waitMs: 0 })).rejects.toMatchObject(held);
      const impatient = expect(states.lock("l", { waitMs: 3_000 })).rejects.toMatchObject(held);
      // It is renewed: after three times its time it is held still.
      const timers = theirs.timers;
      for (let renewal = 1; renewal <= 10; renewal += 1) {
        const before = await opened.kv.get("_lock.l");
        for (const each of [theirs, clock]) each.pass(1_000 / 3);
        const renewed = async () => {
          let standing = before;
          for (; standing?.revision === before?.revision; standing = await opened.kv.get("_lock.l"));
          while (theirs.timers < timers) await new Promise(setImmediate);
        };
        await within(20_000, "it is renewed", renewed());
      }
      await within(20_000, "who waits too long is told", impatient);
      await expect(states.lock("l", { waitMs: 0 })).rejects.toMatchObject(held);
      expect(isTaken).toBe(false);
      kv.freeze();
      const silence = async () => {
        for (; !isTaken; clock.pass(100)) await new Promise(setImmediate);
      };
      const [lock] = await within(20_000, "the lock of a holder that is silent", Promise.all([waiting, silence()]));
      expect(lock.token).toBe(2);
      const stop = new AbortController();
      const given = opened.states.lock("l", { signal: stop.signal });
      stop.abort(new Error("enough"));
      await expect(given).rejects.toThrow("enough");
      await lock.release();
      kv.thaw();
    });

    test.for(["update", "create", "transact"] as const)(
      "a frozen holder cannot write after another has got the lock: a held-back %s is refused (F2)",
      async (what) => {
        await using opened = await open();
        const accounts = opened.states.of(account);
        for (const id of ["a", "b"]) await accounts.create(id, { balance: 0 });
        const kv = freezable(await opened.openAnotherKv());
        const frozen = openStateStore({ kv: kv.kv, actor: "frozen", clock: dreaming });
        const theirs = frozen.of(account);
        const old = await frozen.lock("l", { ttlMs: 500 });
        await theirs.update("a", () => ({ balance: 1 }), { lock: old });
        // Everything is looked at and decided, and the write is on its way.
        const [a, b] = [accounts.ref("a"), accounts.ref("b")];
        const late = { balance: 666 };
        const isHeld = kv.freezeAt(what === "create" ? "account.new" : "account.a");
        const held = {
          update: () => theirs.update("a", () => late, { lock: old }),
          create: () => theirs.create("new", late, { lock: old }),
          transact: () =>
            frozen.transact([a, b], (tx) => [a, b].forEach((ref) => void tx.update(ref, () => late)), { lock: old }),
        }
          [what]()
          .then(
            (outcome) => outcome,
            (thrown: unknown) => thrown,
          );
        await within(20_000, "the write", isHeld);
        await using lock = await within(20_000, "the lock", opened.states.lock("l", { ttlMs: 60_000 }));
        expect(lock.token).toBe(old.token + 1);
        const seen = await accounts.getMany(["a", "b", "new"]);
        kv.thaw();
        expect(await within(20_000, "the late write", held)).toMatchObject({ code: "LOCK_LOST" });
        expect(await accounts.getMany(["a", "b", "new"])).toEqual(seen);
        expect(seen.get("a")?.data.balance).toBe(1);
        expect(old.signal.aborted).toBe(true);
        expect(await accounts.history("a")).toHaveLength(2);
        await accounts.update("a", () => ({ balance: 2 }), { lock });
        expect((await accounts.get("a"))?.data.balance).toBe(2);
      },
    );
  });
}
