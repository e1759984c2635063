// Actors that do what a dashboard has to show: count, fail, stop, wait, send.

import { z } from "zod";
import { defineActor, handler, query } from "../../src/index.ts";

export const Counter = defineActor(
  "counter",
  { state: z.object({ count: z.number() }), initial: { count: 0 }, retry: { attempts: 2, backoffMs: 10 } },
  {
    add: handler(z.number(), (ctx, n) => {
      ctx.state.count += n;
      return ctx.state.count;
    }),
    fail: handler(z.string(), (_ctx, why): void => {
      throw new RangeError(why);
    }),
    total: query((ctx) => ctx.state.count),
  },
);

/** Its failures stop it. */
export const Fragile = defineActor(
  "fragile",
  {
    state: z.object({ text: z.string() }),
    initial: { text: "" },
    retry: { attempts: 1 },
    onFailure: "stop",
  },
  {
    write: handler(z.string(), (ctx, text) => {
      ctx.state.text = text;
    }),
    break: handler((): void => {
      throw new RangeError("broken");
    }),
    remind: handler(z.string(), (ctx, text) => {
      ctx.tellLater("write", { input: text, name: "reminder", afterMs: 3_600_000 });
    }),
  },
);

/** Remembers in a scope that depends on the method, and not in each turn. */
export const Diary = defineActor(
  "diary",
  {
    state: z.object({ turns: z.number() }),
    initial: { turns: 0 },
    memory: {
      scope: (self, { method }) => ({ user: self.id, ...(method === "whisper" ? { session: "secret" } : {}) }),
      log: { methods: ["note", "whisper"] },
    },
  },
  {
    note: handler(z.string(), (ctx, _text) => {
      ctx.state.turns += 1;
    }),
    whisper: handler(z.string(), (ctx, _text) => {
      ctx.state.turns += 1;
    }),
    leafThrough: handler((ctx) => {
      ctx.state.turns += 1;
    }),
  },
);
