// What must compile and what must not: checked by `npm run types`.
import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import type { AskTable, OutboxTable, TellTable } from "../../src/actors/ref.ts";
import type { Json } from "../../src/core/codec.ts";

const Counter = defineActor(
  "counter",
  { state: z.object({ count: z.number() }), initial: { count: 0 } },
  {
    add: handler(z.number().int(), (ctx, n) => {
      ctx.state.count += n;
      return ctx.state.count;
    }),
    reset: handler((ctx) => {
      ctx.state.count = 0;
    }),
    addLater: handler(z.object({ n: z.number(), note: z.string().optional() }), async (ctx, { n }) => {
      await ctx.step("think", () => 1);
      ctx.actor(Counter, "other").tell.add(n);
      return { at: new Date(), n };
    }),
    total: query((ctx) => ctx.state.count),
    atLeast: query(z.number(), (ctx, n) => ctx.state.count >= n),
  },
);

declare const ask: AskTable<typeof Counter.methods>;
declare const tell: TellTable<typeof Counter.methods>;
declare const outbox: OutboxTable<typeof Counter.methods>;

export const sum: Promise<number> = ask.add(5);
export const is: Promise<boolean> = ask.atLeast(5, { timeoutMs: 5 });
export const late: Promise<{ at: string; n: number }> = ask.addLater({ n: 1 });
export const none: Promise<void> = ask.reset();
export const told = tell.add(1, { timeoutMs: 3 });
outbox.add(1);
// @ts-expect-error A wrong argument does not compile.
ask.add("5");
// @ts-expect-error Nor does a missing one.
ask.add();
// @ts-expect-error Nor a method that is not there.
ask.subtract(1);
// @ts-expect-error A query cannot be told.
tell.total();
// @ts-expect-error The answer is a number.
export const wrong: Promise<string> = ask.add(5);

defineActor(
  "frozen",
  { state: z.object({ n: z.number() }), initial: { n: 0 } },
  {
    look: query((ctx) => {
      // @ts-expect-error A query does not write.
      ctx.state.n = 1;
    }),
  },
);
// @ts-expect-error The initial state is of the schema's type.
defineActor("off", { state: z.object({ n: z.number() }), initial: { n: "0" } }, {});

interface CountV1 {
  count: number;
}
interface CountV2 {
  count: number;
  unit: string;
}
const evolved = {
  state: z.object({ total: z.number(), unit: z.string() }),
  initial: { total: 0, unit: "" },
  schema: 3,
};
export const Evolved = defineActor(
  "evolved",
  {
    ...evolved,
    upcasters: {
      1: (state: CountV1): CountV2 => ({ ...state, unit: "pieces" }),
      2: ({ count, unit }: CountV2) => ({ total: count, unit }),
    },
  },
  {
    total: query((ctx) => ctx.state.total),
    add: handler(z.number(), (ctx, n) => {
      ctx.state.total += n;
    }),
  },
);
defineActor(
  "broken-chain",
  {
    ...evolved,
    upcasters: {
      // @ts-expect-error What an upcaster returns is what the next one takes.
      1: (state: CountV1) => ({ ...state, weight: 1 }),
      2: ({ count, unit }: CountV2) => ({ total: count, unit }),
    },
  },
  {},
);
defineActor(
  "broken-end",
  {
    ...evolved,
    upcasters: {
      1: (state: CountV1): CountV2 => ({ ...state, unit: "pieces" }),
      // @ts-expect-error The last one returns the state of today.
      2: (state: CountV2) => state,
    },
  },
  {},
);

const Rememberer = defineActor(
  "rememberer",
  {
    state: z.object({ n: z.number() }),
    initial: { n: 0 },
    memory: {
      scope: (self, message) => ({ agent: self, session: message.method }),
      scopes: [{ shared: "team" }],
      log: { sent: false, methods: ["hear"] },
      bring: { window: { tokens: 500 }, recall: { k: 5, query: (input) => String(input) }, facts: ["plan"] },
    },
  },
  {
    hear: handler(z.string(), async (ctx, text) => {
      ctx.state.n += ctx.memory.window.length;
      ctx.memory.append({ text, kind: "observation" });
      ctx.memory.mergeFact("seen", 1, "sum", { ttlMs: 5 });
      // @ts-expect-error There is no such policy.
      ctx.memory.mergeFact("seen", 1, "add");
      // @ts-expect-error Whom an entry comes from is the turn's to say.
      ctx.memory.append({ text, cause: "another" });
      const found = await ctx.memory.recall(text);
      return { found: found.map(({ document }) => document.text), plan: ctx.memory.facts.get("plan")?.value ?? null };
    }),
    recent: query(async (ctx) => {
      // @ts-expect-error A query only reads.
      ctx.memory.append({ text: "no" });
      return (await ctx.memory.read({ last: 5 })).map(({ text, position }) => ({ text, position }));
    }),
  },
);
declare const askRememberer: AskTable<typeof Rememberer.methods>;
export const heard: Promise<{ found: string[]; plan: Json }> = askRememberer.hear("hi");
export const recentOnes: Promise<{ text: string; position: number }[]> = askRememberer.recent();
defineActor(
  "misled",
  // @ts-expect-error A scope is an object with parts that are known.
  { state: z.object({}), initial: {}, memory: { scope: () => ({ agnt: "x" }) } },
  {},
);
