// The contract of the state store, part 2: several states at once (state-transaction.ts T1, T2).

import { describe, expect, test } from "vitest";
import { account, type OpenStates, ticket } from "./state-support.ts";

const holders = ["a", "b", "c", "d"] as const;

export function stateTransactionContract(name: string, open: OpenStates): void {
  describe(`${name}: transactions`, () => {
    test("transfers conserve the sum at every observed moment, and no balance falls below zero", async () => {
      await using opened = await open();
      const stores = [opened.states, await opened.openAnother(), await opened.openAnother()];
      const accounts = opened.states.of(account);
      for (const id of holders) await accounts.create(id, { balance: 100 });
      const sums: number[] = [];
      const lows: number[] = [];
      let isRunning = true;
      const observing = (async () => {
        const observer = (await opened.openAnother()).of(account);
        while (isRunning) {
          const balances = [...(await observer.getMany(holders)).values()].map(({ data }) => data.balance);
          sums.push(balances.reduce((sum, balance) => sum + balance, 0));
          lows.push(Math.min(...balances));
          await new Promise(setImmediate); // A store in memory answers before anything else has its turn.
        }
      })();
      await Promise.all(
        Array.from({ length: 12 }, async (_, writer) => {
          const states = stores[writer % 3] ?? opened.states;
          for (let at = 0; at < 5; at += 1) {
            const from = accounts.ref(holders[(writer + at) % 4] ?? "a");
            const to = accounts.ref(holders[(writer + at + 1 + (at % 3)) % 4] ?? "b");
            await states.transact(
              [from, to],
              (tx) => {
                const amount = 40;
                if ((tx.get(from)?.data.balance ?? 0) < amount) return "too little";
                tx.update(from, (data) => {
                  data.balance -= amount;
                });
                tx.update(to, (data) => {
                  data.balance += amount;
                });
                return "moved";
              },
              { attemptsMax: 10_000 },
            );
          }
        }),
      );
      isRunning = false;
      await observing;
      expect(sums.length).toBeGreaterThan(1);
      expect(new Set(sums)).toEqual(new Set([400]));
      expect(Math.min(...lows)).toBeGreaterThanOrEqual(0);
    });

    test("a condition on a state that is not written holds when it is written (T1)", async () => {
      await using opened = await open();
      const [mine, other] = [opened.states, await opened.openAnother()];
      const accounts = mine.of(account);
      for (const id of holders) await accounts.create(id, { balance: 1 });
      const [gate, target] = [accounts.ref("a"), accounts.ref("b")];
      let runs = 0;
      const outcome = await mine.transact([gate, target, accounts.ref("none")], (tx) => {
        runs += 1;
        const isOpen = tx.get(gate)?.data.balance === 1;
        // Closed by somebody else between the look and the write, the first time.
        if (runs === 1)
          void opened.kv.put(
            "account.a",
            Buffer.from('{"status":"present","data":{"balance":0},"at":1,"n":2,"id":"x"}'),
          );
        if (!isOpen) return "closed";
        tx.update(target, (data) => {
          data.balance = 2;
        });
        return "done";
      });
      expect(outcome).toEqual({ kind: "unchanged", value: "closed" });
      expect(runs).toBe(2);
      expect((await other.of(account).get("b"))?.data.balance).toBe(1);
    });

    test("what one change cannot be refuses the whole (T2)", async () => {
      await using opened = await open();
      const { states } = opened;
      const [tickets, accounts] = [states.of(ticket), states.of(account)];
      await tickets.create("t1", { title: "a", priority: 1 });
      await accounts.create("a", { balance: 1 });
      const [t1, a, b] = [tickets.ref("t1"), accounts.ref("a"), accounts.ref("b")];
      const spend = (data: { balance: number }) => {
        data.balance = 0;
      };
      const illegal = await states.transact([t1, a], (tx) => {
        tx.update(a, spend);
        tx.transition(t1, "solve");
      });
      expect(illegal).toEqual({
        kind: "refused",
        key: "ticket.t1",
        why: "illegal",
        status: "open",
        event: "solve",
        legal: ["assign", "close"],
      });
      const missing = await states.transact([a, b], (tx) => {
        tx.update(a, spend);
        tx.update(b, spend);
      });
      expect(missing).toEqual({ kind: "refused", key: "account.b", why: "missing" });
      const exists = await states.transact([a, t1], (tx) => {
        tx.transition(t1, "assign");
        tx.create(a, { balance: 5 });
      });
      expect(exists).toEqual({ kind: "refused", key: "account.a", why: "exists" });
      await expect(
        states.transact([a], (tx) => {
          tx.update(a, spend);
          throw new RangeError("mine");
        }),
      ).rejects.toThrow("mine");
      await expect(states.transact([a], (tx) => tx.get(b))).rejects.toMatchObject({ code: "OPTION_INVALID" });
      await expect(
        states.transact([a, b], (tx) => {
          tx.update(a, spend);
          tx.create(b, { balance: "x" } as never);
        }),
      ).rejects.toMatchObject({ code: "STATE_INVALID" });
      await expect(states.transact([], () => {})).rejects.toMatchObject({ code: "OPTION_INVALID" });
      expect(await accounts.get("a")).toMatchObject({ data: { balance: 1 }, number: 1 });
      expect(await tickets.get("t1")).toMatchObject({ status: "open", number: 1 });
      expect(await accounts.get("b")).toBeUndefined();
    });

    test("what is deleted and made anew in one transaction is new, also with the data that stood there", async () => {
      await using opened = await open();
      const tickets = opened.states.of(ticket);
      const t1 = tickets.ref("t1");
      const data = { title: "a", priority: 1 };
      for (const events of [[], ["assign"]] as const) {
        await tickets.create("t1", data);
        for (const event of events) await tickets.transition("t1", event);
        const outcome = await opened.states.transact([t1], (tx) => {
          tx.delete(t1);
          tx.create(t1, data);
          return tx.get(t1)?.status;
        });
        expect(outcome).toMatchObject({ kind: "committed", value: "open" });
        const state = await tickets.get("t1");
        expect(state).toMatchObject({ status: "open", data });
        expect(outcome.kind === "committed" && outcome.revisions.get("ticket.t1")).toBe(state?.revision);
        await tickets.delete("t1");
      }
    });

    test("one transaction makes, changes, moves on and deletes; each write has its revision, its origin and one place in the history", async () => {
      await using opened = await open();
      const { states } = opened;
      const [tickets, accounts] = [states.of(ticket), states.of(account)];
      await tickets.create("t1", { title: "a", priority: 1 });
      for (const id of ["a", "b", "watched"]) await accounts.create(id, { balance: 1 });
      const refs = [
        tickets.ref("t1"),
        accounts.ref("a"),
        accounts.ref("b"),
        accounts.ref("c"),
        accounts.ref("watched"),
      ] as const;
      const [t1, a, b, c] = refs;
      const outcome = await states.transact(
        refs,
        (tx) => {
          tx.transition(t1, "assign", (data) => {
            data.by = "anna";
          });
          tx.update(t1, (data) => {
            data.priority = 2;
          });
          tx.update(a, () => {});
          tx.delete(b);
          tx.create(c, { balance: 7 });
          return tx.get(c)?.data.balance;
        },
        { cause: "mail 3", actor: "desk" },
      );
      expect(outcome).toMatchObject({ kind: "committed", value: 7 });
      const origin = { cause: "mail 3", actor: "desk" };
      const state = await tickets.get("t1");
      expect(state).toMatchObject({
        ...origin,
        status: "assigned",
        event: "assign",
        number: 2,
        data: { by: "anna", priority: 2 },
      });
      expect(await accounts.get("c")).toMatchObject({ ...origin, data: { balance: 7 }, number: 1 });
      expect(await accounts.get("b")).toBeUndefined();
      expect(await accounts.get("a")).toMatchObject({ number: 1 });
      for (const [key, count] of [
        ["t1", 2],
        ["b", 2],
        ["c", 1],
      ] as const) {
        expect(await (key === "t1" ? tickets : accounts).history(key)).toHaveLength(count);
      }
      if (outcome.kind !== "committed") throw new Error("not committed");
      expect([...outcome.revisions.keys()].toSorted()).toEqual(["account.b", "account.c", "ticket.t1"]);
      expect(outcome.revisions.get("ticket.t1")).toBe(state?.revision);
      expect(outcome.revisions.get("account.c")).toBe((await accounts.get("c"))?.revision);
    });
  });
}
