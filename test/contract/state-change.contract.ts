// The contract of the state store, part 1: one state at a time (state-model.ts D1 to D3, state-writer.ts W1 to W4).

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineState } from "../../src/memory/state-model.ts";
import { bytes, text } from "./kv-support.ts";
import { account, type OpenStates, register, ticket } from "./state-support.ts";

const trace = "0af7651916cd43dd8448eb211c80319c";

export function stateChangeContract(name: string, open: OpenStates): void {
  describe(`${name}: changes`, () => {
    test("every status and event by table: a legal one leads on, an illegal one changes nothing and names those that are legal (D2)", async () => {
      await using opened = await open();
      const tickets = opened.states.of(ticket);
      const events = [...new Set(Object.values(ticket.transitions).flatMap((row) => Object.keys(row)))] as never[];
      for (const status of Object.keys(ticket.transitions) as (keyof typeof ticket.transitions)[]) {
        for (const event of events) {
          const id = `${status}-${event}`;
          const before = { status, data: { title: "x", priority: 3 }, at: 1, n: 1, id: "byhand" };
          await opened.kv.put(`ticket.${id}`, bytes(JSON.stringify(before)));
          const outcome = await tickets.transition(id, event);
          const target: string | undefined = ticket.transitions[status][event];
          if (target === undefined) {
            const legal = Object.keys(ticket.transitions[status]);
            expect(outcome).toMatchObject({ kind: "illegal", event, legal, state: { status } });
            expect(JSON.parse(text(await opened.kv.get(`ticket.${id}`)) ?? "")).toEqual(before);
          } else {
            expect(outcome).toMatchObject({ kind: "changed", state: { status: target, event, number: 2 } });
            expect(await tickets.get(id)).toMatchObject({ status: target, event, number: 2 });
          }
        }
      }
    });

    test("a change records its cause, its actor, its trace and its time, and reads in the store as a person would want it", async () => {
      await using opened = await open();
      const tickets = opened.states.of(ticket);
      const origin = { cause: "mail 17", actor: "desk.anna", trace };
      const began = Date.now();
      await tickets.create("t1", { title: "no tea", priority: 1 });
      const { state } = (await tickets.transition("t1", "assign", {
        ...origin,
        edit: (data) => {
          data.by = "anna";
        },
      })) as { state: unknown };
      expect(state).toMatchObject({ ...origin, model: "ticket", id: "t1", status: "assigned", event: "assign" });
      expect(state).toEqual(await tickets.get("t1"));
      const changedAtMs = (await tickets.get("t1"))?.changedAtMs ?? 0;
      expect(changedAtMs).toBeGreaterThanOrEqual(began);
      const stored = text(await opened.kv.get("ticket.t1")) ?? "";
      expect(
        stored.startsWith('{"status":"assigned","data":{"title":"no tea","by":"anna","priority":1},"event":"assign"'),
      ).toBe(true);
      const [first, second] = await tickets.history("t1");
      expect(first).toMatchObject({ kind: "changed", state: { status: "open", actor: "first", number: 1 } });
      expect(second).toEqual({ kind: "changed", state });
    });

    test("create, update, patch and delete answer what came of it; an edit that changes nothing writes nothing", async () => {
      await using opened = await open();
      const tickets = opened.states.of(ticket);
      expect(await tickets.get("t1")).toBeUndefined();
      expect(await tickets.update("t1", () => {})).toEqual({ kind: "missing" });
      expect(await tickets.transition("t1", "assign")).toEqual({ kind: "missing" });
      expect(await tickets.delete("t1")).toEqual({ kind: "missing" });
      // What the schema makes of it is stored (D3).
      const made = await tickets.create("t1", { title: "a" } as never);
      expect(made).toMatchObject({ kind: "created", state: { status: "open", data: { title: "a", priority: 3 } } });
      expect(await tickets.create("t1", { title: "b", priority: 1 })).toMatchObject({
        kind: "exists",
        state: { data: { title: "a" } },
      });
      expect(await tickets.patch("t1", { priority: 1, by: "anna" })).toMatchObject({
        kind: "changed",
        state: { data: { title: "a", priority: 1, by: "anna" } },
      });
      const before = await tickets.get("t1");
      expect(await tickets.update("t1", (data) => ({ ...data }))).toMatchObject({ kind: "unchanged", state: before });
      expect(await tickets.get("t1")).toEqual(before);
      expect(await tickets.delete("t1", { cause: "spam" })).toMatchObject({
        kind: "deleted",
        state: { data: { title: "a" } },
      });
      expect(await tickets.get("t1")).toBeUndefined();
      expect([...(await tickets.getMany(["t1", "t2"])).keys()]).toEqual([]);
      expect((await tickets.history("t1")).at(-1)).toMatchObject({ kind: "deleted", cause: "spam", actor: "first" });
      expect(await tickets.create("t1", { title: "again", priority: 2 })).toMatchObject({
        kind: "created",
        state: { number: 4 },
      });
    });

    test("a state is made in the status that the events of `through` lead to; a way that the table lacks writes nothing", async () => {
      await using opened = await open();
      const tickets = opened.states.of(ticket);
      const made = await tickets.create(
        "t1",
        { title: "a", priority: 1 },
        { through: ["assign", "solve", "accept"], cause: "moved" },
      );
      expect(made).toMatchObject({
        kind: "created",
        state: { status: "closed", event: "accept", number: 1, cause: "moved" },
      });
      expect(await tickets.get("t1")).toMatchObject({ status: "closed", event: "accept", number: 1 });
      expect(await tickets.create("t1", { title: "b", priority: 1 }, { through: [] })).toMatchObject({
        kind: "exists",
      });
      const lost = tickets.create("t2", { title: "a", priority: 1 }, { through: ["assign", "assign"] });
      await expect(lost).rejects.toMatchObject({
        code: "OPTION_INVALID",
        message: expect.stringContaining("assigned"),
      });
      expect(await tickets.get("t2")).toBeUndefined();
    });

    test("what the schema refuses, what JSON cannot carry and what an edit throws changes nothing", async () => {
      await using opened = await open();
      const tickets = opened.states.of(ticket);
      await tickets.create("t1", { title: "a", priority: 1 });
      const before = await tickets.get("t1");
      const invalid = { code: "STATE_INVALID" };
      await expect(tickets.create("t2", { title: 1 } as never)).rejects.toMatchObject(invalid);
      await expect(tickets.patch("t1", { priority: "high" } as never)).rejects.toMatchObject(invalid);
      await expect(tickets.transition("t1", "assign", { edit: () => ({}) as never })).rejects.toMatchObject(invalid);
      await expect(
        tickets.update("t1", () => {
          throw new RangeError("mine");
        }),
      ).rejects.toThrow("mine");
      await expect(tickets.update("t1", (async () => {}) as never)).rejects.toMatchObject({ code: "OPTION_INVALID" });
      const loose = opened.states.of(defineState("loose", { schema: z.any() }));
      await expect(loose.create("l", 5n)).rejects.toMatchObject(invalid);
      await expect(tickets.get("")).rejects.toMatchObject({ code: "ID_INVALID" });
      await expect(tickets.update("t1", () => {}, { cause: "" })).rejects.toMatchObject({ code: "OPTION_INVALID" });
      expect(await tickets.get("t1")).toEqual(before);
      expect(await tickets.get("t2")).toBeUndefined();
    });

    test("what is written over meanwhile is decided anew: of N writers that add, none is lost and none counts twice (W1)", async () => {
      await using opened = await open();
      const stores = [opened.states, await opened.openAnother(), await opened.openAnother()];
      await opened.states.of(account).create("hot", { balance: 0 });
      const answers = await Promise.all(
        Array.from({ length: 90 }, async (_, at) => {
          const changed = await (stores[at % 3] ?? opened.states).of(account).update(
            "hot",
            (data) => {
              data.balance += 1;
            },
            { attemptsMax: 10_000 },
          );
          return changed.kind === "changed" ? changed.state.data.balance : undefined;
        }),
      );
      expect(answers.toSorted((a, b) => (a ?? 0) - (b ?? 0))).toEqual(Array.from({ length: 90 }, (_, at) => at + 1));
      expect(await opened.states.of(account).get("hot")).toMatchObject({ data: { balance: 90 }, number: 91 });
    });

    test("who cannot get through gives up with the last conflict (W4)", async () => {
      await using opened = await open();
      const accounts = opened.states.of(account);
      const rival = (await opened.openAnother()).of(account);
      await accounts.create("a", { balance: 0 });
      const kv = opened.kv;
      let attempts = 0;
      const giveUp = accounts.update(
        "a",
        (data) => {
          attempts += 1;
          data.balance += 1;
          overtake();
        },
        { attemptsMax: 3 },
      );
      // Each attempt is overtaken between its look and its write: the memory store decides a write when it is called, the
      // others take what was sent first first.
      function overtake(): void {
        void kv.put(
          "account.a",
          bytes(
            JSON.stringify({
              status: "present",
              data: { balance: attempts * 100 },
              at: 1,
              n: attempts + 1,
              id: `r${attempts}`,
            }),
          ),
        );
      }
      await expect(giveUp).rejects.toMatchObject({ code: "WRITE_CONTENDED", data: { key: "account.a", attempts: 3 } });
      expect(attempts).toBeLessThanOrEqual(3);
      expect((await rival.get("a"))?.data.balance).toBe(attempts * 100);
    });

    test("what this process remembers is never the answer: illegal, missing and unchanged are said of what stands (R1)", async () => {
      await using opened = await open();
      const [mine, other] = [opened.states.of(ticket), (await opened.openAnother()).of(ticket)];
      await mine.create("t1", { title: "a", priority: 1 });
      await other.transition("t1", "assign");
      expect(await mine.transition("t1", "solve")).toMatchObject({ kind: "changed", state: { status: "solved" } });
      await other.transition("t1", "accept");
      expect(await mine.transition("t1", "reopen")).toMatchObject({
        kind: "illegal",
        legal: [],
        state: { status: "closed" },
      });
      await other.delete("t1");
      expect(await mine.update("t1", () => {})).toEqual({ kind: "missing" });
      await mine.create("t2", { title: "a", priority: 1 });
      await other.patch("t2", { title: "b" });
      expect(await mine.patch("t2", { title: "a" })).toMatchObject({ kind: "changed" });
    });

    test("older forms are led on when they are read, newer ones are refused, and reading writes nothing", async () => {
      await using opened = await open();
      const v1 = { status: "new", data: { name: "no tea" }, at: 1, n: 1, id: "old" };
      await opened.kv.put("ticket.t1", bytes(JSON.stringify(v1)));
      await opened.kv.put("ticket.t9", bytes(JSON.stringify({ ...v1, v: 9 })));
      await opened.kv.put("ticket.t0", bytes("{"));
      const { name: _name, version: _version, upcasters: _upcasters, ...options } = ticket;
      const evolved = defineState("ticket", {
        ...options,
        version: 2,
        upcasters: {
          1: ({ status, data }: { status: string; data: { name: string } }) => ({
            status: status === "new" ? "open" : status,
            data: { title: data.name },
          }),
        },
      });
      const tickets = opened.states.of(evolved);
      expect(await tickets.get("t1")).toMatchObject({
        status: "open",
        data: { title: "no tea", priority: 3 },
        version: 1,
      });
      expect(JSON.parse(text(await opened.kv.get("ticket.t1")) ?? "")).toEqual(v1);
      expect(await tickets.transition("t1", "assign")).toMatchObject({ kind: "changed", state: { version: 2 } });
      expect(text(await opened.kv.get("ticket.t1"))).toContain('"v":2');
      await expect(tickets.get("t9")).rejects.toMatchObject({ code: "STATE_TOO_NEW" });
      await expect(tickets.get("t0")).rejects.toMatchObject({ code: "STATE_UNREADABLE" });
      await expect(opened.states.of(ticket).get("t1")).rejects.toMatchObject({ code: "STATE_TOO_NEW" });
      expect(await tickets.delete("t9")).toEqual({ kind: "deleted", state: undefined });
    });

    test("history and at show what was, as far as the bucket keeps it", async () => {
      await using opened = await open();
      const accounts = opened.states.of(account);
      expect(await accounts.history("a")).toEqual([]);
      expect(await accounts.at("a", { timeMs: Date.now() })).toBeUndefined();
      const made = [await accounts.create("a", { balance: 0 })];
      for (let n = 1; n <= 4; n += 1) made.push((await accounts.patch("a", { balance: n })) as never);
      const states = made.flatMap((change) => ("state" in change ? [change.state] : []));
      expect(await accounts.history("a")).toEqual(states.map((state) => ({ kind: "changed", state })));
      for (const state of states) expect(await accounts.at("a", { revision: state.revision })).toEqual(state);
      expect(await accounts.at("a", { revision: (states[0]?.revision ?? 1) - 1 })).toBeUndefined();
      expect(await accounts.at("a", { timeMs: Date.now() + 1 })).toEqual(states.at(-1));
      for (let n = 5; n <= 9; n += 1) await accounts.patch("a", { balance: n });
      expect(await accounts.history("a")).toHaveLength(8);
      await expect(accounts.at("a", { revision: 1 })).rejects.toMatchObject({ code: "HISTORY_GONE" });
    });

    test("any run of changes by two processes goes as a model says", async () => {
      const step = fc.record({
        by: fc.constantFrom(0, 1),
        id: fc.constantFrom("a", "b"),
        what: fc.constantFrom("create", "update", "patch", "delete", "get", "many"),
        value: fc.integer({ min: 0, max: 3 }).map(String),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          await using opened = await open();
          const both = [opened.states.of(register), (await opened.openAnother()).of(register)] as const;
          const model = new Map<string, string>();
          for (const { by, id, what, value } of steps) {
            const states = both[by === 0 ? 0 : 1];
            const before = model.get(id);
            if (what === "create") {
              expect((await states.create(id, { value })).kind).toBe(before === undefined ? "created" : "exists");
              if (before === undefined) model.set(id, value);
            } else if (what === "delete") {
              expect((await states.delete(id)).kind).toBe(before === undefined ? "missing" : "deleted");
              model.delete(id);
            } else if (what === "get") {
              expect((await states.get(id))?.data.value).toBe(before);
            } else if (what === "many") {
              const found = [...(await states.getMany(["a", "b"]))].map(([key, { data }]) => [key, data.value]);
              expect(found.toSorted()).toEqual([...model].toSorted());
            } else {
              const { kind } =
                what === "patch" ? await states.patch(id, { value }) : await states.update(id, () => ({ value }));
              expect(kind).toBe(before === undefined ? "missing" : before === value ? "unchanged" : "changed");
              if (before !== undefined) model.set(id, value);
            }
          }
        }),
        { numRuns: 12 },
      );
    });
  });
}
