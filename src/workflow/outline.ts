// A workflow's definition as data, for those that have not its code: its graph, and the signals that it waits for with the form of
// what comes with them. Kept on the server by version, beside the type of its runs.

import { jsonSchemaOf } from "../core/json-schema.ts";
import type { Schema } from "../core/schema.ts";
import type { DefinitionGraph } from "./definition-graph.ts";
import { graphOf } from "./definition-graph.ts";
import type { Tree } from "./tree.ts";

export interface WorkflowOutline {
  /** Of the structure: a run of this version with another hash began with other code. */
  readonly hash: string;
  readonly graph: DefinitionGraph;
  readonly signals: Readonly<Record<string, SignalOutline>>;
}

export interface SignalOutline {
  /** False: nothing comes with it. */
  readonly hasData: boolean;
  /** JSON Schema of what comes with it, where the schema can say it. */
  readonly schema?: Readonly<Record<string, unknown>>;
}

/** Longer ones are left out. Unit: characters of JSON. */
const schemaLengthMax = 16_384;

export function outlineOf(tree: Tree, signals: ReadonlyMap<string, Schema | undefined>): WorkflowOutline {
  const { nodes, edges } = graphOf(tree);
  const outlines = [...signals].map(([name, schema]) => [name, signalOutline(schema)] as const);
  return { hash: tree.hash, graph: { nodes, edges }, signals: Object.fromEntries(outlines) };
}

function signalOutline(schema: Schema | undefined): SignalOutline {
  if (schema === undefined) return { hasData: false };
  const form = jsonSchemaOf(schema);
  const isShort = form !== undefined && JSON.stringify(form).length <= schemaLengthMax;
  return { hasData: true, ...(isShort ? { schema: form } : {}) };
}

/** Undefined for what is no outline, or one of code that is newer than this. */
export function readOutline(value: unknown): WorkflowOutline | undefined {
  const { hash, graph, signals } = (value ?? {}) as Partial<WorkflowOutline>;
  const isOne = typeof hash === "string" && Array.isArray(graph?.nodes) && Array.isArray(graph.edges);
  return isOne && typeof signals === "object" && signals !== null ? { hash, graph, signals } : undefined;
}
