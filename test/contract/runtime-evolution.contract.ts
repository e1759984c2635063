// States that older code has written, met by newer code and the other way round; and activations beyond their bound.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import { replaceState } from "../../src/actors/snapshot.ts";
import type { Change } from "../../src/runtime/changes.ts";
import { readCommitted } from "../../src/runtime/changes.ts";
import type { Troupe } from "../../src/runtime/client.ts";
import { migrateStates } from "../../src/runtime/migration.ts";
import { within } from "./mail-support.ts";
import { counter } from "./runtime-actors.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import { committedState, eventOf, eventsOf, Gate, lastRejection, Stage } from "./runtime-support.ts";

interface FirstState {
  readonly count: number;
}

/** As it was at first. */
const first = defineActor(
  "meter",
  { state: z.object({ count: z.number() }), initial: { count: 0 } },
  {
    add: handler(z.number(), (ctx, n) => {
      ctx.state.count += n;
      ctx.actor(counter, `of-${ctx.self.id}`).tell.see(ctx.state.count);
      return ctx.state.count;
    }),
    total: query((ctx) => ctx.state.count),
  },
);

/** The same, two schema numbers later. `fails`: its second upcaster throws. */
const laterMeter = (fails = () => false) =>
  defineActor(
    "meter",
    {
      state: z.object({ sum: z.number(), unit: z.string() }),
      initial: { sum: 0, unit: "" },
      schema: 3,
      upcasters: {
        1: ({ count }: FirstState) => ({ sum: count }),
        2: (state: { readonly sum: number }) => {
          if (fails()) throw new RangeError("no unit");
          return { ...state, unit: "W" };
        },
      },
    },
    {
      add: handler(z.number(), (ctx, n) => {
        ctx.state.sum += n;
        ctx.actor(counter, `of-${ctx.self.id}`).tell.see(ctx.state.sum);
        return ctx.state.sum;
      }),
      total: query((ctx) => ctx.state.sum),
      all: query((ctx) => ctx.state),
    },
  );
const later = laterMeter();

const storedOf = async (client: Troupe, key: string) => {
  const entry = await client.ports.state.get(key);
  return { text: Buffer.from(entry?.value ?? []).toString(), revision: entry?.revision };
};
const migrate = ({ ports }: Troupe, isCheck: boolean, actors = [later]) =>
  migrateStates({ state: ports.state, clock: ports.clock, actors, isCheck });

/** Writes the state as the first code would have, if nobody else writes meanwhile. */
async function writeAsOld({ ports }: Troupe, key: string): Promise<void> {
  const entry = await ports.state.get(key);
  if (entry === undefined) return;
  const { state } = readCommitted(entry, later) as { state: { sum: number } };
  await ports.state.update(
    key,
    replaceState(entry.value, { count: state.sum }, 1, ports.clock.uniqueId()),
    entry.revision,
  );
}

/** Meters as the first code has left them. */
async function withFirstStates(stage: Stage, ids: readonly string[]): Promise<Troupe> {
  const { worker, client } = await stage.both([first, counter]);
  await Promise.all(ids.map((id, at) => client.actor(first, id).ask.add(at + 1)));
  await allTold(client, ids);
  await worker.drain();
  return client;
}

/** Resolves when what the meters have told has had its effect: a drain leaves what it has not begun to the next worker. */
async function allTold(client: Troupe, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map((id) => committedState(client.actor(counter, `of-${id}`), ({ seen }) => seen.length > 0)));
}

