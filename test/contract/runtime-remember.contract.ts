// What agents remember of their turns: it takes effect with the turn's commit or not at all, once and in order, whoever
// dies in between.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import type { MemoryOptions } from "../../src/actors/memory-options.ts";
import { AgentMemory } from "../../src/memory/agent-memory.ts";
import type { Entry } from "../../src/memory/entry.ts";
import { eraseScope } from "../../src/memory/erasure.ts";
import { changeHead } from "../../src/memory/head.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import type { Scope } from "../../src/memory/scope.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";
import type { Troupe } from "../../src/runtime/client.ts";
import type { OpenPorts } from "../../src/runtime/ports.ts";
import { within } from "./mail-support.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import { committedState, eventOf, eventsOf, Gate, Stage } from "./runtime-support.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);
const stateSchema = z.object({ heard: z.number(), shown: z.array(z.string()) });
const initial = { heard: 0, shown: [] };
const team: Scope = { shared: "team" };

/** Hears, answers, notes what it is told to, and fails when it is told to. */
const clerkWith = (memory: MemoryOptions) =>
  defineActor(
    "clerk",
    { state: stateSchema, initial, memory, retry: { attempts: 3, backoffMs: 1, backoffMsMax: 5 } },
    {
      hear: handler(z.string(), (ctx, text) => {
        ctx.state.heard += 1;
        return `heard ${text}`;
      }),
      note: handler(z.object({ text: z.string(), times: z.number().optional() }), (ctx, { text, times = 1 }) => {
        ctx.state.heard += 1;
        for (let at = 0; at < times; at += 1) ctx.memory.append({ text: `${text} ${at}`, kind: "observation" });
        ctx.memory.append({ text: `${ctx.self.id}: ${text}` }, { scope: team });
        ctx.memory.mergeFact("notes", 1, "sum", { scope: team });
        ctx.memory.setFact("last", text);
      }),
      failOnce: handler(z.string(), (ctx, text) => {
        ctx.memory.append({ text: "never" });
        if (!failed.has(text)) {
          failed.add(text);
          throw new Error("the first time");
        }
        ctx.state.heard += 1;
      }),
      fail: handler((ctx) => {
        ctx.memory.append({ text: "never" });
        throw new Error("every time");
      }),
      show: handler(z.string(), (ctx) => {
        ctx.state.shown = ctx.memory.window.map(({ text }) => text);
        const recalled = ctx.memory.recalled.map(({ document }) => document.text);
        return { window: ctx.state.shown, recalled, last: ctx.memory.facts.get("last")?.value ?? null };
      }),
      spoil: handler((ctx) => {
        ctx.state.heard += 1;
        ctx.memory.setFact("notes", "no number");
        ctx.memory.mergeFact("notes", 1, "sum");
        ctx.memory.setFact("last", "after it");
      }),
      recent: query(async (ctx) => (await ctx.memory.read({ last: 100 })).map(({ text }) => text)),
    },
  );
const failed = new Set<string>();
const clerk = clerkWith({});

async function storesOf(troupe: Troupe): Promise<MemoryStores> {
  const { entries, facts } = await troupe.ports.openMemory();
  return { entries, facts, clock: troupe.ports.clock, codecs: new ValueCodecs() };
}

/** What stands in a scope's log when so many entries do. */
const entriesOf = (troupe: Troupe, scope: Scope, count: number) =>
  entriesWhen(troupe, scope, `${count} entries`, (entries) => entries.length >= count);

const untilLast = (troupe: Troupe, scope: Scope, text: string) =>
  entriesWhen(troupe, scope, text, (entries) => entries.at(-1)?.text === text);

