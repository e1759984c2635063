// A file of actors: a module that exports definitions, each by a name of its own, or an array as its default export.

import { access, constants } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { AnyActor } from "../actors/definition.ts";
import { messageOf } from "../core/errors.ts";
import type { Workflow } from "../workflow/define-workflow.ts";
import { CommandFailure } from "./failure.ts";

export interface LoadedActors {
  /** The file's absolute path. */
  readonly path: string;
  readonly actors: readonly AnyActor[];
}

export type LoadedWorkflow = Pick<Workflow<unknown, unknown, unknown>, "name" | "actors" | "plan">;

/** Rejects with FILE_UNUSABLE: not there, cannot be loaded, or no actors in it. */
export async function loadActors(file: string): Promise<LoadedActors> {
  const { path, module } = await loadModule(file);
  const actors = actorsOf(module);
  if (actors.length > 0) return { path, actors };
  throw new CommandFailure(
    "FILE_UNUSABLE",
    `${file} exports no actors`,
    'Export them: export const Counter = defineActor("counter", …), or an array of them as the default export.',
  );
}

interface LoadedModule {
  readonly path: string;
  readonly module: Readonly<Record<string, unknown>>;
  readonly exported: readonly unknown[];
}

async function loadModule(file: string): Promise<LoadedModule> {
  const path = await findActorFile(file);
  let module: Readonly<Record<string, unknown>>;
  try {
    module = (await import(pathToFileURL(path).href)) as typeof module;
  } catch (thrown) {
    const text = `cannot load ${file}: ${messageOf(thrown)}${placeOf(thrown)}`;
    throw new CommandFailure("FILE_UNUSABLE", text, remedyOf(thrown), thrown);
  }
  return { path, module, exported: exportsOf(module) };
}

/** The definition of a type in a file of actors. Rejects with FILE_UNUSABLE. */
export async function loadActor(file: string, type: string): Promise<AnyActor> {
  const { actors } = await loadActors(file);
  const definition = actors.find((actor) => actor.type === type);
  if (definition !== undefined) return definition;
  const known = actors.map((actor) => actor.type).join(", ");
  throw new CommandFailure("FILE_UNUSABLE", `${file} does not define ${type}`, `It defines: ${known}.`);
}

/** The absolute path. Rejects with FILE_UNUSABLE when it cannot be read. */
export async function findActorFile(file: string): Promise<string> {
  const path = resolve(file);
  await access(path, constants.R_OK).catch((thrown: unknown) => {
    const text = `cannot read ${file}: ${messageOf(thrown)}`;
    throw new CommandFailure("FILE_UNUSABLE", text, "Name a file of actors, as in: troupe dev actors.ts", thrown);
  });
  return path;
}

const exportsOf = (module: Readonly<Record<string, unknown>>): readonly unknown[] =>
  Array.isArray(module.default) ? (module.default as readonly unknown[]) : Object.values(module);

/** The default export when it is an array, else every definition, those of workflows too, that is exported, each once. */
export function actorsOf(module: Readonly<Record<string, unknown>>): readonly AnyActor[] {
  const exported = exportsOf(module);
  return [...new Set(exported.flatMap((one) => (isWorkflow(one) ? one.actors : one)))].filter(isActor);
}

/** The workflow of that name in a file of actors. Rejects with FILE_UNUSABLE. */
export async function loadWorkflow(file: string, name: string): Promise<LoadedWorkflow> {
  const { exported } = await loadModule(file);
  const workflows = exported.filter(isWorkflow);
  const found = workflows.find((workflow) => workflow.name === name);
  if (found !== undefined) return found;
  const known = workflows.map((workflow) => workflow.name).join(", ") || "none";
  throw new CommandFailure("FILE_UNUSABLE", `${file} does not define the workflow ${name}`, `It defines: ${known}.`);
}

/** What `defineWorkflow` makes, known by its shape. */
function isWorkflow(value: unknown): value is LoadedWorkflow {
  if (typeof value !== "object" || value === null) return false;
  const { name, actors, plan } = value as Partial<Record<keyof LoadedWorkflow, unknown>>;
  return typeof name === "string" && Array.isArray(actors) && typeof plan === "object" && plan !== null;
}

/** Known by its shape: the file may have loaded another copy of this package. */
function isActor(value: unknown): value is AnyActor {
  if (typeof value !== "object" || value === null) return false;
  const { type, state, initial, methods, retry } = value as Partial<Record<keyof AnyActor, unknown>>;
  const isObject = (part: unknown) => typeof part === "object" && part !== null;
  return (
    typeof type === "string" && state !== undefined && typeof initial === "function" && [methods, retry].every(isObject)
  );
}

/** Where in the user's file it is: the first line of the stack that names a file, which no message does. */
function placeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "";
  const [, place] = /(file:\/\/[^\s)]+:\d+)/.exec(thrown.stack ?? "") ?? [];
  return place === undefined || thrown.message.includes(place) ? "" : `\n  at ${place}`;
}

function remedyOf(thrown: unknown): string {
  const { code } = thrown as NodeJS.ErrnoException;
  if (code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX") {
    return "Node runs TypeScript by stripping its types: no enums, namespaces or parameter properties.";
  }
  if (code === "ERR_MODULE_NOT_FOUND") return "Correct the import; with TypeScript files it ends in .ts.";
  return "Correct the file. TROUPE_DEBUG=1 shows the whole stack.";
}