export function runtimeEvolutionContract(name: string, open: OpenRuntime): void {
  test(`${name}: E1, E2: an old state is read as today's, by reading alone nothing is written, and the next commit has today's number`, async () => {
    await using stage = await Stage.open(open);
    const client = await withFirstStates(stage, ["m"]);
    const before = await storedOf(client, "meter.m");
    expect(before.text).toMatch(/"schema":1,/);
    await stage.worker([later, counter]);
    const meter = client.actor(later, "m");
    expect(await meter.ask.all()).toEqual({ sum: 1, unit: "W" });
    expect(await storedOf(client, "meter.m")).toEqual(before);
    expect(await meter.get()).toMatchObject({ state: { sum: 1, unit: "W" }, schema: 1 });
    expect(await client.untyped("meter", "m").get()).toMatchObject({ state: { count: 1 }, schema: 1 });
    await meter.tell.add(4);
    await committedState(meter, ({ sum }) => sum === 5);
    expect(await meter.get()).toMatchObject({ state: { sum: 5, unit: "W" }, schema: 3 });
    await client.actor(later, "new").ask.add(1);
    expect(await client.actor(later, "new").get()).toMatchObject({ state: { sum: 1, unit: "" }, schema: 3 });
  });

  test(`${name}: E1: a typed history and watch show old states as today's, an untyped one what is stored`, async () => {
    await using stage = await Stage.open(open);
    const client = await withFirstStates(stage, ["m"]);
    await stage.worker([later, counter]);
    expect(await committedState(client.actor(later, "m"), () => true)).toEqual({ sum: 1, unit: "W" });
    await client.actor(later, "m").ask.add(1);
    const brief = (changes: readonly Change<unknown>[]) =>
      changes.map((change) => (change.kind === "committed" ? [change.schema, change.state] : change.kind));
    const [old, today] = [
      { sum: 1, unit: "W" },
      { sum: 2, unit: "W" },
    ];
    const typed = await client.actor(later, "m").history();
    expect(brief(typed)).toEqual([
      [1, old],
      [3, today],
    ]);
    expect(typed[1]).toMatchObject({ patch: [{ op: "replace", path: "/sum", value: 2 }] });
    expect(brief(await client.untyped("meter", "m").history())).toEqual([
      [1, { count: 1 }],
      [3, today],
    ]);
    // Older code does not guess what newer code has written.
    expect(brief(await client.actor(first, "m").history())).toEqual([[1, { count: 1 }], "unreadable"]);
    await expect(client.actor(first, "m").get()).rejects.toMatchObject({ code: "STATE_TOO_NEW" });
  });

  test(`${name}: E3: an upcaster that throws refuses the actor's asks, keeps its mail with the reason, and nothing is lost when it is corrected`, async () => {
    await using stage = await Stage.open(open);
    const client = await withFirstStates(stage, ["m"]);
    let isBroken = true;
    const definition = laterMeter(() => isBroken);
    const worker = await stage.worker([definition, counter]);
    const meter = client.actor(definition, "m");
    await expect(meter.ask.add(1)).rejects.toMatchObject({
      code: "UPCAST_FAILED",
      message: expect.stringContaining("meter.m could not be led from schema 2 to 3: no unit"),
    });
    await expect(meter.get()).rejects.toMatchObject({ code: "UPCAST_FAILED" });
    const buried = eventOf(worker, "dead-lettered");
    await meter.tell.add(1);
    expect(await buried).toMatchObject({ code: "UPCAST_FAILED", actor: { type: "meter", id: "m" } });
    isBroken = false;
    expect(await meter.ask.add(1)).toBe(2);
  });

  test(`${name}: E3: a state newer than the code is refused, and is as it was`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both([later, counter]);
    await client.actor(later, "m").ask.add(1);
    await worker.drain();
    const before = await storedOf(client, "meter.m");
    await stage.worker([first, counter]);
    await lastRejection(() => client.actor(first, "m").ask.add(1, { timeoutMs: 2_000 }), "STATE_TOO_NEW");
    expect(await storedOf(client, "meter.m")).toEqual(before);
  });

  test(`${name}: workers with older and newer code live side by side: what newer code has written moves to it, and nothing is lost`, async () => {
    await using stage = await Stage.open(open);
    const ids = Array.from({ length: 12 }, (_, at) => `m${at}`);
    const client = await withFirstStates(stage, ids);
    const newer = await stage.worker([later, counter]);
    await Promise.all(ids.map((id) => client.actor(later, id).ask.add(1)));
    const older = await stage.worker([first, counter]);
    const buried = [older, newer].map((worker) => eventsOf(worker, "dead-lettered"));
    await newer.drain();
    // Only older code is there now: what is told waits.
    await Promise.all(ids.map((id) => client.actor(first, id).tell.add(1)));
    await stage.worker([later, counter]);
    const sums = await Promise.all(ids.map((id) => client.actor(later, id).ask.add(1)));
    await Promise.all(ids.map((id, at) => committedState(client.actor(later, id), ({ sum }) => sum === at + 4)));
    expect(sums.length).toBe(ids.length);
    expect(buried.flat()).toEqual([]);
  });

  test(`${name}: Y1, Y4: a check writes nothing and counts what is so; a migration writes what is old, once`, async () => {
    await using stage = await Stage.open(open);
    const ids = Array.from({ length: 40 }, (_, at) => `m${at}`);
    const client = await withFirstStates(stage, ids);
    const worker = await stage.worker([later, counter]);
    await client.actor(later, "new").ask.add(1);
    await allTold(client, ["new"]);
    await worker.drain();
    await client.ports.state.put("meter.bad", Buffer.from('{"state":{"count":"x"},"schema":1,"commit":"c"}'));
    await client.ports.state.put("meter.newer", Buffer.from('{"state":{},"schema":4,"commit":"c"}'));
    await client.ports.state.put("meter.foreign", Buffer.from("hello"));
    const before = await storedOf(client, "meter.m7");
    const expected = {
      types: [{ type: "meter", schema: 3, actors: 44, stored: { 1: 41, 3: 1, 4: 1 }, upcast: 40, failed: 3 }],
      unknown: { counter: 41 },
      failed: 3,
    };
    const checked = await migrate(client, true);
    expect(checked).toMatchObject(expected);
    expect(checked.failures.map(({ key, code }) => `${key} ${code}`).sort()).toEqual([
      ...["meter.bad STATE_INVALID", "meter.foreign STATE_UNREADABLE", "meter.newer STATE_TOO_NEW"],
    ]);
    expect(await storedOf(client, "meter.m7")).toEqual(before);
    expect(await migrate(client, false)).toMatchObject(expected);
    const { text } = await storedOf(client, "meter.m7");
    expect(text).toMatch(/^\{"state":\{"sum":8,"unit":"W"\},.*"schema":3,.*"commit":"migrate-/);
    const rest = (value: string) => ({ ...JSON.parse(value), state: 0, schema: 0, commit: 0 }) as unknown;
    expect(rest(text)).toEqual(rest(before.text));
    expect((await migrate(client, false)).types[0]).toMatchObject({ stored: { 1: 1, 3: 41, 4: 1 }, upcast: 0 });
    await stage.worker([later, counter]);
    expect(await client.actor(later, "m7").ask.add(1)).toBe(9);
  });

  test(`${name}: Y2, Y3, P2, P3, P5: states are migrated while a worker works on them: nothing is lost, doubled or out of order`, async () => {
    await using stage = await Stage.open(open);
    const ids = Array.from({ length: 12 }, (_, at) => `m${at}`);
    const client = await withFirstStates(stage, ids);
    const worker = await stage.worker([later, counter]);
    const superseded = eventsOf(worker, "superseded");
    // Active, and nothing of them committed by this owner: their first commit meets the migration's.
    await Promise.all(ids.map((id) => client.actor(later, id).ask.total()));
    await migrate(client, false);
    const rounds = 60;
    let underWay = ids.length;
    const load = ids.map(async (id) => {
      const meter = client.actor(later, id);
      for (let n = 0; n < rounds; n += 1) {
        if (n % 3 === 0) await meter.tell.add(1);
        else await meter.ask.add(1, { idempotencyKey: `${id}-${n}` });
      }
      underWay -= 1;
    });
    let migrated = 0;
    while (underWay > 0 || migrated === 0) {
      await Promise.all(ids.map((id) => writeAsOld(client, `meter.${id}`)));
      migrated += (await migrate(client, false)).types[0]?.upcast ?? 0;
    }
    await Promise.all(load);
    expect(migrated).toBeGreaterThan(0);
    for (const [at, id] of ids.entries()) {
      const total = at + 1 + rounds;
      await committedState(client.actor(later, id), ({ sum }) => sum === total);
      const sums = Array.from({ length: rounds + 1 }, (_, n) => at + 1 + n);
      const { seen } = await committedState(client.actor(counter, `of-${id}`), (state) => state.seen.length > rounds);
      expect(seen).toEqual(sums);
    }
    expect(superseded.length).toBeGreaterThanOrEqual(ids.length);
  });

  test(`${name}: L1, L2: beyond \`activationsMax\` the actors at rest longest are passivated, busy ones never, and all are there again when asked`, async () => {
    await using stage = await Stage.open(open);
    const gate = new Gate();
    const waiter = defineActor(
      "waiter",
      { state: z.object({ waited: z.boolean() }), initial: { waited: false } },
      {
        wait: handler(async (ctx) => {
          await gate.pass();
          ctx.state.waited = true;
        }),
      },
    );
    const worker = await stage.worker([waiter, counter], undefined, { activationsMax: 5 });
    const client = await stage.client();
    const passivated = eventsOf(worker, "passivated");
    const waiting = client.actor(waiter, "w").ask.wait();
    await gate.reached;
    for (let at = 0; at < 20; at += 1) await client.actor(counter, `c${at}`).ask.add(at);
    expect(worker.activations).toBe(5);
    expect(passivated.map(({ actor, reason }) => `${actor.id} ${reason}`)).toEqual(
      Array.from({ length: 16 }, (_, at) => `c${at} least-used`),
    );
    await client.actor(counter, "c16").ask.total();
    await client.actor(counter, "c0").ask.add(100);
    expect(passivated.at(-1)?.actor.id).toBe("c17");
    expect(await client.actor(counter, "c3").ask.add(0)).toBe(3);
    gate.open();
    await waiting;
    expect(await within("the waiter", client.actor(waiter, "w").get())).toMatchObject({ state: { waited: true } });
  });
}
