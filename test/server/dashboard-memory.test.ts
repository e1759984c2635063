// The dashboard's figures of the memory against what the server holds, counted here in another way.

import { expect, test } from "vitest";
import type { ContextStore } from "../../src/memory/context-store.ts";
import { placeOf } from "../../src/memory/memory-keys.ts";
import { scopeKey } from "../../src/memory/scope.ts";
import type {
  FactHistoryView,
  FactsView,
  LogView,
  MemoryView,
  RecallView,
  RetentionView,
  ScopeRow,
} from "../../src/monitoring/dashboard/api/memory.ts";
import type { Page } from "../../src/monitoring/dashboard/api/page.ts";
import { openInspector } from "../../src/runtime/inspect.ts";
import { eventually } from "../contract/mail-support.ts";
import { eventOf } from "../contract/runtime-support.ts";
import { DashboardStage } from "../support/dashboard-stage.ts";

const anna = { user: "anna" };
const chat = { user: "anna", session: "s1" };
const desk = { agent: { type: "desk", id: "ü/1" } };

interface Sum {
  entries: number;
  facts: number;
  bytes: number;
}

/** Read anew from the store: entries and facts by the memory's own reading, bytes by the values that a listing finds. */
async function truth(memory: ContextStore): Promise<Readonly<Record<string, Sum>>> {
  const found: Record<string, Sum> = {};
  for (const store of [memory.stores.entries, memory.stores.facts]) {
    for (const { key, value } of (await store.getMany(await store.list(">"))).values()) {
      const { scope } = placeOf(key) ?? {};
      if (scope === undefined || value.length === 0) continue;
      sumOf(found, scopeKey(scope)).bytes += value.length;
    }
  }
  const { scopes } = await memory.scopes(undefined, { limit: 10_000 });
  for (const scope of scopes) {
    const sum = sumOf(found, scopeKey(scope));
    const entries = await memory.log(scope).read({}).toArray();
    sum.entries = entries.filter(({ key }) => key.startsWith(`${scopeKey(scope)}.log.`)).length;
    sum.facts = (await memory.facts(scope).list({ limit: 500 })).facts.length;
  }
  return Object.fromEntries(Object.entries(found).filter(([, { entries, facts }]) => entries + facts > 0));
}

function sumOf(found: Record<string, Sum>, scope: string): Sum {
  found[scope] ??= { entries: 0, facts: 0, bytes: 0 };
  return found[scope];
}

async function shown(ground: DashboardStage): Promise<Readonly<Record<string, Sum>>> {
  const found: Record<string, Sum> = {};
  let cursor = "";
  do {
    const query = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page: Page<ScopeRow> = await ground.read(`/api/memory/scopes?limit=2${query}`);
    for (const { scope, kind, changedAtMs, ...sum } of page.rows) {
      expect([typeof kind, typeof changedAtMs]).toEqual(["string", "number"]);
      found[scope] = sum;
    }
    cursor = page.cursor ?? "";
  } while (cursor !== "");
  return found;
}

/** Waits until the page shows what is true. */
async function showsTheTruth(ground: DashboardStage, memory: ContextStore): Promise<void> {
  const wanted = await truth(memory);
  let last: unknown;
  await eventually("the dashboard shows what the server holds", async () => {
    last = await shown(ground);
    return JSON.stringify(sorted(last as object)) === JSON.stringify(sorted(wanted)) || undefined;
  }).catch(() => expect(last).toEqual(wanted));
}

/** What the page shows when all that stands has been read. */
function wholeMemory(ground: DashboardStage): Promise<MemoryView> {
  return eventually("all has been read", async () => {
    const view = await ground.read<MemoryView>("/api/memory");
    return view.isComplete ? view : undefined;
  });
}

const sorted = (record: object) => Object.entries(record).toSorted(([one], [other]) => (one < other ? -1 : 1));

