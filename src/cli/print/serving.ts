// That a worker serves, and what.

import type { AnyActor } from "../../actors/definition.ts";
import type { Paint } from "../text.ts";

export interface ServedActor {
  readonly type: string;
  readonly methods: readonly { readonly name: string; readonly kind: "handler" | "query" }[];
}

/** As `--json` prints it, with `event`. */
export interface ServingReport {
  readonly worker: string;
  readonly pid: number;
  readonly app: string;
  readonly pool: string;
  readonly server: string;
  readonly actors: readonly ServedActor[];
}

export function servedActors(actors: readonly AnyActor[]): readonly ServedActor[] {
  return actors.map(({ type, methods }) => ({
    type,
    methods: Object.entries(methods).map(([name, { kind }]) => ({ name, kind })),
  }));
}

export function printServing({ worker, app, server, actors }: ServingReport, paint: Paint): string {
  const width = Math.max(...actors.map(({ type }) => type.length));
  const lines = actors.map(({ type, methods }) => {
    const names = methods.map(({ name, kind }) => (kind === "query" ? `${name}?` : name));
    return `  ${paint("bold", type.padEnd(width))}  ${names.join(", ")}`;
  });
  return [`worker ${worker} serves the app ${app} on ${server}`, ...lines].join("\n");
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
