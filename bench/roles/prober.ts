// What a prober's process does on request: it asks actors at a steady pace, each ask with the default deadline and
// whatever becomes of those before, and remembers what became of each.

import { sharedNowMs } from "../clock.ts";
import type { Probe } from "../cluster/outage.ts";
import type { ProberSide } from "../side.ts";

export interface ProbeOrder {
  readonly ids: readonly string[];
  /** How often each of them is asked, the first asks spread over this time. */
  readonly everyMs: number;
}

export interface ProberCommands {
  begin(order: ProbeOrder): Promise<void>;
  /** Resolves when each actor has answered an ask that was sent after a moment, by another process than one. */
  whenBack(order: { readonly sinceMs: number; readonly notBy: number }): Promise<void>;
  /** Sends nothing more. Resolves to all asks since `begin`, when every one of them is answered or has failed. */
  end(): Promise<readonly Probe[]>;
  /** The sum of the actors' committed counts. */
  total(ids: readonly string[]): Promise<number>;
}

/** Longer than any outage: then an actor is lost. Unit: ms. */
const backMsMax = 20_000;

export function proberCommands(side: ProberSide): ProberCommands {
  let probes: Probe[] = [];
  let asking: Promise<void>[] = [];
  let order: ProbeOrder = { ids: [], everyMs: 0 };
  let ticking: NodeJS.Timeout | undefined;
  let onProbe = (_probe: Probe): void => {};

  async function probe(id: string): Promise<void> {
    const sentAtMs = sharedNowMs();
    const answer = await side.touch(id);
    const ended: Probe = { id, sentAtMs, endedAtMs: sharedNowMs(), ...answer };
    probes.push(ended);
    onProbe(ended);
  }

  return {
    async begin(given) {
      order = given;
      probes = [];
      asking = [];
      const { ids, everyMs } = given;
      const startMs = performance.now();
      let sent = 0;
      // Timers are late by up to a millisecond, so each tick sends all that is due by now.
      ticking = setInterval(() => {
        const due = Math.ceil(((performance.now() - startMs) * ids.length) / everyMs);
        for (; sent < due; sent += 1) asking.push(probe(ids[sent % ids.length] ?? ""));
      }, 1);
    },
    async whenBack({ sinceMs, notBy }) {
      const missing = new Set(order.ids);
      const back = Promise.withResolvers<void>();
      const look = ({ id, sentAtMs, by }: Probe): void => {
        if (by !== 0 && by !== notBy && sentAtMs >= sinceMs) missing.delete(id);
        if (missing.size === 0) back.resolve();
      };
      onProbe = look;
      for (const each of probes) look(each);
      const late = setTimeout(
        () => back.reject(new Error(`no answer after ${backMsMax / 1_000} s: ${[...missing].join(", ")}`)),
        backMsMax,
      );
      await back.promise.finally(() => clearTimeout(late));
    },
    async end() {
      clearInterval(ticking);
      await Promise.all(asking);
      return probes;
    },
    async total(ids) {
      const counts = await Promise.all(ids.map((id) => side.total(id)));
      return counts.reduce((sum, count) => sum + count, 0);
    },
  };
}
