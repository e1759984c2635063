// Asks that come back to an actor that waits: refused, or with a turn of their own when the actor may be re-entered.

import { expect, test } from "vitest";
import { z } from "zod";
import type { QueryContext, TurnContext } from "../../src/actors/context.ts";
import type { AnyActor } from "../../src/actors/definition.ts";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import { keyOf } from "../../src/core/ids.ts";
import { partitionOf } from "../../src/core/partition.ts";
import { partitionKey } from "../../src/runtime/subjects.ts";
import { bytes, patienceMs, within } from "./mail-support.ts";
import { asker } from "./runtime-actors.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import { eventOf, eventsOf, partitions, rejection, Stage } from "./runtime-support.ts";

const state = z.object({ lines: z.array(z.string()) });
const order = z.enum(["ask first", "change first", "change meanwhile", "hold on to the state"]);

type Lines = z.infer<typeof state>;
const plain = {
  push: handler(z.string(), (ctx: TurnContext<Lines>, text) => ctx.state.lines.push(text)),
  failNote: handler(z.string(), (ctx: TurnContext<Lines>, text): void => {
    ctx.state.lines.push(text);
    throw new Error("no note");
  }),
  lines: query((ctx: QueryContext<Lines>) => ctx.state.lines),
};

/** A leader that asks a follower, who asks the leader again; each writes down what happens. */
function pair(reentrant: boolean, hooks: { onInner?: () => Promise<void>; inOuter?: () => Promise<void> } = {}) {
  const meanwhile = Promise.withResolvers<void>();
  const follower = defineActor(
    "follower",
    { state, initial: { lines: [] } },
    {
      follow: handler(z.string(), async (ctx, leaderId): Promise<number> => {
        const count = await ctx.actor(leader, leaderId).ask.note(`by ${ctx.self.id}`);
        ctx.state.lines.push(`${leaderId} had ${count}`);
        return count;
      }),
      fail: handler(z.string(), async (ctx, leaderId): Promise<never> => {
        await ctx.actor(leader, leaderId).ask.failNote("never");
        throw new Error("not reached");
      }),
      ...plain,
    },
  );
  const leader = defineActor(
    "leader",
    { state, initial: { lines: [] }, reentrant },
    {
      lead: handler(order, async (ctx, how): Promise<number> => {
        const held = ctx.state;
        if (how === "change first") ctx.state.lines.push("changed first");
        const asking = ctx.actor(follower, `of-${ctx.self.id}`).ask.follow(ctx.self.id);
        if (how === "change meanwhile") {
          await hooks.inOuter?.();
          ctx.state.lines.push("changed meanwhile");
          meanwhile.resolve();
        }
        const count = await asking;
        (how === "hold on to the state" ? held : ctx.state).lines.push(`led after ${count}`);
        return ctx.state.lines.length;
      }),
      leadMany: handler(async (ctx): Promise<string[]> => {
        const ids = ["a", "b", "c"];
        await Promise.all(ids.map((id) => ctx.actor(follower, id).ask.follow(ctx.self.id)));
        ctx.state.lines.push("all followed");
        return [...ctx.state.lines];
      }),
      leave: handler(async (ctx): Promise<void> => {
        const { ask } = ctx.actor(follower, "f");
        ask.follow(ctx.self.id).catch(() => {});
        await hooks.inOuter?.();
        ctx.state.lines.push("left");
      }),
      leadAndThrow: handler(async (ctx): Promise<void> => {
        await ctx.actor(follower, "f").ask.follow(ctx.self.id);
        throw new Error(`after all, no ${ctx.state.lines.push("never")}`);
      }),
      tryAndGoOn: handler(async (ctx): Promise<string> => {
        const said = await ctx
          .actor(follower, "f")
          .ask.fail(ctx.self.id)
          .catch((thrown: Error) => thrown.message);
        ctx.state.lines.push("went on");
        return said;
      }),
      note: handler(z.string(), async (ctx, text): Promise<number> => {
        await hooks.onInner?.();
        if (ctx.self.id === "meanwhile") await meanwhile.promise;
        ctx.actor(follower, "told").tell.follow("somebody-else");
        return ctx.state.lines.push(text);
      }),
      ...plain,
    },
  );
  return { follower, leader, actors: [follower, leader] as readonly AnyActor[] };
}

