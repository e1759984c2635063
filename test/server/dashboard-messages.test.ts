// Messages on the dashboard: what was given up on, the ways out, the end of a worker, and what happens as it happens.

import { expect, test, vi } from "vitest";
import { z } from "zod";
import { defineActor, handler } from "../../src/actors/definition.ts";
import type { EventStream, RuntimeEvent } from "../../src/core/events.ts";
import { defineState } from "../../src/memory/state-model.ts";
import type { MemoryView } from "../../src/monitoring/dashboard/api/memory.ts";
import type { DeadRow, FeedItem } from "../../src/monitoring/dashboard/api/messages.ts";
import type { NowView } from "../../src/monitoring/dashboard/api/now.ts";
import type { Page } from "../../src/monitoring/dashboard/api/page.ts";
import { dropDeadLetter, readDeadLetters } from "../../src/runtime/dead-letters.ts";
import { openInspector } from "../../src/runtime/inspect.ts";
import type { Worker } from "../../src/runtime/worker.ts";
import { eventually, within } from "../contract/mail-support.ts";
import { committedState, eventOf } from "../contract/runtime-support.ts";
import { LiveReader } from "../support/dashboard-ground.ts";
import { DashboardStage } from "../support/dashboard-stage.ts";

/** A desk that takes no bad cases as long as it is not mended. */
function deskOf(mended: { is: boolean }) {
  return defineActor(
    "desk",
    { state: z.object({ cases: z.array(z.string()) }), initial: { cases: [] }, retry: { attempts: 1 } },
    {
      take: handler(z.string(), (ctx, text) => {
        if (text.startsWith("bad") && !mended.is) throw new Error(`no ${text}`);
        ctx.state.cases.push(text);
      }),
    },
  );
}

const bell = defineActor(
  "bell",
  { state: z.object({ rings: z.number() }), initial: { rings: 0 } },
  {
    ring: handler((ctx) => {
      ctx.state.rings += 1;
    }),
  },
);

const rows = (stage: DashboardStage, query = "") => stage.read<Page<DeadRow>>(`/api/dead${query}`);

/** Four letters: three of a handler that fails, one of an argument that its schema refuses. */
async function bury(stage: DashboardStage, worker: Worker, desk: ReturnType<typeof deskOf>): Promise<void> {
  const refused = eventOf(worker, "dead-lettered", ({ code }) => code === "INPUT_INVALID");
  for (const [id, text] of [
    ["d1", "bad 1"],
    ["d2", "bad 2"],
    ["d1", "bad 3"],
  ] as const) {
    const gone = eventOf(worker, "dead-lettered", ({ actor, code }) => actor.id === id && code === "HANDLER_FAILED");
    await stage.client.actor(desk, id).tell.take(text);
    await gone;
  }
  await stage.client.untyped("desk", "d3").tell("take", 7);
  await refused;
}

test("dead letters are listed newest first, filtered and counted as they lie there, also when others take some out", async () => {
  await using stage = await DashboardStage.open();
  const desk = deskOf({ is: false });
  await bury(stage, await stage.worker([desk, bell]), desk);
  await stage.look();
  await using inspector = await openInspector({ nats: { servers: stage.server.url }, app: "desk" });
  const all = await readDeadLetters(inspector, 1, 100);
  expect(all).toHaveLength(4);
  const first = await rows(stage, "?limit=3");
  const second = await rows(stage, `?limit=3&cursor=${first.cursor}`);
  expect([first.total, second.total, second.cursor]).toEqual([4, 4, null]);
  const shown = [...first.rows, ...second.rows];
  expect(shown.map(({ sequence }) => sequence)).toEqual(all.map(({ sequence }) => sequence).toReversed());
  expect(shown.map(({ id, code, input, attempts }) => [id, code, input, attempts])).toEqual([
    ["d3", "INPUT_INVALID", "7", 1],
    ["d1", "HANDLER_FAILED", '"bad 3"', 1],
    ["d2", "HANDLER_FAILED", '"bad 2"', 1],
    ["d1", "HANDLER_FAILED", '"bad 1"', 1],
  ]);
  expect(shown[1]?.reason).toContain("no bad 3");
  expect(await rows(stage, "?code=INPUT_INVALID")).toMatchObject({ total: 1, rows: [{ id: "d3" }] });
  expect(await rows(stage, "?type=bell")).toEqual({ rows: [], cursor: null, total: 0 });
  await dropDeadLetter(inspector, all[1]?.sequence ?? 0);
  const left = await rows(stage);
  expect([left.total, left.rows.map(({ id }) => id)]).toEqual([3, ["d3", "d1", "d1"]]);
});

