// An erasure with all that lies under a scope, and who makes the first write ever to a scope that lies there: laws U1 and U2 of
// src/memory/unborn-head.ts, on every store.

import { describe, expect, test } from "vitest";
import type { KvOperationRequest, KvStore } from "../../src/kv/store.ts";
import { ContextLog } from "../../src/memory/context-log.ts";
import { eraseScope } from "../../src/memory/erasure.ts";
import type { ErasureProgress } from "../../src/memory/erasure-scope.ts";
import { Facts } from "../../src/memory/facts.ts";
import { readHead } from "../../src/memory/head.ts";
import { headKey } from "../../src/memory/memory-keys.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { setRetention } from "../../src/memory/retention-policy.ts";
import type { Scope } from "../../src/memory/scope.ts";
import { scopeKey } from "../../src/memory/scope.ts";
import { keysWith, thrownBy } from "./erasure-support.ts";
import { tapped } from "./log-support.ts";
import type { OpenMemory } from "./memory-stores-support.ts";

const anna: Scope = { user: "anna" };
const fresh: Scope = { user: "anna", agent: { type: "desk", id: "d1" }, session: "fresh" };
const elsewhere: Scope = { session: "elsewhere" };
const old = "formed before";
const era3 = { entries: 3, facts: 3 };

type Form = (stores: MemoryStores) => Promise<() => Promise<unknown>>;

/** Each learns of the scope, and writes what it has formed when it is called. */
const forms: Readonly<Record<string, Form>> = {
  "an append": async (stores) => {
    const log = new ContextLog({ stores, scope: fresh });
    await log.era();
    return () => log.append({ text: old, id: "named", pinned: true });
  },
  "an append that carries its era": async (stores) => {
    const era = await new ContextLog({ stores, scope: fresh }).era();
    return () => new ContextLog({ stores, scope: fresh }).append({ text: old }, { era });
  },
  "a fact that is set": async (stores) => {
    const facts = new Facts({ stores, scope: fresh });
    await facts.era();
    return () => facts.set("fact", old);
  },
  "a fact that is merged": async (stores) => {
    const facts = new Facts({ stores, scope: fresh });
    const era = await facts.era();
    return () => new Facts({ stores, scope: fresh }).merge("fact", [old], { policy: "union", era });
  },
};

/** What gives a scope its first head, and holds nothing of what was formed. */
const heads: Readonly<Record<string, (stores: MemoryStores) => Promise<unknown>>> = {
  "a policy": (stores) => setRetention(stores, fresh, { entriesMax: 10 }),
  "a fork": (stores) => new ContextLog({ stores, scope: elsewhere }).fork(fresh),
};

const erasUnder = async ({ entries, facts }: MemoryStores, scope: Scope) => ({
  entries: (await readHead(entries, scope)).head.era,
  facts: (await readHead(facts, scope)).head.era,
});

/** The stores, whose transactions wait for `before` when they would write the scope's first head. */
function held(stores: MemoryStores, before: () => Promise<unknown>): MemoryStores {
  let isFirst = true;
  const hold = (store: KvStore): KvStore =>
    new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        if (name !== "transact") return member.bind(target);
        return async (operations: readonly KvOperationRequest[]) => {
          const isBirth = operations.some(({ kind, key }) => kind === "put" && key === headKey(fresh));
          if (isBirth && isFirst) {
            isFirst = false;
            await before();
          }
          return target.transact(operations);
        };
      },
    });
  return { ...stores, entries: hold(stores.entries), facts: hold(stores.facts) };
}

/** The stores, and which keys each of their calls names. */
function counted(stores: MemoryStores): { readonly stores: MemoryStores; readonly calls: string[] } {
  const calls: string[] = [];
  const count = (store: KvStore): KvStore =>
    new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          calls.push(`${String(name)} ${JSON.stringify(args[0])}`);
          return Reflect.apply(member, target, args);
        };
      },
    });
  return { stores: { ...stores, entries: count(stores.entries), facts: count(stores.facts) }, calls };
}

