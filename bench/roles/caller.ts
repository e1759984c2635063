// What a caller's process does on request.

import type { LoadResult } from "../load.ts";
import { drive } from "../load.ts";
import type { CallerSide, IdRange } from "../side.ts";
import { idsOf } from "../side.ts";

export type Operation = "ask" | "query" | "tell";

export interface DriveOrder {
  readonly operation: Operation;
  readonly ids: IdRange;
  readonly inFlight: number;
  readonly until: { readonly count: number } | { readonly durationMs: number };
}

export interface CallerCommands {
  drive(order: DriveOrder): Promise<LoadResult>;
  /** The sum of the actors' committed counts. */
  total(ids: IdRange): Promise<number>;
}

export function callerCommands(side: CallerSide): CallerCommands {
  return {
    drive(order) {
      const ids = idsOf(order.ids);
      // Each operation turns to the next actor: with more actors than requests in flight, no two meet at one actor.
      const idAt = (at: number): string => ids[at % ids.length] ?? "";
      const { inFlight, until } = order;
      switch (order.operation) {
        case "ask":
          return drive({ inFlight, until, send: (at, done) => side.ask(idAt(at), 1, done) });
        case "query":
          return drive({ inFlight, until, send: (at, done) => side.query(idAt(at), done) });
        case "tell":
          return drive({ inFlight, until, send: (at, done) => side.tell(idAt(at), 1, done) });
      }
    },
    async total(range) {
      const ids = idsOf(range);
      let sum = 0;
      await drive({
        inFlight: 64,
        until: { count: ids.length },
        send: (at, done) =>
          side.query(ids[at] ?? "", (failure, count) => {
            sum += count;
            done(failure, count);
          }),
      });
      return sum;
    },
  };
}
