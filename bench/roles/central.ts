// What a process that changes states which many share does on request.

import type { LoadResult } from "../load.ts";
import { drive } from "../load.ts";
import type { CentralSide } from "../side.ts";

export interface ChangeOrder {
  readonly keys: number;
  readonly inFlight: number;
  readonly durationMs: number;
}

export interface TransactOrder extends ChangeOrder {
  /** States of one transaction. */
  readonly states: number;
}

export interface CentralCommands {
  /** Makes the states `k0`, `k1`, … with the balance 1,000. */
  fill(order: { readonly count: number }): Promise<void>;
  driveUpdates(order: ChangeOrder): Promise<LoadResult>;
  driveTransactions(order: TransactOrder): Promise<LoadResult>;
  /** `matches`: how many states the query finds in all. */
  driveQueries(order: { readonly count: number; readonly matches: number }): Promise<LoadResult>;
  /** What all balances add up to. */
  sum(order: { readonly keys: number }): Promise<number>;
}

export function centralCommands(side: CentralSide): CentralCommands {
  return {
    fill: ({ count }) => side.fill(count),
    driveUpdates: ({ keys, inFlight, durationMs }) =>
      drive({ inFlight, until: { durationMs }, send: (at, done) => side.update(`k${at % keys}`, done) }),
    driveTransactions: ({ keys, states, inFlight, durationMs }) =>
      drive({
        inFlight,
        until: { durationMs },
        send: (at, done) => {
          const ids = Array.from({ length: states }, (_, place) => `k${(at * states + place) % keys}`);
          side.transact(ids, done);
        },
      }),
    driveQueries: ({ count, matches }) =>
      drive({
        inFlight: 1,
        until: { count },
        send: (_at, done) =>
          side.query(matches, (failure, found) => {
            done(failure ?? (found === 10 ? undefined : new Error(`${found} states were found, not 10`)), found);
          }),
      }),
    sum: ({ keys }) => side.sum(keys),
  };
}
