// What the tests of the state store share: models, and a store of each kind to put them in.

import { z } from "zod";
import type { KvStore } from "../../src/kv/store.ts";
import { defineState } from "../../src/memory/state-model.ts";
import { openStateStore, type StateStore } from "../../src/memory/state-store.ts";
import type { OpenStore } from "./kv-support.ts";

/** A ticket of a support desk, as the design document draws it. */
export const ticket = defineState("ticket", {
  schema: z.object({ title: z.string(), by: z.string().optional(), priority: z.number().default(3) }),
  initial: "open",
  transitions: {
    open: { assign: "assigned", close: "closed" },
    assigned: { hand_back: "open", ask: "waiting", solve: "solved" },
    waiting: { answer: "assigned", close: "closed" },
    solved: { accept: "closed", reopen: "open" },
    closed: {},
  },
});

export const account = defineState("account", { schema: z.object({ balance: z.number() }) });

/** A register of one value, for histories that a checker judges. */
export const register = defineState("register", { schema: z.object({ value: z.string() }) });

export interface StatesUnderTest extends AsyncDisposable {
  readonly kv: KvStore;
  readonly states: StateStore;
  /** As another process has it. Closed with this one. */
  openAnother(actor?: string): Promise<StateStore>;
  openAnotherKv(): Promise<KvStore>;
}

export type OpenStates = () => Promise<StatesUnderTest>;

export function statesOver(open: OpenStore): OpenStates {
  return async () => {
    const opened = await open({ history: 8 });
    return {
      kv: opened.store,
      states: openStateStore({ kv: opened.store, actor: "first" }),
      openAnother: async (actor = "another") => openStateStore({ kv: await opened.openAnother(), actor }),
      openAnotherKv: () => opened.openAnother(),
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  };
}