export function memoryErasureUnderContract(name: string, open: OpenMemory): void {
  describe(`${name}: an erasure of all that lies under a scope, and first writes`, () => {
    for (const [kind, form] of Object.entries(forms)) {
      test(`U1: ${kind} to a scope that nobody knew is refused, however late, when it was formed before`, async () => {
        await using memory = await open();
        const { stores } = memory;
        const write = await form(await memory.openAnother());
        const receipt = await eraseScope(stores, anna, { under: true });
        expect(receipt.scopes.length).toBe(1);
        expect(await thrownBy(write())).toMatchObject({ code: "SCOPE_ERASED" });
        expect(await keysWith(stores, old)).toEqual([]);
        await (await form(await memory.openAnother()))();
        expect(new Set(await keysWith(stores, old)).size).toBe(1);
      });

      test(`U2: ${kind} whose scope comes into being while it is erased is refused, or its scope is found`, async () => {
        await using memory = await open();
        const { stores } = memory;
        const another = await memory.openAnother();
        const write = await form(held(stores, () => eraseScope(another, anna, { under: true })));
        expect(await thrownBy(write())).toMatchObject({ code: "SCOPE_ERASED" });
        expect(await keysWith(stores, old)).toEqual([]);
      });

      test(`U2: ${kind} is refused while the erasure is under way, and so what was formed meanwhile afterwards`, async () => {
        await using memory = await open();
        const { stores } = memory;
        const cut = new AbortController();
        const onProgress = () => cut.abort(new Error("cut short"));
        await expect(eraseScope(stores, anna, { under: true, signal: cut.signal, onProgress })).rejects.toThrow();
        const write = await form(await memory.openAnother());
        expect(await thrownBy(write())).toMatchObject({ code: "SCOPE_ERASED" });
        await eraseScope(stores, anna, { under: true });
        expect(await thrownBy(write())).toMatchObject({ code: "SCOPE_ERASED" });
        await (await form(stores))();
        expect(new Set(await keysWith(stores, old)).size).toBe(1);
      });
    }

    for (const [kind, write] of Object.entries(heads)) {
      test(`U2: ${kind} that gives a scope its first head does not bring back an era that has gone by`, async () => {
        await using memory = await open();
        const { stores } = memory;
        await new ContextLog({ stores, scope: elsewhere }).append({ text: "beside" });
        const another = await memory.openAnother();
        const late = held(stores, () => eraseScope(another, anna, { under: true }));
        const append = await forms["an append"]?.(another);
        await write(late);
        expect((await erasUnder(stores, fresh)).entries).toBe(era3.entries);
        expect(await thrownBy(append?.() ?? Promise.resolve())).toMatchObject({ code: "SCOPE_ERASED" });
      });
    }

    test("E4: what is read in a scope that is not empty yet is not written to one that is", async () => {
      await using memory = await open();
      const { stores } = memory;
      const sessions = ["a", "b"].map((session) => ({ user: "anna", session }));
      for (const scope of sessions) await new ContextLog({ stores, scope }).append({ text: old });
      const another = await memory.openAnother();
      const written: Promise<unknown>[] = [];
      const isEmpty = async (scope: Scope) =>
        (await keysWith(another, old)).every((key) => !key.startsWith(scopeKey(scope)));
      const onProgress = ({ scope, step }: ErasureProgress) => {
        if (step === "forks" && scope.session === "b") written.push(isEmpty(sessions[0] ?? {}));
        const append = () => new ContextLog({ stores: another, scope: sessions[0] ?? {} }).append({ text: old });
        if (step === "counting" && scope.session === "b") written.push(thrownBy(append()));
      };
      // It does not go on before what was tried meanwhile has come to its end, however late that is.
      const others = () => Promise.all(written);
      const erased = { ...stores, entries: tapped(stores.entries, others), facts: tapped(stores.facts, others) };
      await eraseScope(erased, anna, { under: true, onProgress });
      expect(await Promise.all(written)).toEqual([expect.objectContaining({ code: "SCOPE_ERASED" }), true]);
      expect(await keysWith(stores, old)).toEqual([]);
    });

    test("U1: every erasure counts, those without `under` do not, and a scope that has a head counts by itself", async () => {
      await using memory = await open();
      const { stores } = memory;
      await eraseScope(stores, anna);
      expect(await erasUnder(stores, fresh)).toEqual({ entries: 1, facts: 1 });
      await eraseScope(stores, anna, { under: true });
      expect(await erasUnder(stores, fresh)).toEqual(era3);
      await eraseScope(stores, { user: "anna", agent: { type: "desk", id: "d1" } }, { under: true });
      // Of two scopes above: what is under the inner one lies under the outer one too.
      expect(await erasUnder(stores, fresh)).toEqual({ entries: 5, facts: 5 });
      await new ContextLog({ stores, scope: fresh }).append({ text: "new" });
      await new Facts({ stores, scope: fresh }).set("fact", "new");
      expect(await erasUnder(stores, fresh)).toEqual({ entries: 5, facts: 5 });
      await eraseScope(stores, anna, { under: true });
      expect(await erasUnder(stores, fresh)).toEqual({ entries: 7, facts: 7 });
    });

    test("it costs the first write to a scope, and nothing of what is written to it later, by whomever", async () => {
      await using memory = await open();
      await new ContextLog({ stores: memory.stores, scope: fresh }).append({ text: "first" });
      await new Facts({ stores: memory.stores, scope: fresh }).set("fact", 1);
      const { stores, calls } = counted(memory.stores);
      const log = new ContextLog({ stores, scope: fresh });
      await log.append({ text: "second" });
      await log.append({ text: "third" });
      const facts = new Facts({ stores, scope: fresh });
      await facts.set("fact", 2);
      await facts.set("another", 2);
      await facts.merge("new", 1, { policy: "sum" });
      const above = [anna, { user: "anna", agent: { type: "desk", id: "d1" } }].map(headKey);
      expect(calls.filter((call) => above.some((key) => call.includes(JSON.stringify(key))))).toEqual([]);
      // The end of the log is looked for, two records are created; the head is looked at once and two facts are set.
      const counts = Object.entries(Object.groupBy(calls, (call) => call.split(" ")[0] ?? ""));
      expect(counts.map(([call, all]) => [call, all?.length]).toSorted()).toEqual([
        ["create", 2],
        ["get", 1],
        ["getMany", 3],
        ["transact", 3],
      ]);
    });
  });
}
