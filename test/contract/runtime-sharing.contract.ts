// Several workers: they share the partitions of a pool, give and take them while asks and tells go on, and leave to each
// other what they cannot serve.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import { encodeText } from "../../src/core/codec.ts";
import { TroupeError } from "../../src/core/errors.ts";
import type { RuntimeEvent } from "../../src/core/events.ts";
import type { Worker } from "../../src/runtime/worker.ts";
import { within } from "./mail-support.ts";
import { counter, relay } from "./runtime-actors.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import {
  committedState,
  eventOf,
  eventsOf,
  Gate,
  lastRejection,
  partitions,
  rejection,
  Stage,
  untilCount,
} from "./runtime-support.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

/** The actors of a pool of its own. */
const painter = defineActor(
  "painter",
  { pool: "gpu", state: z.object({ painted: z.array(z.string()) }), initial: { painted: [] } },
  {
    paint: handler(z.string(), (ctx, what) => {
      ctx.state.painted.push(what);
      return ctx.state.painted.length;
    }),
    sayTo: handler(z.string(), (ctx, id) => ctx.actor(counter, id).tell.see(1)),
    painted: query((ctx) => ctx.state.painted),
  },
);
const client = defineActor(
  "client",
  { state: z.object({ ordered: z.number() }), initial: { ordered: 0 } },
  {
    order: handler(z.string(), (ctx, what) => {
      ctx.actor(painter, "p").tell.paint(what);
      ctx.state.ordered += 1;
    }),
    orderAndWait: handler(
      z.string(),
      (ctx, what): Promise<number> => ctx.actor(painter, "p").ask.paint(what) as Promise<number>,
    ),
  },
);

/** Resolves when the worker has taken so many partitions since now. */
function taken(worker: Worker, count: number): Promise<void> {
  let left = count;
  const seen = new Promise<void>((resolve) => {
    const stop = worker.events.listen((event: RuntimeEvent) => {
      if (event.kind === "partition-taken") left -= 1;
      if (left > 0) return;
      stop();
      resolve();
    });
  });
  return within(`${count} partitions are taken`, seen);
}

/** Asks counters without a pause until told to stop; returns how often each was counted up. */
function keepAsking(ask: (id: string) => Promise<unknown>, ids: readonly string[]): () => Promise<number[]> {
  let isOver = false;
  const asking = ids.map(async (id) => {
    let done = 0;
    for (; !isOver; done += 1) await ask(id);
    return done;
  });
  return () => {
    isOver = true;
    return Promise.all(asking);
  };
}

const ids = upTo(12).map((at) => `c${at}`);

