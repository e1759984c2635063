// That a worker serves, and what.

import type { AnyActor } from "../../actors/definition.ts";
import { poolDefault } from "../settings.ts";
import type { Paint } from "../text.ts";

export interface ServedActor {
  readonly type: string;
  readonly pool: string;
  readonly methods: readonly { readonly name: string; readonly kind: "handler" | "query" }[];
}

/** As `--json` prints it, with `event`. */
export interface ServingReport {
  readonly worker: string;
  /** What its operator calls it; null: nothing. */
  readonly name: string | null;
  readonly pid: number;
  readonly app: string;
  readonly pools: readonly string[];
  readonly server: string;
  /** Where Prometheus reads its figures; null: nowhere. */
  readonly metrics: string | null;
  readonly actors: readonly ServedActor[];
  /** Actors of the file whose pools it does not serve. */
  readonly others: readonly Pick<ServedActor, "type" | "pool">[];
}

/** What a worker has of a file, and what it leaves to others. `pools`: those that it is restricted to; empty: none. */
export function divideActors(
  actors: readonly AnyActor[],
  pools: readonly string[],
): Pick<ServingReport, "pools" | "actors" | "others"> {
  const served = actors.map(
    ({ type, pool = poolDefault, methods }): ServedActor => ({
      type,
      pool,
      methods: Object.entries(methods).map(([name, { kind }]) => ({ name, kind })),
    }),
  );
  const isOurs = ({ pool }: ServedActor) => pools.length === 0 || pools.includes(pool);
  const ours = served.filter(isOurs);
  return {
    pools: [...new Set(ours.map(({ pool }) => pool))],
    actors: ours,
    others: served.filter((actor) => !isOurs(actor)).map(({ type, pool }) => ({ type, pool })),
  };
}

export function printServing(report: ServingReport, paint: Paint): string {
  const { worker, name, app, server, pools, actors, others, metrics } = report;
  const width = Math.max(...actors.map(({ type }) => type.length));
  const linesOf = (ofPool: string) =>
    actors
      .filter(({ pool }) => pool === ofPool)
      .map(({ type, methods }) => {
        const names = methods.map((method) => (method.kind === "query" ? `${method.name}?` : method.name));
        return `  ${paint("bold", type.padEnd(width))}  ${names.join(", ")}`;
      });
  // Where there is only the pool that types belong to unless they say otherwise, there is nothing to tell of it.
  const isPlain = pools.length === 1 && pools[0] === poolDefault && others.length === 0;
  const blocks = pools.flatMap((pool) => (isPlain ? linesOf(pool) : [`pool ${pool}:`, ...linesOf(pool)]));
  const left = others.map(({ type, pool }) => `${type} (${pool})`).join(", ");
  return [
    `worker ${name === null ? worker : `${name} (${worker})`} serves the app ${app} on ${server}`,
    ...blocks,
    ...(metrics === null ? [] : [`figures for Prometheus: ${metrics}`]),
    ...(others.length === 0 ? [] : [`left to the workers of other pools: ${left}`]),
  ].join("\n");
}

/** A call of one of the methods that needs the least explanation: a question, if there is any. */
export function exampleCall(actors: readonly ServedActor[]): string | undefined {
  for (const kind of ["query", "handler"] as const) {
    for (const { type, methods } of actors) {
      const method = methods.find((each) => each.kind === kind);
      if (method !== undefined) return `ask ${type} a1 ${method.name}`;
    }
  }
  return undefined;
}
