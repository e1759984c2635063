// The actors that the contract of the runtime plays with.

import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";

/** Counts, and remembers in which order. */
export const counter = defineActor(
  "counter",
  { state: z.object({ count: z.number(), seen: z.array(z.number()) }), initial: { count: 0, seen: [] } },
  {
    add: handler(z.number().int(), (ctx, n) => {
      ctx.state.count += n;
      return ctx.state.count;
    }),
    see: handler(z.number().int(), (ctx, n) => {
      ctx.state.seen.push(n);
    }),
    total: query((ctx) => ctx.state.count),
    all: query((ctx) => ctx.state.seen),
  },
);

/** Passes on what it gets to counters. */
export const relay = defineActor(
  "relay",
  { state: z.object({ passed: z.number() }), initial: { passed: 0 } },
  {
    pass: handler(z.object({ to: z.string(), numbers: z.array(z.number()) }), (ctx, { to, numbers }) => {
      for (const number of numbers) ctx.actor(counter, to).tell.see(number);
      ctx.state.passed += numbers.length;
      return ctx.state.passed;
    }),
    passAndFail: handler(z.string(), (ctx, to) => {
      ctx.actor(counter, to).tell.see(1);
      ctx.state.passed += 1;
      throw new Error("after all, no");
    }),
    passed: query((ctx) => ctx.state.passed),
    totalOf: query(z.string(), (ctx, to) => ctx.actor(counter, to).ask.total()),
  },
);

/** Fails in every way that a handler can. */
export const clumsy = defineActor(
  "clumsy",
  {
    state: z.object({ done: z.array(z.string()), big: z.string().optional() }),
    initial: { done: [] },
    retry: { attempts: 3, backoffMs: 1, backoffMsMax: 5 },
  },
  {
    do: handler(z.string(), (ctx, text) => {
      if (text.startsWith("fail")) {
        throw Object.assign(new RangeError(`cannot ${text}`), { code: "E_CLUMSY", data: { text } });
      }
      ctx.state.done.push(text);
      return text;
    }),
    hang: handler(
      (ctx): Promise<string> => {
        ctx.state.done.push("hang");
        return new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(new Error("aborted"))));
      },
      { timeoutMs: 50 },
    ),
    ignoreTheTime: handler((): Promise<string> => new Promise(() => {}), { timeoutMs: 50 }),
    answerNonsense: handler((ctx): unknown => {
      ctx.state.done.push("nonsense");
      return { bytes: 1n };
    }),
    spoil: handler((ctx) => {
      (ctx.state as unknown as { done: unknown }).done = "not a list";
    }),
    grow: handler(z.number(), (ctx, bytes) => {
      if (bytes > 1_000) ctx.state.big = "x".repeat(bytes);
      ctx.state.done.push(`grow ${bytes}`);
    }),
    clear: handler((ctx) => {
      ctx.state = { done: [] };
    }),
    writeInQuery: query((ctx) => {
      (ctx.state as unknown as { done: string[] }).done.push("written");
    }),
    done: query((ctx) => ctx.state.done),
  },
);

/** Asks others, in circles if it is told to: `path` names who is to be asked one after the other. */
export const asker = defineActor(
  "asker",
  { state: z.object({ asked: z.number() }), initial: { asked: 0 } },
  {
    walk: handler(z.array(z.string()), async (ctx, [next, ...rest]): Promise<string[]> => {
      ctx.state.asked += 1;
      if (next === undefined) return [ctx.self.id];
      return [ctx.self.id, ...(await ctx.actor(asker, next).ask.walk(rest))];
    }),
    askedOf: handler(z.string(), async (ctx, id): Promise<number> => ctx.actor(asker, id).ask.askedVia(ctx.self.id)),
    askedVia: handler(z.string(), async (ctx, id): Promise<number> => ctx.actor(asker, id).ask.asked()),
    asked: query((ctx) => ctx.state.asked),
  },
);

export const actors = [counter, relay, clumsy, asker];
