// Troupe's client, as a user writes it: a ref for each call, a promise for each answer.

import { connect } from "../../src/index.ts";
import { startObserving } from "../observe.ts";
import type { CallerSide, Place } from "../side.ts";
import { settle } from "../side.ts";
import { Counter } from "./counter.ts";

export async function open({ servers, app, observe }: Place): Promise<CallerSide> {
  const stopObserving = observe === undefined ? undefined : await startObserving(observe);
  const troupe = await connect({ servers, app });
  return {
    ask: (id, n, done) => settle(troupe.actor(Counter, id).ask.add(n), done),
    query: (id, done) => settle(troupe.actor(Counter, id).ask.total(), done),
    tell: (id, n, done) => settle(tell(id, n), done),
    async close() {
      await troupe.close();
      await stopObserving?.();
    },
  };

  async function tell(id: string, n: number): Promise<number> {
    const receipt = await troupe.actor(Counter, id).tell.add(n);
    return receipt.sequence;
  }
}