export function runtimeSharingContract(name: string, open: OpenRuntime): void {
  for (const end of ["drain", "close"] as const) {
    test(`${name}: a worker that joins gets its share and one that leaves (${end}) leaves it, without a failed ask (P1, P2)`, async () => {
      await using stage = await Stage.open(open);
      const first = await stage.worker([counter]);
      const troupe = await stage.client();
      const stop = keepAsking(
        (id) => troupe.actor(counter, id).ask.add(1, { idempotencyKey: crypto.randomUUID() }),
        ids,
      );
      const given = eventOf(first, "partition-given");
      const second = await stage.worker([counter]);
      await given;
      const told = await Promise.all(upTo(100).map((n) => troupe.actor(counter, `c${n % 12}`).tell.see(n)));
      const back = taken(first, partitions / 2);
      await second[end]();
      await back;
      const counts = await stop();
      expect(told).toHaveLength(100);
      for (const [at, id] of ids.entries()) {
        const wanted = upTo(100).filter((n) => n % 12 === at);
        const { count, seen } = await committedState(
          troupe.actor(counter, id),
          (state) => state.count >= (counts[at] ?? 0) && state.seen.length >= wanted.length,
        );
        expect({ count, seen }).toEqual({ count: counts[at], seen: wanted });
      }
    });
  }

  test(`${name}: what is told to a type of which the owner has not heard yet is left for those that have it (H2)`, async () => {
    await using stage = await Stage.open(open);
    const lookedUp = Promise.withResolvers<void>();
    // Of what is registered from now on its copy hears nothing.
    const deaf = stage.portsBehindCluster((cluster) => ({
      watch: (pattern, options) => cluster.watch(pattern === "type.*" ? "type.none" : pattern, options),
      get: (key) => cluster.get(key).finally(() => key === "type.relay" && lookedUp.resolve()),
    }));
    await stage.worker([counter], deaf);
    const caller = await stage.client();
    await caller.ports.cluster.put("type.relay", encodeText('{"pool":"main","schema":1}'));
    const actor = caller.actor(relay, "r");
    await actor.tell.pass({ to: "c", numbers: [1] });
    await within("the type is looked up", lookedUp.promise);
    await stage.worker([counter, relay]);
    expect((await committedState(actor, ({ passed }) => passed > 0)).passed).toBe(1);
    expect(await stage.deadLetters()).toEqual([]);
  });

  test(`${name}: what a turn asks and tells reaches the other worker's actors`, async () => {
    await using stage = await Stage.open(open);
    const [first, second] = [await stage.worker([counter, relay]), await stage.worker([counter, relay])];
    const troupe = await stage.client();
    await Promise.all(ids.map((id) => troupe.actor(relay, `r-${id}`).ask.pass({ to: id, numbers: [1, 2, 3] })));
    for (const id of ids) {
      await committedState(troupe.actor(counter, id), (state) => state.seen.join() === "1,2,3");
      expect(await troupe.actor(relay, "r").ask.totalOf(id)).toBe(0);
    }
    await within("both have something to do", Promise.all([first, second].map((each) => untilOwner(each))));
  });

  test(`${name}: a type with a pool lives with the workers of that pool; without one its asks say so, and its mail waits`, async () => {
    await using stage = await Stage.open(open);
    const main = await stage.worker([counter, client, painter], undefined, { pools: ["main"] });
    const troupe = await stage.client();
    const error = await rejection(troupe.actor(painter, "p").ask.paint("sky", { timeoutMs: 300 }), "ASK_UNREACHABLE");
    expect(error.message).toContain("gpu");
    expect(error.retry).toBe("later");
    await troupe.actor(client, "a").ask.order("tree");
    await troupe.actor(painter, "p").tell.paint("house");
    await stage.worker([counter, client, painter], undefined, { pools: ["gpu"] });
    const painted = await committedState(troupe.actor(painter, "p"), (state) => state.painted.length === 2);
    expect(painted.painted.toSorted()).toEqual(["house", "tree"]);
    expect(await troupe.actor(client, "a").ask.orderAndWait("dog")).toBe(3);
    await troupe.actor(painter, "p").ask.sayTo("c");
    await committedState(troupe.actor(counter, "c"), (state) => state.seen.length === 1);
    expect(await troupe.untyped("painter", "p").ask("paint", "cat")).toBe(4);
    await troupe.untyped("painter", "p").tell("paint", "sun");
    await committedState(troupe.actor(painter, "p"), (state) => state.painted.length === 5);
    await main.drain();
    expect(await stage.deadLetters()).toEqual([]);
  });

  test(`${name}: a worker is not given what it cannot serve: mail for a newer type waits, and its partition moves on`, async () => {
    await using stage = await Stage.open(open);
    const old = await stage.worker([counter]);
    const upgraded = await stage.worker([counter, relay]);
    const troupe = await stage.client();
    // Some of these live in partitions that the old worker has.
    const senders = upTo(12).map((at) => troupe.actor(relay, `r${at}`));
    await Promise.all(senders.map((sender) => sender.tell.pass({ to: "c", numbers: [1] })));
    for (const sender of senders) await committedState(sender, (state) => state.passed === 1); // An ask may overtake a tell.
    expect(await Promise.all(senders.map((sender) => sender.ask.pass({ to: "c", numbers: [2, 3] })))).toEqual(
      senders.map(() => 3),
    );
    await upgraded.drain();
    // Only the old one is left: its own type is served on, the other waits.
    expect(await troupe.actor(counter, "x").ask.add(1)).toBe(1);
    await lastRejection(() => troupe.actor(relay, "r0").ask.passed(undefined, { timeoutMs: 1_500 }), "TYPE_UNSERVED");
    await Promise.all(senders.map((sender) => sender.tell.pass({ to: "c", numbers: [4] })));
    await old.drain();
    await stage.worker([counter, relay]);
    for (const sender of senders) await committedState(sender, (state) => state.passed === 4);
    expect(await stage.deadLetters()).toEqual([]);
  });

  test(`${name}: a drain waits for the turn that runs, and leaves the told messages behind it to the next owner (B5, P5)`, async () => {
    await using stage = await Stage.open(open);
    const gate = new Gate();
    const slow = defineActor(
      "slow",
      { state: z.object({ seen: z.array(z.number()) }), initial: { seen: [] } },
      {
        see: handler(z.number(), async (ctx, n) => {
          if (n === 0) await gate.pass();
          ctx.state.seen.push(n);
        }),
      },
    );
    const first = await stage.worker([slow]);
    const troupe = await stage.client();
    const actor = troupe.actor(slow, "s");
    const turns = eventsOf(first, "turn-ended");
    await Promise.all(upTo(60).map((n) => actor.tell.see(n)));
    await gate.reached;
    const draining = first.drain({ graceMs: 60_000 });
    await stage.worker([slow]);
    gate.open();
    await within("the drain ends", draining);
    const { seen } = await committedState(actor, (state) => state.seen.length === 60);
    expect([seen, turns.length]).toEqual([upTo(60), 1]);
  });

  test(`${name}: a drain does not outlast its grace because of a partition that is just being taken`, async () => {
    await using stage = await Stage.open(open);
    let isSlow = false;
    const taking = Promise.withResolvers<void>();
    const closing = Promise.withResolvers<never>();
    const slowly = stage.portsBehind((mail) => ({
      read: (...request) => {
        if (!isSlow) return mail.read(...request);
        taking.resolve();
        return closing.promise; // As from a server that is away, until the connection is closed.
      },
    }));
    const first = await stage.worker([counter], async (request) => {
      const ports = await slowly(request);
      const close = () => {
        closing.reject(new TroupeError("CLOSED", "the connection is closed"));
        return ports.close();
      };
      return { ...ports, close };
    });
    const second = await stage.worker([counter]);
    isSlow = true;
    await second.drain();
    await within("a partition is being taken", taking.promise);
    await within("the drain ends", first.drain({ graceMs: 50 }));
  });

  test(`${name}: what was given back is given, not lost, though its next owner is heard of before the answer`, async () => {
    await using stage = await Stage.open(open);
    const isTaken = Promise.withResolvers<void>();
    const late = stage.portsBehindCluster((cluster) => ({
      update: async (key, value, ...rest) => {
        const write = await cluster.update(key, value, ...rest);
        if (Buffer.from(value).includes('"owner":""')) await isTaken.promise;
        return write;
      },
    }));
    const first = await stage.worker([counter], late);
    const [lost, given] = [eventsOf(first, "ownership-lost"), eventsOf(first, "partition-given")];
    const second = await stage.worker([counter]);
    await within("it has an owner", untilOwner(second));
    await first.ports.mail.ping(second.id, 5_000); // By then the first has heard of that too.
    isTaken.resolve();
    await untilCount(given, partitions / 2, first);
    expect(lost).toEqual([]);
  });

  test(`${name}: a pool is where its types are registered; a worker that puts one elsewhere is refused (Y3)`, async () => {
    await using stage = await Stage.open(open);
    await stage.worker([counter]);
    const moved = defineActor("counter", { pool: "other", state: z.object({}), initial: {} }, {});
    await rejection(stage.worker([moved]), "LAYOUT_MISMATCH");
  });
}

/** Resolves when the worker has partitions. */
async function untilOwner(worker: Worker): Promise<void> {
  const { cluster } = worker.ports;
  for (;;) {
    const keys = await cluster.list("partition.main.*");
    const records = [...(await cluster.getMany(keys)).values()].map(({ value }) => Buffer.from(value).toString());
    if (records.some((record) => record.includes(worker.id))) return;
    await new Promise(setImmediate); // A bucket in memory answers without a turn of the event loop, and nothing else would run.
  }
}