/** Count down in turns: each asks the other from within the turn that the other waits in. */
const left = defineActor(
  "left",
  { state, initial: { lines: [] }, reentrant: true },
  {
    count: handler(z.number(), async (ctx, n): Promise<number> => {
      const below: number = n === 0 ? 0 : await ctx.actor(right, ctx.self.id).ask.count(n - 1);
      ctx.state.lines.push(`down ${n}`);
      return below + 1;
    }),
    lines: query((ctx) => ctx.state.lines),
  },
);
const right = defineActor(
  "right",
  { state, initial: { lines: [] }, reentrant: true },
  {
    count: handler(z.number(), async (ctx, n): Promise<number> => {
      const below: number = n === 0 ? 0 : await ctx.actor(left, ctx.self.id).ask.count(n - 1);
      ctx.state.lines.push(`down ${n}`);
      return below + 1;
    }),
    lines: query((ctx) => ctx.state.lines),
  },
);

export function runtimeReentranceContract(name: string, open: OpenRuntime): void {
  test(`${name}: an ask that comes back fails with the chain, also when it comes over the wire`, async () => {
    await using stage = await Stage.open(open);
    const { leader, actors } = pair(false);
    const { client } = await stage.both(actors);
    const failed = await rejection(client.actor(leader, "l").ask.lead("ask first"), "HANDLER_FAILED");
    expect(failed.message).toContain("leader.l -> follower.of-l -> leader.l");
    const key = keyOf({ type: "leader", id: "l" });
    const to = { partition: partitionOf("leader", "l", partitions), key, method: "note" };
    const owned = await client.ports.cluster.get(partitionKey("main", to.partition));
    const { epoch } = JSON.parse(Buffer.from(owned?.value ?? []).toString()) as { readonly epoch: number };
    for (const chain of [[key], [key, "follower.f"], [`${key}.turn-1`, "follower.f"]]) {
      const outcome = await client.ports.mail.request({ ...to, epoch }, bytes('"x"'), { chain }, patienceMs);
      expect(outcome).toMatchObject({ kind: "reply", errorCode: "ASK_CYCLE" });
    }
    expect(await client.actor(leader, "l").ask.lines()).toEqual([]);
  });

  test(`${name}: circles of asks are noticed, and entered again, from one worker to another`, async () => {
    await using stage = await Stage.open(open);
    const { leader, follower, actors } = pair(true);
    const all = [...actors, asker, left, right];
    const first = await stage.worker(all);
    const handedOver = eventOf(first, "partition-given");
    const second = await stage.worker(all);
    await handedOver;
    const client = await stage.client();
    const turns = new Map([first, second].map((worker) => [worker, eventsOf(worker, "turn-ended")]));
    const ids = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const failed = await rejection(client.actor(asker, "a").ask.walk([...ids.slice(1), "a"]), "HANDLER_FAILED");
    expect(failed.message).toContain(`${ids.map((id) => `asker.${id}`).join(" -> ")} -> asker.a`);
    for (const id of ids) expect(await client.actor(leader, id).ask.lead("ask first")).toBe(2);
    for (const id of ids) expect(await client.actor(follower, `of-${id}`).ask.lines()).toEqual([`${id} had 1`]);
    expect(await client.actor(left, "deep").ask.count(6)).toBe(7);
    for (const [, ended] of turns) expect(ended.length).toBeGreaterThan(0);
  });

  test(`${name}: I1, I2: an actor that may be re-entered handles it, before the turn that waits, each with its own commit`, async () => {
    await using stage = await Stage.open(open);
    const { leader, follower, actors } = pair(true);
    const { worker, client } = await stage.both(actors);
    const committed: number[] = [];
    worker.events.listen((event) => {
      if (event.kind === "committed" && event.actor.id === "l") committed.push(event.turns);
    });
    expect(await client.actor(leader, "l").ask.lead("ask first")).toBe(2);
    expect(await client.actor(leader, "l").ask.lines()).toEqual(["by of-l", "led after 1"]);
    expect(await client.actor(follower, "of-l").ask.lines()).toEqual(["l had 1"]);
    expect(committed).toEqual([1, 1]);
  });

  test(`${name}: I1, I3: a turn that has changed the state is not re-entered, and one that does meanwhile is not overwritten`, async () => {
    await using stage = await Stage.open(open);
    const entered = Promise.withResolvers<void>();
    let entries = 0;
    const onInner = async () => {
      entries += 1;
      entered.resolve();
    };
    const { leader, follower, actors } = pair(true, { onInner, inOuter: () => entered.promise });
    const { client } = await stage.both(actors);
    for (const [id, how] of [
      ["first", "change first"],
      ["meanwhile", "change meanwhile"],
    ] as const) {
      const failed = await rejection(client.actor(leader, id).ask.lead(how), "HANDLER_FAILED");
      expect(failed.message).toContain("has changed its state before");
      expect(await client.actor(leader, id).ask.lines()).toEqual([]);
      expect(await client.actor(follower, `of-${id}`).ask.lines()).toEqual([]);
      expect(entries).toBe(id === "first" ? 0 : 1);
    }
  });

  test(`${name}: I5: an inner turn ends with a turn that does not wait for it`, async () => {
    await using stage = await Stage.open(open);
    const [entered, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const onInner = () => {
      entered.resolve();
      return gate.promise;
    };
    const { leader, follower, actors } = pair(true, { onInner, inOuter: () => entered.promise });
    const { worker, client } = await stage.both(actors);
    const follows = eventOf(worker, "turn-ended", ({ method }) => method === "follow");
    await client.actor(leader, "l").ask.leave();
    expect((await follows).error?.message).toContain("waits no longer");
    gate.resolve();
    expect(await client.actor(leader, "l").ask.push("free")).toBe(2);
    expect(await client.actor(leader, "l").ask.lines()).toEqual(["left", "free"]);
    expect(await client.actor(follower, "f").ask.lines()).toEqual([]);
  });

  test(`${name}: I3: what the waiting turn still holds of the state before is refused, not lost`, async () => {
    await using stage = await Stage.open(open);
    const { leader, actors } = pair(true);
    const { client } = await stage.both(actors);
    await rejection(client.actor(leader, "h").ask.lead("hold on to the state"), "HANDLER_FAILED");
    // The inner turn was answered, so it stands.
    expect(await client.actor(leader, "h").ask.lines()).toEqual(["by of-h"]);
  });

  test(`${name}: I2: an inner turn stands when the one that waits fails; one that fails changes nothing`, async () => {
    await using stage = await Stage.open(open);
    const { leader, follower, actors } = pair(true);
    const { client } = await stage.both(actors);
    await rejection(client.actor(leader, "l").ask.leadAndThrow(), "HANDLER_FAILED");
    expect(await client.actor(leader, "l").ask.lines()).toEqual(["by f"]);
    expect(await client.actor(follower, "f").ask.lines()).toEqual(["l had 1"]);
    expect(await client.actor(leader, "m").ask.tryAndGoOn()).toContain("no note");
    expect(await client.actor(leader, "m").ask.lines()).toEqual(["went on"]);
  });

  test(`${name}: I4: of several that come back at once each has its turn, one after the other, and recursion may be deep`, async () => {
    await using stage = await Stage.open(open);
    const { leader, actors } = pair(true);
    const { client } = await stage.both([...actors, left, right]);
    const lines = await client.actor(leader, "l").ask.leadMany();
    expect(lines.slice(0, -1).sort()).toEqual(["by a", "by b", "by c"]);
    expect(lines.at(-1)).toBe("all followed");
    expect(await client.actor(left, "d").ask.count(6)).toBe(7);
    expect(await client.actor(left, "d").ask.lines()).toEqual(["down 0", "down 2", "down 4", "down 6"]);
    expect(await client.actor(right, "d").ask.lines()).toEqual(["down 1", "down 3", "down 5"]);
  });

  test(`${name}: I5: an inner turn ends with the one that waits for it, and the actor is free`, async () => {
    await using stage = await Stage.open(open);
    const entered = Promise.withResolvers<void>();
    const hooks = {
      onInner: () => {
        entered.resolve();
        return new Promise<void>(() => {});
      },
    };
    const { leader, actors } = pair(true, hooks);
    const { worker, client } = await stage.both(actors);
    const ended = eventOf(worker, "turn-ended", ({ method, actor }) => method === "note" && actor.type === "leader");
    const abort = new AbortController();
    const asking = client.actor(leader, "l").ask.lead("ask first", { signal: abort.signal });
    const settled = asking.catch((thrown: unknown) => thrown);
    await within("the inner turn runs", entered.promise);
    abort.abort("enough");
    expect(await settled).toBe("enough");
    expect((await ended).error?.code).toBe("ASK_WITHDRAWN");
    expect(await client.actor(leader, "l").ask.push("free")).toBe(1);
    expect(await client.actor(leader, "l").ask.lines()).toEqual(["free"]);
  });
}