test("a letter is sent again, or dropped, by whoever has the token, once; nobody else changes anything", async () => {
  await using stage = await DashboardStage.open();
  const mended = { is: false };
  const desk = deskOf(mended);
  await bury(stage, await stage.worker([desk]), desk);
  await stage.look();
  const { rows: letters } = await rows(stage);
  const [refused, third, , first] = letters.map(({ sequence }) => sequence);
  for (const verb of ["replay", "drop"]) {
    expect((await stage.post(`/api/dead/${first}/${verb}`, undefined, "")).status).toBe(401);
    expect((await stage.post(`/api/dead/${first}/${verb}`, undefined, "a-token-of-the-test")).status).toBe(401);
  }
  expect((await rows(stage)).total).toBe(4);
  mended.is = true;
  expect(await stage.post(`/api/dead/${first}/replay`)).toMatchObject({ status: 200 });
  expect(await committedState(stage.client.actor(desk, "d1"), ({ cases }) => cases.length > 0)).toEqual({
    cases: ["bad 1"],
  });
  expect(await stage.post(`/api/dead/${refused}/drop`)).toMatchObject({ status: 200 });
  expect((await rows(stage)).rows.map(({ sequence }) => sequence)).toEqual([third, letters[2]?.sequence]);
  for (const [path, status, code] of [
    [`/api/dead/${first}/replay`, 404, "NOT_FOUND"],
    [`/api/dead/${refused}/drop`, 404, "NOT_FOUND"],
    ["/api/dead/x/drop", 400, "OPTION_INVALID"],
    ["/api/dead/0/replay", 400, "OPTION_INVALID"],
  ] as const) {
    expect(await stage.post(path)).toMatchObject({ status, body: { code } });
  }
  const acted = stage.logged.filter(({ text }) => text === "done from the dashboard");
  expect(acted.map(({ fields: { action, on } }) => [action, on])).toEqual([
    ["replay", `dead letter ${first}`],
    ["drop", `dead letter ${refused}`],
  ]);
});

test("a worker drains when it is told to with the token, and not without; one that is not there is said not to be", async () => {
  await using stage = await DashboardStage.open();
  const [one, other] = [await stage.worker([bell]), await stage.worker([bell])];
  await stage.look();
  let hasEnded = false;
  void one.ended.then(() => {
    hasEnded = true;
  });
  expect((await stage.post(`/api/workers/${one.id}/drain`, undefined, "")).status).toBe(401);
  await stage.client.actor(bell, "b").ask.ring();
  expect(hasEnded).toBe(false);
  expect(await stage.post(`/api/workers/${one.id}/drain`)).toMatchObject({ status: 200 });
  await within("the worker ends", one.ended);
  await stage.client.actor(bell, "b").ask.ring();
  expect((await stage.client.actor(bell, "b").get())?.state.rings).toBe(2);
  for (const id of ["none", one.id, "*", "a.b"]) {
    expect(await stage.post(`/api/workers/${encodeURIComponent(id)}/drain`)).toMatchObject({ status: 404 });
  }
  expect(other.activations).toBeGreaterThan(0);
});

test("the feed tells what happens in the workers, of one type when that is asked for, and what must be known is among it", async () => {
  await using stage = await DashboardStage.open();
  const desk = deskOf({ is: false });
  const worker = await stage.worker([desk, bell]);
  await stage.look();
  await using all = new LiveReader(stage.url, "feed");
  await using bells = new LiveReader(stage.url, "feed", "bell.*");
  const ring = () => stage.client.actor(bell, "b").ask.ring();
  // The worker hears of the wish a moment later.
  await eventually("the feeds are open", async () => {
    await ring();
    const isOpen = [all, bells].every(({ events }) => events.some(({ topic }) => topic === "feed"));
    return isOpen || undefined;
  });
  await stage.client.actor(desk, "d1").tell.take("bad 1");
  const { items } = await all.next("feed", (feed) => feed.items.some(({ kind }) => kind === "dead-lettered"));
  expect(items.find(({ kind }) => kind === "dead-lettered")).toMatchObject({
    ...{ worker: worker.id, actor: "desk/d1", method: "take", code: "HANDLER_FAILED", level: "error" },
  });
  await ring();
  await bells.next("feed", (feed) => feed.items.some(({ kind }) => kind === "turn-ended"));
  const seen = bells.events.flatMap((event) => (event.topic === "feed" ? event.data.items : []));
  expect([...new Set(seen.map(({ actor }) => actor))]).toEqual(["bell/b"]);
});

