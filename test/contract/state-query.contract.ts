// The contract of the state store, part 4: looking for states and watching them (state-query.ts Q1 to Q3).

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openStateStore } from "../../src/memory/state-store.ts";
import type { StateNews } from "../../src/memory/state-watch.ts";
import { bytes, within } from "./kv-support.ts";
import { account, type OpenStates, type StatesUnderTest, ticket } from "./state-support.ts";

async function fill({ kv }: StatesUnderTest, balances: readonly number[]): Promise<void> {
  await Promise.all(
    balances.map((balance, at) =>
      kv.put(
        `account.n${at}`,
        bytes(JSON.stringify({ status: "present", data: { balance }, at: 1, n: 1, id: `w${at}` })),
      ),
    ),
  );
}

export function stateQueryContract(name: string, open: OpenStates): void {
  describe(`${name}: queries and watchers`, () => {
    test("the pages of any query, followed by their cursors, are the states that match, each once and in order", async () => {
      const direction = fc.constantFrom("ascending", "descending", undefined);
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 40 }),
          fc.integer({ min: 1, max: 15 }),
          direction,
          async (balances, limit, wanted) => {
            await using opened = await open();
            await fill(opened, balances);
            const accounts = opened.states.of(account);
            await opened.states.of(ticket).create("n1", { title: "another model", priority: 1 });
            for (const id of ["n0", "n3"]) await accounts.update(id, (data) => ({ balance: data.balance + 1 }));
            await accounts.delete("n1");
            const ids = balances.map((_, at) => `n${at}`);
            const all = [...(await accounts.getMany(ids)).values()].filter(({ data }) => data.balance % 2 === 0);
            const sign = wanted === "descending" ? -1 : 1;
            const order =
              wanted === undefined
                ? all.toSorted((x, y) => x.revision - y.revision)
                : all.toSorted((x, y) => (x.data.balance - y.data.balance || (x.id < y.id ? -1 : 1)) * sign);
            const found = [];
            let cursor: string | undefined;
            do {
              const page = await accounts.query({
                ...(wanted === undefined ? {} : { orderBy: { by: ({ data }) => data.balance, direction: wanted } }),
                ...(cursor === undefined ? {} : { cursor }),
                where: ({ data }) => data.balance % 2 === 0,
                limit,
              });
              expect(page.states.length).toBeLessThanOrEqual(limit);
              found.push(...page.states);
              cursor = page.cursor;
            } while (cursor !== undefined);
            expect(found).toEqual(order);
          },
        ),
        { numRuns: 12 },
      );
    });

    test("whoever follows the cursors misses no state that stood all the while, whatever is changed meanwhile (Q1)", async () => {
      await using opened = await open();
      await fill(
        opened,
        Array.from({ length: 300 }, (_, at) => at),
      );
      const accounts = opened.states.of(account);
      const seen = new Map<string, number>();
      let cursor: string | undefined;
      for (let page = 0; page < 100; page += 1) {
        const found = await accounts.query({ limit: 40, ...(cursor === undefined ? {} : { cursor }) });
        for (const { id, data } of found.states) seen.set(id, data.balance);
        cursor = found.cursor;
        if (cursor === undefined) break;
        if (page < 5) {
          for (const id of [`n${page}`, `n${299 - page}`])
            await accounts.update(id, (data) => ({ balance: data.balance + 1_000 }));
        }
      }
      expect(seen.size).toBe(300);
      const all = await accounts.getMany([...seen.keys()]);
      expect([...seen].filter(([id, balance]) => all.get(id)?.data.balance !== balance)).toEqual([]);
    });

    test("what is changed between the look and the page is given as it is then, not as it was (Q3)", async () => {
      await using opened = await open();
      await fill(opened, [1, 2, 3]);
      let isFirst = true;
      // Overtaken just before the candidates are compared with the store.
      const kv = new Proxy(opened.kv, {
        get(target, property) {
          const value: unknown = Reflect.get(target, property, target);
          if (typeof value !== "function") return value;
          return async (...args: unknown[]) => {
            if (property === "getMany" && isFirst) {
              isFirst = false;
              await target.put("account.n0", bytes('{"status":"present","data":{"balance":9},"at":1,"n":2,"id":"x"}'));
            }
            return value.apply(target, args) as unknown;
          };
        },
      });
      const { states } = await openStateStore({ kv }).of(account).query({ limit: 3 });
      const found = states.map(({ id, data }) => `${id}=${data.balance}`);
      expect(found.filter((one) => one !== "n0=9").toSorted()).toEqual(["n1=2", "n2=3"]);
    });

    test("status, prefix and what cannot be read: the rest is given, the unreadable is named", async () => {
      await using opened = await open();
      const tickets = opened.states.of(ticket);
      for (const id of ["vip-1", "vip-2", "x=1", "y.2"]) await tickets.create(id, { title: id, priority: 1 });
      await tickets.transition("vip-2", "assign");
      await opened.kv.put("ticket.vip-bad", bytes('{"status":"lost","data":{},"at":1,"n":1,"id":"x"}'));
      const ids = async (query: Parameters<typeof tickets.query>[0]) =>
        (await tickets.query(query)).states.map(({ id }) => id);
      expect(await ids({ status: "open" })).toEqual(["vip-1", "x=1", "y.2"]);
      expect(await ids({ status: ["assigned", "closed"] })).toEqual(["vip-2"]);
      expect(await ids({ prefix: "vip-", orderBy: { by: ({ id }) => id, direction: "descending" } })).toEqual([
        "vip-2",
        "vip-1",
      ]);
      expect((await tickets.query({ prefix: "vip-" })).unreadable).toMatchObject([{ key: "ticket.vip-bad" }]);
      const invalid = { code: "OPTION_INVALID" };
      await expect(tickets.query({ limit: 0 })).rejects.toMatchObject(invalid);
      await expect(tickets.query({ status: "lost" as never })).rejects.toMatchObject(invalid);
      await expect(tickets.query({ cursor: "nonsense" })).rejects.toMatchObject(invalid);
      await expect(tickets.query({ cursor: "r1", orderBy: { by: ({ id }) => id } })).rejects.toMatchObject(invalid);
      await expect(tickets.query({ orderBy: { by: () => ({}) as never } })).rejects.toMatchObject(invalid);
    });

    test("a watcher sees what stands, then each change with its origin, and what it cannot read is named", async () => {
      await using opened = await open();
      const tickets = opened.states.of(ticket);
      await tickets.create("t1", { title: "a", priority: 1 });
      await opened.states.of(account).create("a", { balance: 1 });
      const stop = new AbortController();
      const news: string[] = [];
      const brief = (one: StateNews<{ id: string; status: string; event: string | undefined }>): string => {
        if (one.kind === "changed") return `${one.state.id} ${one.state.status}${one.isSnapshot ? " (snapshot)" : ""}`;
        return one.kind === "deleted" ? `${one.id} deleted by ${one.actor}` : one.kind;
      };
      const watching = (async () => {
        for await (const one of tickets.watch({ signal: stop.signal })) {
          news.push(brief(one));
          if (one.kind === "current") {
            await tickets.transition("t1", "assign");
            await opened.kv.put("ticket.bad", bytes("[]"));
            await tickets.delete("t1", { actor: "anna" });
          }
          if (one.kind === "deleted") stop.abort();
        }
      })();
      await within(20_000, "the deletion", watching);
      expect(news).toEqual(["t1 open (snapshot)", "current", "t1 assigned", "unreadable", "t1 deleted by anna"]);
    });

    test("what deleted states leave is swept away late, and nothing else is (W3)", async () => {
      await using opened = await open();
      const accounts = opened.states.of(account);
      for (const id of ["kept", "old", "young"]) await accounts.create(id, { balance: 1 });
      await accounts.delete("young");
      const gone = { status: "present", data: { balance: 1 }, at: Date.now() - 7_200_000, n: 2, gone: 1, id: "x" };
      await opened.kv.put("account.old", bytes(JSON.stringify(gone)));
      await expect(opened.states.sweep({ deletedForMs: 0 })).rejects.toMatchObject({ code: "OPTION_INVALID" });
      expect(await opened.states.sweep()).toBe(1);
      expect(await opened.kv.list("account.*")).toEqual(["account.kept", "account.young"]);
      expect(await accounts.create("old", { balance: 2 })).toMatchObject({ kind: "created", state: { number: 1 } });
    });
  });
}
