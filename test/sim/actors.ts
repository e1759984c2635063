// The actors of the simulation. Every message has an id, and what is done leaves the id behind, so that it can be counted
// afterwards what took effect, how often and in which order.

import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import { isTroupeError } from "../../src/core/errors.ts";
import { bellActor } from "./bell.ts";
import { flowWorkflow } from "./flow.ts";

/** How a message behaves when it is handled. */
export type Manner = "plain" | "slow" | "flaky" | "poison" | "step";

/** What the actors of a process share with the simulation around them. */
export interface Surroundings {
  /** Resolves after a while by the process's clock. */
  dawdle(): Promise<void>;
  /** Counts the calls with this name, from 1. */
  count(name: string): number;
  /** Hears what a step gave. */
  stepGave(id: string, value: string): void;
  /** Hears that a task has begun, by its key. */
  hasBegun(task: string): void;
}

const note = z.object({ id: z.string(), manner: z.enum(["plain", "slow", "flaky", "poison", "step"]) });
const pass = z.object({
  id: z.string(),
  to: z.string(),
  copies: z.number(),
  fails: z.boolean(),
  /** It waits before each message, and may be too late for its turn. */
  isSlow: z.boolean(),
});
const hop = z.object({ id: z.string(), path: z.array(z.string()), to: z.string() });
const check = z.object({ id: z.string(), to: z.string() });

/** Waits between the runs of a message that fails. Unit: ms. */
const retry = { attempts: 4, backoffMs: 20, backoffMsMax: 500 };
/** How long a turn of a relay that passes on may last. Unit: ms. */
const passMsMax = 600;

export function simulatedActors(around: Surroundings, relayPool: string) {
  const tally = tallyActor(around);
  return { tally, relay: relayActor(around, tally, relayPool), bell: bellActor(), flow: flowWorkflow(around, tally) };
}

export type TallyActor = ReturnType<typeof tallyActor>;

function tallyActor(around: Surroundings) {
  return defineActor(
    "tally",
    {
      state: z.object({ seen: z.array(z.string()), foreign: z.number() }),
      initial: { seen: [], foreign: 0 },
      retry,
      idleMsMax: 2_000,
    },
    {
      note: handler(note, (ctx, { id, manner }) => {
        const keep = () => {
          ctx.state.seen.push(id);
          return ctx.state.seen.length;
        };
        if (manner === "poison") throw new Error("poison");
        if (manner === "flaky" && around.count(`flaky ${id}`) < 3) throw new Error("not yet");
        if (manner === "slow") return around.dawdle().then(keep);
        if (manner !== "step") return keep();
        const call = () => around.dawdle().then(() => `${id} call ${around.count(`step ${id}`)}`);
        return ctx.step("model", call).then((value) => {
          around.stepGave(id, value);
          return around.dawdle().then(keep);
        });
      }),
      size: query((ctx) => ctx.state.seen.length),
      /** The same as a turn of its own, which has nothing to commit. */
      count: handler((ctx) => ctx.state.seen.length),
    },
  );
}

function relayActor(around: Surroundings, tally: ReturnType<typeof tallyActor>, pool: string) {
  const relay = defineActor(
    "relay",
    {
      state: z.object({ passed: z.array(z.string()), foreign: z.number() }),
      initial: { passed: [], foreign: 0 },
      pool,
      retry,
    },
    {
      pass: handler(
        pass,
        (ctx, { id, to, copies, fails, isSlow }) => {
          const tellOne = (n: number) => ctx.actor(tally, to).tell.note({ id: `${id}#${n}`, manner: "plain" });
          const end = () => {
            ctx.state.passed.push(id);
            if (fails) throw new Error("after all, no");
          };
          if (isSlow) return tellSlowly(copies, tellOne, around).then(end);
          for (let n = 0; n < copies; n += 1) tellOne(n);
          return end();
        },
        { timeoutMs: passMsMax },
      ),
      hop: handler(hop, (ctx, { id, path: [next, ...rest], to }): void => {
        ctx.state.passed.push(id);
        if (next === undefined) ctx.actor(tally, to).tell.note({ id, manner: "plain" });
        else ctx.actor(relay, next).tell.hop({ id, path: rest, to });
      }),
      size: query((ctx) => ctx.state.passed.length),
      check: handler(check, async (ctx, { id, to }): Promise<number> => {
        try {
          const options = { idempotencyKey: id, timeoutMs: 3_000 };
          const size = await ctx.actor(tally, to).ask.note({ id, manner: "plain" }, options);
          ctx.state.passed.push(id);
          return size;
        } catch (thrown) {
          throw isTroupeError(thrown) ? new Error(thrown.code) : thrown;
        }
      }),
    },
  );
  return relay;
}

async function tellSlowly(copies: number, tellOne: (n: number) => void, around: Surroundings): Promise<void> {
  for (let n = 0; n < copies; n += 1) {
    await around.dawdle();
    tellOne(n);
  }
}

export type SimulatedActors = ReturnType<typeof simulatedActors>;
