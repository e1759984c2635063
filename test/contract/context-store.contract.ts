// The contract of the whole: recall that follows the store, and what the context store wires (src/memory/context-store.ts,
// recall-follower.ts). The same on every store.

import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { AgentMemory } from "../../src/memory/agent-memory.ts";
import { ContextLog } from "../../src/memory/context-log.ts";
import type { ContextStore } from "../../src/memory/context-store.ts";
import { openContextStore } from "../../src/memory/context-store.ts";
import type { ContextStoreOptions, ContextStoreSettings } from "../../src/memory/context-store-options.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import type { Embedder } from "../../src/memory/recall/embedder.ts";
import type { RecallResult } from "../../src/memory/recall/hit.ts";
import type { RecallProgress } from "../../src/memory/recall-follower.ts";
import { RecallFollower } from "../../src/memory/recall-follower.ts";
import { scopeKey } from "../../src/memory/scope.ts";
import { within } from "./kv-support.ts";
import { swappable } from "./log-support.ts";
import { brief, isEntry, takeUntil } from "./memory-live-support.ts";
import type { OpenMemory } from "./memory-stores-support.ts";

const anna = { user: "anna" };
const session = { user: "anna", session: "s1" };
const ben = { user: "ben" };

interface Stage extends AsyncDisposable {
  readonly memory: ContextStore;
  readonly stores: MemoryStores;
  openAnother(settings?: ContextStoreSettings): Promise<ContextStore>;
}