async function entriesWhen(
  troupe: Troupe,
  scope: Scope,
  what: string,
  fits: (entries: readonly Entry[]) => boolean,
): Promise<readonly Entry[]> {
  const stores = await storesOf(troupe);
  const read = () => new AgentMemory(stores).last(scope, 10_000, []);
  const stop = new AbortController();
  const look = async () => {
    for await (const change of await stores.entries.watch(">", { signal: stop.signal })) {
      if (change.kind === "restarted") continue;
      const entries = await read();
      if (fits(entries)) return entries;
    }
    throw new Error("the watch ended");
  };
  return within(what, look()).finally(() => stop.abort());
}

const own = (id: string): Scope => ({ agent: { type: "clerk", id } });
const textsOf = (entries: readonly Entry[]) => entries.map(({ text }) => text);

/** A memory that takes nothing until the test says so, and tells when something was to be written. */
function heldMemory(stage: Stage, isStored: boolean): { ports: OpenPorts; held: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const ports = stage.portsBehindMemory(({ entries }) => ({
    entries: {
      create: async (key, value, options) => {
        if (isStored) await entries.create(key, value, options);
        resolve();
        return new Promise(() => {});
      },
    },
  }));
  return { ports, held: within("something is to be written", promise) };
}

export function runtimeRememberContract(name: string, open: OpenRuntime): void {
  test(`${name}: what an agent hears, tells and answers is in its log, once and in order, with its cause`, async () => {
    await using stage = await Stage.open(open);
    const { client } = await stage.both([clerk]);
    const actor = client.actor(clerk, "c");
    expect(await actor.ask.hear("one")).toBe("heard one");
    const { messageId } = { messageId: await actor.tell.hear("two") };
    await entriesOf(client, own("c"), 3); // An ask may overtake a tell.
    await actor.ask.note({ text: "three" });
    const entries = await entriesOf(client, own("c"), 5);
    expect(entries.map(({ role, kind, text }) => `${role} ${kind} ${text}`)).toEqual([
      "user turn one",
      "assistant turn heard one",
      "user turn two",
      "user turn three",
      "assistant observation three 0",
    ]);
    expect(new Set(entries.map(({ cause }) => cause)).size).toBe(3);
    expect(entries.every(({ cause }) => cause !== undefined)).toBe(true);
    expect(entries[0]?.cause).toBe(entries[1]?.cause);
    expect(messageId).toBeDefined();
    expect(textsOf(await entriesOf(client, team, 1))).toEqual(["c: three"]);
  });

  test(`${name}: a turn that fails leaves nothing, and one that is repeated leaves what it says once (U1)`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both([clerk]);
    const actor = client.actor(clerk, "c");
    const buried = eventOf(worker, "dead-lettered");
    await actor.tell.fail();
    await actor.tell.failOnce(`${name} told`);
    await expect(actor.ask.failOnce(`${name} asked`)).rejects.toMatchObject({ code: "HANDLER_FAILED" });
    await buried;
    await entriesOf(client, own("c"), 2); // An ask may overtake a tell that is tried again.
    await actor.ask.hear("last");
    expect(textsOf(await entriesOf(client, own("c"), 4))).toEqual([`${name} told`, "never", "last", "heard last"]);
  });

  test(`${name}: what is brought is what was left before, also by a worker that is gone`, async () => {
    await using stage = await Stage.open(open);
    const bringing = clerkWith({
      scopes: [team],
      log: { replies: false },
      bring: { window: { tokens: 60 }, recall: { k: 3 }, facts: ["last"] },
    });
    const { worker, client } = await stage.both([bringing]);
    const actor = client.actor(bringing, "c");
    await actor.ask.hear("the parrot is called Polly");
    for (const at of upTo(8)) await actor.ask.hear(`something else entirely, number ${at}`);
    await actor.ask.note({ text: "blue" });
    const before = await actor.ask.show("How is the parrot called?");
    expect(before.window.at(-1)).toBe("blue 0");
    expect(before.window).not.toContain("the parrot is called Polly");
    expect(before.recalled).toContain("the parrot is called Polly");
    expect(before.last).toBe("blue");
    await worker.close();
    await stage.worker([bringing]);
    const after = await actor.ask.show("How is the parrot called?");
    expect(after.recalled).toContain("the parrot is called Polly");
    expect(after.last).toBe("blue");
    expect(after.window.at(-1)).toBe("How is the parrot called?");
  });

  test(`${name}: a turn sees what the turns before it have left, though the store does not have it yet`, async () => {
    await using stage = await Stage.open(open);
    const bringing = clerkWith({ log: { replies: false }, bring: { window: { tokens: 1_000 }, facts: true } });
    const { ports, held } = heldMemory(stage, false);
    await stage.worker([bringing], ports);
    const client = await stage.client();
    const actor = client.actor(bringing, "c");
    await actor.ask.note({ text: "early" });
    await held;
    const { window, last } = await actor.ask.show("now");
    expect([window, last]).toEqual([["early", "early 0"], "early"]);
    expect(await actor.ask.recent()).toEqual(["early", "early 0", "now"]);
  });

  for (const isStored of [false, true]) {
    for (const verb of ["tell", "ask"] as const) {
      const when = isStored ? "and nobody heard that it was" : "and it was not";
      test(`${name}: what a committed turn leaves (by ${verb}) is written once, though the worker died ${when}`, async () => {
        await using stage = await Stage.open(open);
        const { ports, held } = heldMemory(stage, isStored);
        const first = await stage.worker([clerk], ports);
        const client = await stage.client();
        const actor = client.actor(clerk, "c");
        await actor[verb].note({ text: "x", times: 3 });
        await held;
        expect((await actor.get())?.state.heard).toBe(1);
        await first.close();
        const second = await stage.worker([clerk]);
        // Nobody calls the actor: whoever takes over writes what it has left.
        expect(textsOf(await entriesOf(client, own("c"), 4))).toEqual(["x", "x 0", "x 1", "x 2"]);
        expect(textsOf(await entriesOf(client, team, 1))).toEqual(["c: x"]);
        await actor.ask.note({ text: "y" });
        expect(textsOf(await entriesOf(client, own("c"), 6))).toEqual(["x", "x 0", "x 1", "x 2", "y", "y 0"]);
        await second.drain();
        const memory = new AgentMemory(await storesOf(client));
        expect((await memory.facts([team], ["notes"], [])).get("notes")?.value).toBe(2);
      });
    }
  }

  test(`${name}: a turn that was not committed leaves nothing when its worker dies, and is logged once when it is run again`, async () => {
    await using stage = await Stage.open(open);
    const gates = [new Gate(), new Gate()];
    let runs = 0;
    const slow = defineActor(
      "clerk",
      { state: stateSchema, initial, memory: {} },
      {
        work: handler(z.string(), async (ctx, text) => {
          const gate = gates[runs];
          runs += 1;
          ctx.memory.append({ text: `working on ${text}` });
          await gate?.pass();
          ctx.state.heard += 1;
        }),
      },
    );
    const { worker, client } = await stage.both([slow]);
    const actor = client.actor(slow, "c");
    await actor.tell.work("it");
    await gates[0]?.reached;
    await worker.close();
    expect(await new AgentMemory(await storesOf(client)).last(own("c"), 10, [])).toEqual([]);
    await stage.worker([slow]);
    await gates[1]?.reached;
    gates[1]?.open();
    await committedState(actor, ({ heard }) => heard === 1);
    expect(textsOf(await entriesOf(client, own("c"), 2))).toEqual(["it", "working on it"]);
    expect(runs).toBe(2);
  });

  test(`${name}: what was formed before its scope was erased is not written any more, and what comes after is (M2)`, async () => {
    await using stage = await Stage.open(open);
    const { ports, held } = heldMemory(stage, false);
    const first = await stage.worker([clerk], ports);
    const client = await stage.client();
    const actor = client.actor(clerk, "c");
    await actor.tell.hear("to be forgotten");
    await held;
    await first.close();
    const stores = await storesOf(client);
    for (const store of [stores.entries, stores.facts]) {
      await changeHead(store, own("c"), stores.clock, (head) => ({ ...head, era: head.era + 1 }));
    }
    const second = await stage.worker([clerk]);
    const refused = eventsOf(second, "memory-refused");
    await actor.ask.hear("new");
    expect(textsOf(await entriesOf(client, own("c"), 2))).toEqual(["new", "heard new"]);
    expect(refused.length <= 1 && refused.every(({ code }) => code === "SCOPE_ERASED")).toBe(true);
  });

  test(`${name}: an erasure while an agent works leaves nothing of what was before, for its windows and recall too, and takes nothing of what comes after`, async () => {
    await using stage = await Stage.open(open);
    const bringing = clerkWith({ bring: { window: { tokens: 500 }, recall: { k: 5 }, facts: true } });
    const { client } = await stage.both([bringing]);
    const stores = await storesOf(client);
    const actor = client.actor(bringing, "c");
    await actor.ask.hear("the secret is a parrot");
    await actor.ask.note({ text: "parrot" });
    expect((await actor.ask.show("Which parrot?")).window).toContain("the secret is a parrot");
    const working = upTo(20).map((n) => actor.ask.hear(`during ${n}`));
    await eraseScope(stores, own("c"));
    await Promise.all(working);
    const { window, recalled, last } = await actor.ask.show("Which parrot?");
    expect([...window, ...recalled].filter((text) => text.includes("secret"))).toEqual([]);
    expect(last).toBeNull();
    await actor.ask.hear("after it");
    const texts = textsOf(await untilLast(client, own("c"), "heard after it"));
    expect(texts.filter((text) => text.includes("secret"))).toEqual([]);
    // Of each turn that was under way all is there, or nothing.
    for (const n of upTo(20)) {
      expect(texts.includes(`during ${n}`), `during ${n}`).toBe(texts.includes(`heard during ${n}`));
    }
  });

  test(`${name}: what is refused for good is let go and said, and what comes behind it is written (M3)`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both([clerk]);
    const refused = eventOf(worker, "memory-refused");
    const written = eventOf(worker, "remembered", ({ id }) => id.endsWith("last"));
    void written.catch(() => undefined);
    const actor = client.actor(clerk, "c");
    await actor.tell.spoil();
    expect(await refused).toMatchObject({ code: "FACT_INVALID", scope: "agent.clerk.c" });
    await actor.ask.hear("on");
    await entriesOf(client, own("c"), 3);
    const facts = await new AgentMemory(await storesOf(client)).facts([own("c")], true, []);
    expect([...facts.values()].map(({ name: fact, value }) => [fact, value])).toEqual([
      ["last", "after it"],
      ["notes", "no number"],
    ]);
  });

  test(`${name}: agents that write to one scope at the same time lose nothing, and each keeps its order`, async () => {
    await using stage = await Stage.open(open);
    const { client } = await stage.both([clerk]);
    await stage.worker([clerk]);
    const ids = upTo(8).map((n) => `c${n}`);
    await Promise.all(ids.flatMap((id) => upTo(10).map((n) => client.actor(clerk, id).tell.note({ text: String(n) }))));
    const texts = textsOf(await entriesOf(client, team, 80));
    for (const id of ids) {
      expect(texts.filter((text) => text.startsWith(`${id}:`))).toEqual(upTo(10).map((n) => `${id}: ${n}`));
    }
    await Promise.all(ids.map((id) => entriesOf(client, own(id), 20)));
    const memory = new AgentMemory(await storesOf(client));
    const notes = async () => (await memory.facts([team], ["notes"], [])).get("notes")?.value;
    for (const id of ids) await client.actor(clerk, id).ask.note({ text: "last" });
    await entriesOf(client, team, 88);
    expect(await notes()).toBeGreaterThanOrEqual(80);
  });
}
