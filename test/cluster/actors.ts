// The actors of the runs on real processes. Each keeps in its state what was done to it, so that it can be counted
// afterwards what took effect, how often and in which order. They rest early, so that they are loaded often.

import { z } from "zod";
import { defineActor, handler, query } from "../../src/index.ts";

const idleMsMax = 4_000;
const names = z.array(z.string());

/** A set of tokens, as a list, so that one which is there twice is seen. */
export const Bag = defineActor(
  "bag",
  { state: z.object({ tokens: names }), initial: { tokens: [] }, idleMsMax },
  {
    put: handler(z.string(), (ctx, token) => {
      ctx.state.tokens.push(token);
    }),
  },
);

const parcel = z.object({ token: z.string(), to: z.string(), afterMs: z.number().optional() });

/** Passes tokens on to bags, at once or by a timer. */
export const Relay = defineActor(
  "relay",
  { state: z.object({ passed: names }), initial: { passed: [] }, idleMsMax },
  {
    pass: handler(parcel, (ctx, { token, to, afterMs }) => {
      ctx.state.passed.push(`${token}>${to}`);
      if (afterMs === undefined) ctx.actor(Bag, to).tell.put(`${token}<${ctx.self.id}`);
      else ctx.tellLater("forward", { name: token, input: { token, to }, afterMs });
    }),
    forward: handler(parcel, (ctx, { token, to }) => {
      ctx.actor(Bag, to).tell.put(`${token}<${ctx.self.id}`);
    }),
  },
);

/** What every account has at first. */
export const balanceAtFirst = 1_000;

const transfer = z.object({ id: z.string(), to: z.string(), amount: z.number().int().positive() });

export const Account = defineActor(
  "account",
  {
    state: z.object({ balance: z.number(), debits: names, credits: names }),
    initial: { balance: balanceAtFirst, debits: [], credits: [] },
    idleMsMax,
  },
  {
    /** Takes the amount from here and tells the other account its credit: it is on its way when this one is answered. */
    transfer: handler(transfer, (ctx, { id, to, amount }): "moved" | "short" => {
      if (ctx.state.balance < amount) return "short";
      ctx.state.balance -= amount;
      ctx.state.debits.push(id);
      ctx.actor(Account, to).tell.credit({ id, amount });
      return "moved";
    }),
    credit: handler(z.object({ id: z.string(), amount: z.number() }), (ctx, { id, amount }): void => {
      ctx.state.balance += amount;
      ctx.state.credits.push(id);
    }),
    balance: handler((ctx): number => ctx.state.balance),
  },
);

/** One value, read and written. */
export const Register = defineActor(
  "register",
  { state: z.object({ value: z.string() }), initial: { value: "" }, idleMsMax },
  {
    write: handler(z.string(), (ctx, value) => {
      ctx.state.value = value;
    }),
    /** A turn of its own. */
    read: handler((ctx) => ctx.state.value),
    /** What the owner has committed, without a turn. */
    peek: query((ctx) => ctx.state.value),
    /** Writes if it holds what is expected; answers what it held. */
    swap: handler(z.object({ expected: z.string(), value: z.string() }), (ctx, { expected, value }) => {
      const found = ctx.state.value;
      if (found === expected) ctx.state.value = value;
      return found;
    }),
  },
);

/** Asked all the time, to see for how long it does not answer. Each answer speaks of a commit. */
export const Pulse = defineActor(
  "pulse",
  { state: z.object({ beats: z.number() }), initial: { beats: 0 } },
  {
    beat: handler((ctx) => {
      ctx.state.beats += 1;
      return ctx.state.beats;
    }),
  },
);

export const actors = [Bag, Relay, Account, Register, Pulse];