async function stageOn(open: OpenMemory, settings: ContextStoreSettings = {}): Promise<Stage> {
  await using opening = new AsyncDisposableStack();
  const under = opening.use(await open());
  const memory = opening.use(openContextStore({ ...under.stores, codecs: [], ...settings }));
  const opened = opening.move();
  return {
    memory,
    stores: under.stores,
    openAnother: async (others = {}) =>
      opened.use(openContextStore({ ...(await under.openAnother()), codecs: [], ...others })),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const texts = ({ hits }: RecallResult): string[] => hits.map(({ document }) => document.text);

async function append(memory: ContextStore, scope: typeof anna, text: string): Promise<number> {
  return (await memory.log(scope).append({ text })).entries[0]?.revision ?? 0;
}

export function contextStoreContract(name: string, open: OpenMemory): void {
  describe(`${name}: the context store`, () => {
    test("recall reads scopes that nobody asked for before, and finds what others write later (F1)", async () => {
      const progress: RecallProgress[] = [];
      await using stage = await stageOn(open, { onProgress: (one) => progress.push(one) });
      const { memory } = stage;
      const writer = await stage.openAnother();
      await writer.log(anna).append([{ text: "I am moving to Oslo in May" }, { text: "the weather is fine" }]);
      await writer.facts(anna).set("favouriteDish", { name: "lasagne", since: 2019 });
      await writer.log(session).append({ text: "Oslo is cold in winter" });
      await writer.log(ben).append({ text: "I was in Oslo once" });
      expect(texts(await memory.recall("Oslo", { scopes: anna, k: 1 }))).toEqual(["I am moving to Oslo in May"]);
      const { hits } = await memory.recall("what dish does she like, lasagne?", { scopes: anna, kinds: ["fact"] });
      expect(hits[0]?.document).toMatchObject({ kind: "fact", key: "user.anna.fact.favouriteDish" });
      expect(hits[0]?.document.text).toContain("favourite Dish");
      expect(progress.at(-1)).toMatchObject({ scopes: "user.anna", done: 3, isComplete: true });
      const revision = await append(writer, anna, "Oslo has a new opera");
      const found = await memory.recall("opera in Oslo", { scopes: anna, after: { memory: revision } });
      expect(found.hits[0]?.document).toMatchObject({ text: "Oslo has a new opera", revision });
      const inAll = (await memory.recall("Oslo")).hits.map(({ document }) => document.scope);
      expect(new Set(inAll)).toEqual(new Set(["user.anna", "user.anna.session.s1", "user.ben"]));
      const ofAnna = await memory.recall("Oslo", { scopes: anna, under: true });
      expect(new Set(ofAnna.hits.map(({ document }) => document.scope))).toEqual(
        new Set(["user.anna", "user.anna.session.s1"]),
      );
    });

    test("nothing is recalled that was truncated, deleted, overwritten or erased, from its end on (F2)", async () => {
      await using stage = await stageOn(open);
      const { memory } = stage;
      const writer = await stage.openAnother();
      const log = writer.log(anna);
      const facts = writer.facts(anna);
      await log.append([{ text: "the password is swordfish" }, { text: "the password was tuna" }]);
      await log.append({ text: "the password will be salmon" });
      await facts.set("password", "trout");
      await facts.set("pin", "password 1234");
      const ask = async () => texts(await memory.recall("password", { scopes: anna })).toSorted();
      expect(await ask()).toHaveLength(5);
      const [, second, third] = await log.read().toArray();
      await log.truncate({ before: second?.position ?? 0 });
      expect(await ask()).not.toContain("the password is swordfish");
      await log.truncate({ before: third?.position ?? 0 });
      expect(await ask()).not.toContain("the password was tuna");
      await facts.delete("password");
      await facts.set("pin", "secret 1234");
      expect(await ask()).toEqual(["the password will be salmon"]);
      const receipt = await writer.erase(anna);
      expect(await ask()).toEqual([]);
      expect(await writer.verify(receipt)).toMatchObject({ kind: "clean" });
      const revision = await append(writer, anna, "a new password");
      const after = await memory.recall("password", { scopes: anna, after: { memory: revision } });
      expect(texts(after)).toEqual(["a new password"]);
    });

    test("a fact whose time to live is over is not recalled", async () => {
      let skipMs = 0;
      await using stage = await stageOn(open);
      const { stores } = stage;
      const clock = { ...stores.clock, now: () => stores.clock.now() + skipMs };
      await using memory = openContextStore({ ...stores, codecs: [], clock });
      await memory.facts(anna).set("code", "open sesame", { ttlMs: 60_000 });
      expect(texts(await memory.recall("sesame"))).toHaveLength(1);
      skipMs = 61_000;
      expect(texts(await memory.recall("sesame"))).toEqual([]);
    });

    test("the index is bounded: the oldest documents go, and the scopes that were asked for longest ago", async () => {
      await using stage = await stageOn(open, { documentsMax: 3 });
      const { memory } = stage;
      for (let at = 0; at < 6; at += 1) await memory.log(anna).append({ text: `apple ${at}`, atMs: 1_000 + at });
      expect(texts(await memory.recall("apple")).toSorted()).toEqual(["apple 3", "apple 4", "apple 5"]);
    });

    test("F3: of the scopes that are followed the one that was asked for longest ago is let go, with what is in the index of it", async () => {
      await using stage = await stageOn(open);
      const { memory, stores } = stage;
      for (const scope of [anna, session, ben]) await memory.log(scope).append({ text: "apple" });
      await using recall = new RecallFollower({ reading: { stores }, followedMax: 2 });
      for (const scopes of [anna, session, anna, ben])
        expect(texts(await recall.recall("apple", { scopes }))).toEqual(["apple"]);
      expect(recall.size).toBe(2);
      expect(texts(await recall.recall("apple", { scopes: anna, under: true }))).toEqual(["apple", "apple"]);
      await recall.follow(undefined);
      expect(recall.size).toBe(3);
    });

    test("vectors are made in the background, again after a failure; until then words rank alone", async () => {
      let failures = 2;
      const embedded = Promise.withResolvers<void>();
      const embedder: Embedder = {
        ...{ dimensions: 2, model: "vowels" },
        embed: async (given, kind) => {
          if (kind === "document" && failures-- > 0) throw new Error("no model");
          if (kind === "document") embedded.resolve();
          return given.map((one) => Float32Array.of(/car|automobile/.test(one) ? 1 : 0, 0.1));
        },
      };
      await using stage = await stageOn(open);
      const { stores } = stage;
      // What fails is tried again after half a second, then after one: here a hundred times as soon.
      const clock = { ...stores.clock, after: (ms: number, act: () => void) => stores.clock.after(ms / 100, act) };
      await using memory = openContextStore({ ...stores, codecs: [], embedder, clock });
      await memory.log(anna).append([{ text: "my automobile is red" }, { text: "the sky is blue" }]);
      expect(texts(await memory.recall("blue"))[0]).toBe("the sky is blue");
      await within(20_000, "the documents are embedded", embedded.promise);
      const { hits } = await memory.recall("car", { k: 1 });
      expect(hits[0]?.document.text).toBe("my automobile is red");
    });

    test("it closes behind an embedder that heeds no signal, and leaves nothing on the signals of who asked", async () => {
      const isAsked = Promise.withResolvers<void>();
      const embedder: Embedder = {
        ...{ dimensions: 2, model: "deaf" },
        embed: (given, kind) => {
          if (kind === "query") return Promise.resolve(given.map(() => Float32Array.of(1, 0)));
          isAsked.resolve();
          return new Promise(() => {});
        },
      };
      await using stage = await stageOn(open, { embedder });
      const { memory } = stage;
      await memory.log(anna).append({ text: "the sky is blue" });
      const { signal } = new AbortController();
      for (let times = 0; times < 3; times += 1) {
        expect(texts(await memory.recall("blue", { signal, after: { memory: 1 } }))).toEqual(["the sky is blue"]);
      }
      expect(getEventListeners(signal, "abort")).toEqual([]);
      await isAsked.promise;
      await within(20_000, "it is closed", memory.close());
    });

    test("R3: what an agent recalls of a bucket that was made anew is what stands there, though the old log was longer", async () => {
      await using opened = await open();
      await using anew = await open();
      const { store: entries, swap } = swappable(opened.stores.entries, anew.stores.entries);
      const agent = new AgentMemory({ ...opened.stores, entries });
      const recalled = async () => {
        const hits = await agent.recall({ query: "apple", scopes: [anna], k: 10 }, []);
        return hits.map(({ document }) => document.text).toSorted();
      };
      const append = (to: MemoryStores, text: string) => new ContextLog({ stores: to, scope: anna }).append({ text });
      for (let at = 0; at < 3; at += 1) await append(opened.stores, `old apple ${at}`);
      expect(await recalled()).toHaveLength(3);
      await append(anew.stores, "new apple 0");
      swap();
      expect(await recalled()).toEqual(["new apple 0"]);
      await append(anew.stores, "new apple 1");
      expect(await recalled()).toEqual(["new apple 0", "new apple 1"]);
    });

    test("it lists scopes by pages, of a pattern and under one", async () => {
      await using stage = await stageOn(open);
      const { memory } = stage;
      for (const id of ["c", "a", "b"]) await memory.log({ user: id }).append({ text: id });
      await memory.facts(session).set("x", 1);
      await memory.facts({ user: "a" }).set("x", 1);
      const names = async (...given: Parameters<ContextStore["scopes"]>) => {
        const { scopes, cursor } = await memory.scopes(...given);
        return [...scopes.map(scopeKey), ...(cursor === undefined ? [] : [`> ${cursor}`])];
      };
      expect(await names()).toEqual(["user.a", "user.anna.session.s1", "user.b", "user.c"]);
      expect(await names(undefined, { limit: 2 })).toEqual([
        "user.a",
        "user.anna.session.s1",
        "> user.anna.session.s1",
      ]);
      expect(await names(undefined, { limit: 2, cursor: "user.anna.session.s1" })).toEqual(["user.b", "user.c"]);
      expect(await names({ user: "*" })).toEqual(["user.a", "user.b", "user.c"]);
      expect(await names(anna)).toEqual([]);
      expect(await names(anna, { under: true })).toEqual(["user.anna.session.s1"]);
      await expect(memory.scopes({}, {})).rejects.toMatchObject({ code: "SCOPE_INVALID" });
      await expect(memory.scopes(anna, { limit: 0 })).rejects.toMatchObject({ code: "OPTION_INVALID" });
    });

    test("retention is planned, applied, and nothing of what went is recalled or replicated", async () => {
      await using stage = await stageOn(open);
      const { memory } = stage;
      for (let at = 0; at < 5; at += 1) await memory.log(anna).append({ text: `pear ${at}` });
      const replica = await memory.replica(anna);
      expect(texts(await memory.recall("pear"))).toHaveLength(5);
      await memory.setRetention(anna, { entriesMax: 2 });
      const plan = await memory.planRetention();
      expect(plan.scopes).toMatchObject([{ scope: anna, entries: 3, reasons: { entries: 3 } }]);
      expect(await memory.applyRetention(plan)).toMatchObject([{ scope: anna, entries: 3 }]);
      expect(texts(await memory.recall("pear")).toSorted()).toEqual(["pear 3", "pear 4"]);
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = () => replica.entries.length === 2 && resolve();
      replica.onChange(look);
      look();
      await within(20_000, "the replica has two entries", promise);
    });

    test("it gives the same handle for a scope, watches and replicas end with it, the stores stay open", async () => {
      await using stage = await stageOn(open);
      const { memory, stores } = stage;
      expect(memory.log(anna)).toBe(memory.log({ user: "anna" }));
      const watch = await memory.watch(anna, { from: "now" });
      const replica = await memory.replica(anna);
      await memory.recall("anything");
      const revision = await append(memory, anna, "hello");
      expect((await takeUntil(watch, isEntry("hello"))).map(brief)).toContain("user.anna +1000 hello");
      await replica.waitFor({ memory: revision });
      expect(replica.last(1)[0]?.text).toBe("hello");
      const next = watch[Symbol.asyncIterator]().next();
      await memory.close();
      await memory.close();
      expect((await next).done).toBe(true);
      const closed = { code: "CLOSED" };
      expect(() => memory.log(anna)).toThrow("closed");
      await expect(memory.watch(anna)).rejects.toMatchObject(closed);
      await expect(memory.replica(anna)).rejects.toMatchObject(closed);
      await expect(memory.recall("x")).rejects.toMatchObject(closed);
      expect(await stores.entries.list(">")).toHaveLength(1);
    });

    test("options that make no sense are refused when it is opened", async () => {
      await using stage = await stageOn(open);
      const { entries, facts } = stage.stores;
      const refused: ContextStoreOptions[] = [
        { entries: facts, facts },
        { entries, facts, scopesMax: 0 },
        { entries, facts, documentsMax: 1.5 },
        { entries, facts, entrySchema: { version: 0 } },
        { entries, facts, factForm: { version: 0 } },
        { entries, facts, codecs: [{ id: "?", encode: (all: Uint8Array) => all, decode: (all: Uint8Array) => all }] },
      ];
      for (const options of refused) expect(() => openContextStore(options)).toThrow(/must be/);
    });
  });
}
