// The actor with timers: each that is set, that rings and that is cancelled leaves its id behind, so that the list tells
// which of them stood when one rang.

import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";

/** How a timer is set: rings once after a while, or each second until it has rung three times. */
export type Ringing = "once" | "again";

export const timerNames = ["a", "b"] as const;
/** One that rings again and again ends by itself after so many times. */
const ringsMax = 3;
const everyMs = 1_000;

const timerId = { id: z.string(), name: z.string() };

export function bellActor() {
  return defineActor(
    "bell",
    {
      state: z.object({ seen: z.array(z.string()), foreign: z.number() }),
      initial: { seen: [], foreign: 0 },
      idleMsMax: 2_000,
    },
    {
      set: handler(z.object({ ...timerId, afterMs: z.number() }), (ctx, { id, name, afterMs }) => {
        ctx.state.seen.push(id);
        ctx.tellLater("ring", { name, afterMs, input: { id: ringOf(id), name } });
      }),
      repeat: handler(z.object(timerId), (ctx, { id, name }) => {
        ctx.state.seen.push(id);
        ctx.every("again", { name, everyMs, input: { id, name } });
      }),
      cancel: handler(z.object(timerId), (ctx, { id, name }) => {
        ctx.state.seen.push(id);
        ctx.cancelTimer(name);
      }),
      ring: handler(z.object(timerId), (ctx, { id }) => {
        ctx.state.seen.push(id);
      }),
      again: handler(z.object(timerId), (ctx, { id, name }) => {
        const times = ctx.state.seen.filter((each) => each.startsWith(ringOf(id))).length + 1;
        ctx.state.seen.push(`${ringOf(id)}${times}`);
        if (times === ringsMax) ctx.cancelTimer(name);
      }),
      size: query((ctx) => ctx.state.seen.length),
    },
  );
}

/** What a timer leaves behind that was set by this deed; one that rings again and again with a number behind it. */
const ringOf = (id: string) => `${id}!`;

/** What set or cancelled a timer. */
export interface TimerDeed {
  readonly id: string;
  readonly name: string;
  readonly does: Ringing | "cancel";
}

/**
 * Reads the ids that a bell has left behind, in order. `wrong`: what rang and must not. `standing`: the deeds whose timers
 * have yet to ring.
 */
export function readBell(
  ids: readonly string[],
  deedOf: (id: string) => TimerDeed | undefined,
): { readonly wrong: readonly string[]; readonly standing: readonly string[] } {
  const standing = new Map<string, string>();
  const wrong: string[] = [];
  for (const id of ids) {
    const [setBy = "", times] = id.split("!");
    const deed = deedOf(setBy);
    if (deed === undefined) wrong.push(`${id} was never set`);
    else if (times === undefined && deed.does === "cancel") standing.delete(deed.name);
    else if (times === undefined) standing.set(deed.name, id);
    else if (standing.get(deed.name) !== setBy)
      wrong.push(`${id} rang, and ${standing.get(deed.name) ?? "none"} stood`);
    else if (deed.does === "once" || Number(times) === ringsMax) standing.delete(deed.name);
  }
  return { wrong, standing: [...standing.values()] };
}