test("T1, M1: sums of scopes are what the server holds, of what stood and after every kind of change", async () => {
  await using ground = await DashboardStage.open();
  const memory = await ground.client.memory();
  const log = memory.log(chat);
  await Promise.all(Array.from({ length: 40 }, (_, at) => log.append({ text: `word ${at}` })));
  await log.append([{ text: "one" }, { text: "two" }, { text: "three" }]);
  await memory.log(desk).append({ text: "ünï", pinned: true });
  for (let at = 0; at < 12; at += 1) await memory.facts(anna).set(`fact.${at}`, { at });
  await ground.look();
  await showsTheTruth(ground, memory);
  const [last] = await log.read({ last: 1 }).toArray();
  await log.truncate({ after: (last?.position ?? 0) - 1 });
  await log.truncate({ before: 1_003 });
  await memory.facts(anna).set("fact.3", "longer than before, and written twice");
  await memory.facts(anna).delete("fact.4", { by: "a person" });
  await memory.facts(anna).delete("fact.5");
  await log.fork({ user: "bo" });
  await memory.log({ user: "bo" }).append({ text: "of the fork alone" });
  await showsTheTruth(ground, memory);
  await memory.erase(anna, { under: true });
  await showsTheTruth(ground, memory);
  await memory.log({ shared: "all" }).append({ text: "goes on" });
  const isBack = eventOf(ground.client, "connection-restored");
  await ground.server.kill9();
  await ground.server.restart();
  await isBack;
  await memory.log({ shared: "all" }).append({ text: "after the server's death" });
  await showsTheTruth(ground, memory);
  const wanted = await truth(memory);
  // The other bucket may still be read anew.
  const view = await wholeMemory(ground);
  const byKind = Object.fromEntries(view.kinds.map(({ kind, scopes, entries }) => [kind, [scopes, entries]]));
  expect(byKind).toEqual({ agent: [1, 1], user: [1, wanted["user.bo"]?.entries], shared: [1, 2] });
});

test("streams are shown as STREAM.INFO has them, and the hottest keys with as many writes as they had", async () => {
  await using ground = await DashboardStage.open();
  const memory = await ground.client.memory();
  await memory.facts(anna).set("before", 0);
  await ground.look();
  await showsTheTruth(ground, memory);
  for (let at = 0; at < 30; at += 1) await memory.facts(anna).set("often", at);
  for (let at = 0; at < 7; at += 1) await memory.facts(anna).set("seldom", at);
  await using inspector = await openInspector({ nats: { servers: ground.server.url }, app: "desk" });
  const view = await eventually("the streams are looked at again", async () => {
    const seen = await ground.read<MemoryView>("/api/memory");
    const facts = seen.streams.find(({ role }) => role === "facts");
    const now = (await inspector.app())?.streams.find(({ role }) => role === "facts");
    const isSame = facts?.bytes === now?.bytes && facts?.messages === now?.messages;
    return isSame && seen.hottest.some(({ writesPerMinute }) => writesPerMinute === 7) ? seen : undefined;
  });
  const inFacts = view.hottest.filter(({ bucket }) => bucket === "facts");
  expect(inFacts.map(({ key, writesPerMinute }) => [key, writesPerMinute])).toEqual([
    ["user.anna.fact.often", 30],
    ["user.anna.fact.seldom", 7],
  ]);
  const app = await inspector.app();
  const named = Object.fromEntries(view.streams.map(({ role, name, bytesMax }) => [role, [name, bytesMax]]));
  expect(named).toEqual(Object.fromEntries((app?.streams ?? []).map(({ role, name }) => [role, [name, null]])));
});