test("who asks for failures sees the one among 10,000 events a second; in a sample of everything it would be lost", async () => {
  await using stage = await DashboardStage.open();
  const desk = deskOf({ is: false });
  const worker = await stage.worker([desk, bell]);
  await stage.look();
  await using all = new LiveReader(stage.url, "feed", ">");
  await using urgent = new LiveReader(stage.url, "feed", undefined, { level: "warn" });
  await using kind = new LiveReader(stage.url, "feed", undefined, { kind: "dead-lettered", method: "take" });
  const readers = [all, urgent, kind];
  const failedIn = ({ events }: LiveReader) =>
    events.flatMap((event) => (event.topic === "feed" ? event.data.items : [])).filter(({ code }) => code !== null);
  // Each wish has reached the worker when each reader has seen one. Not in a rush: of hundreds not all would fit into a batch.
  const areOpen = async () => {
    await stage.client.actor(desk, "d0").tell.take("bad 0");
    expect(readers.map((reader) => failedIn(reader).length > 0)).toEqual([true, true, true]);
  };
  await vi.waitFor(areOpen, { timeout: 20_000, interval: 250 });
  // Ten thousand a second, a tenth of them at the beginning of each tenth, and behind them what is looked for.
  const events = worker.events as EventStream;
  const busy: RuntimeEvent = {
    ...{ kind: "turn-ended", actor: { type: "desk", id: "busy" }, method: "take", turn: "ask" },
    ...{ messageId: "m", durationMs: 1 },
  };
  const flood = setInterval(() => {
    for (let nth = 0; nth < 1_000; nth += 1) events.emit(busy);
  }, 100);
  try {
    const flooded = ({ skipped }: { readonly skipped: number }) => skipped > 2_000;
    await all.next("feed", flooded);
    for (let nth = 0; nth < 10; nth += 1) {
      for (let more = 0; more < 200; more += 1) events.emit(busy);
      await stage.client
        .actor(desk, "asked")
        .ask.take(`bad ${nth}`)
        .catch(() => undefined);
    }
    const isAsked = ({ actor, kind: what }: FeedItem) => actor === "desk/asked" && what === "turn-ended";
    const { items } = await urgent.next("feed", (feed) => feed.items.some(isAsked));
    expect(items.find(isAsked)).toMatchObject({ level: "warn", code: "HANDLER_FAILED", method: "take" });
    await all.next("feed", flooded);
    // All ten are there.
    await eventually("all of them", async () => failedIn(urgent).filter(isAsked).length === 10 || undefined);
    expect(urgent.events.every((event) => event.topic !== "feed" || event.data.skipped === 0)).toBe(true);
    await stage.client.actor(desk, "told").tell.take("bad again");
    await kind.next("feed", (feed) => feed.items.some(({ actor }) => actor === "desk/told"));
    const kinds = kind.events.flatMap((event) => (event.topic === "feed" ? event.data.items : []));
    expect(new Set(kinds.map(({ kind: what }) => what))).toEqual(new Set(["dead-lettered"]));
  } finally {
    clearInterval(flood);
  }
});

const shared = defineState("shared", {
  schema: z.object({ count: z.number() }),
  initial: "open",
  transitions: { open: {} },
});

test("lost races of the workers stand in the map of conflicts, as many as their own figures count", async () => {
  await using stage = await DashboardStage.open();
  const workers = [await stage.worker([bell]), await stage.worker([bell])];
  await stage.look();
  // What a worker has counted before it was first asked is not told.
  await eventually("what both do is known", async () => {
    const { workers: rows } = await stage.read<NowView>("/api/now");
    return (rows.length === 2 && rows.every(({ turnsPerS }) => turnsPerS !== null)) || undefined;
  });
  const stores = await Promise.all(workers.map(async (worker) => (await worker.states()).of(shared)));
  await stores[0]?.create("one", { count: 0 });
  for (let round = 0; round < 20; round += 1) {
    await Promise.all(stores.map((states) => states.update("one", ({ count }) => ({ count: count + 1 }))));
  }
  const counted = workers.reduce((sum, worker) => {
    const series = worker
      .figures()
      .series.filter(({ name, labels }) => name === "troupe.conflicts" && labels.of === "shared");
    return sum + series.reduce((all, each) => all + ("value" in each ? each.value : 0), 0);
  }, 0);
  expect(counted).toBeGreaterThan(0);
  const row = await eventually("the map has them all", async () => {
    const { conflicts } = await stage.read<MemoryView>("/api/memory");
    const found = conflicts.rows.find(({ what }) => what === "central shared");
    return (found?.counts.reduce((sum, count) => sum + count) ?? 0) >= counted ? found : undefined;
  });
  expect(row.counts.reduce((sum, count) => sum + count)).toBe(counted);
});