test("a log is read in windows backwards, each entry once; facts come with their history", async () => {
  await using ground = await DashboardStage.open();
  const memory = await ground.client.memory();
  const log = memory.log(chat);
  for (let at = 0; at < 11; at += 1) await log.append({ text: `word ${at}`, speaker: "Anna", role: "user" });
  await memory.facts(anna).set("city", "Oslo", { by: "desk/d1" });
  await memory.facts(anna).set("city", "Bergen");
  await memory.facts(anna).delete("city", { by: "a person" });
  await memory.facts(anna).set("city", "Tromsø");
  await ground.look();
  const windows: LogView[] = [];
  for (let before: string | null = ""; before !== null; before = windows.at(-1)?.before ?? null) {
    const query = before === "" ? "" : `&before=${before}`;
    windows.push(await ground.read<LogView>(`/api/memory/log?scope=user.anna.session.s1&limit=4${query}`));
  }
  expect(windows.map(({ entries }) => entries.length)).toEqual([4, 4, 3]);
  const texts = windows.toReversed().flatMap(({ entries }) => entries.map(({ text }) => text));
  expect(texts).toEqual(Array.from({ length: 11 }, (_, at) => `word ${at}`));
  const { facts } = await ground.read<FactsView>("/api/memory/facts?scope=user.anna");
  expect(facts).toMatchObject([{ name: "city", value: "Tromsø", by: null }]);
  const { versions } = await ground.read<FactHistoryView>("/api/memory/facts/history?scope=user.anna&name=city");
  expect(versions.map(({ value, by, isDeleted }) => [value, by, isDeleted])).toEqual([
    ["Oslo", "desk/d1", false],
    ["Bergen", null, false],
    [null, "a person", true],
    ["Tromsø", null, false],
  ]);
});

test("recall ranks as the memory does, each hit with the words that it was found by; retention says what goes and why", async () => {
  await using ground = await DashboardStage.open();
  const memory = await ground.client.memory();
  const log = memory.log(chat);
  for (const text of ["the flight to Oslo leaves on Monday", "tea is nice", "Oslo is cold, and dark in winter"]) {
    await log.append({ text, speaker: "Anna" });
  }
  await memory.setRetention(chat, { entriesMax: 1 });
  await ground.look();
  const direct = await memory.recall("when does the flight to Oslo leave?", { scopes: chat, k: 5 });
  const query = encodeURIComponent("when does the flight to Oslo leave?");
  const view = await ground.read<RecallView>(`/api/memory/recall?scope=user.anna.session.s1&q=${query}&k=5`);
  expect(view.hits.map(({ text, score }) => [text, score])).toEqual(
    direct.hits.map(({ document, score }) => [document.text, score]),
  );
  expect(view.hits[0]?.why.map(({ word }) => word)).toEqual(expect.arrayContaining(["flight", "Oslo"]));
  expect(view.hits[0]?.also).toContain("by its words in place 1");
  const planned = await eventually("the scope is known", async () => {
    const { scopes } = await ground.read<RetentionView>("/api/memory/retention");
    return scopes.length > 0 ? scopes : undefined;
  });
  expect(planned).toMatchObject([{ scope: "user.anna.session.s1", entries: 2, reason: "2 beyond the last 1" }]);
  expect(await log.read({}).toArray()).toHaveLength(3);
});

test("B2, P10: looking makes no bucket, and what cannot be is refused with the value and what it takes", async () => {
  await using ground = await DashboardStage.open();
  await ground.look();
  expect(await wholeMemory(ground)).toMatchObject({ kinds: [], hottest: [] });
  expect(await ground.read("/api/memory/scopes")).toEqual({ rows: [], cursor: null, total: 0 });
  expect(await ground.read("/api/memory/retention")).toMatchObject({ scopes: [] });
  expect((await ground.get("/api/memory/log?scope=user.anna")).status).toBe(404);
  for (const [path, code, value] of [
    ["/api/memory/log?scope=anna", "SCOPE_INVALID", "anna"],
    ["/api/memory/log", "OPTION_INVALID", "scope"],
    ["/api/memory/scopes?sort=size", "OPTION_INVALID", "size"],
    ["/api/memory/scopes?limit=0", "OPTION_INVALID", "0"],
    ["/api/memory/scopes?cursor=x", "OPTION_INVALID", "x"],
    ["/api/memory/log?scope=user.anna&before=-1", "OPTION_INVALID", "-1"],
    ["/api/memory/recall?scope=user.anna", "OPTION_INVALID", "q"],
  ] as const) {
    const { status, body } = await ground.get<{ code: string; message: string; remedy: string }>(path);
    expect([status, body.code], path).toEqual([400, code]);
    expect(body.message).toContain(value);
    expect(body.remedy).not.toBe("");
  }
  await using inspector = await openInspector({ nats: { servers: ground.server.url }, app: "desk" });
  const roles = (await inspector.app())?.streams.map(({ role }) => role);
  expect(roles).toEqual(["mail", "state", "cluster", "dead"]);
});
