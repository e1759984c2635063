// What the contract of workflows plays with.

import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import type { ActorRef } from "../../src/runtime/client.ts";
import type { WorkflowOptions } from "../../src/workflow/define-workflow.ts";
import { defineWorkflow } from "../../src/workflow/define-workflow.ts";
import type { Flow, Steps } from "../../src/workflow/flow.ts";
import type { Run } from "../../src/workflow/run.ts";
import { isOver } from "../../src/workflow/run.ts";
import { committedState } from "./runtime-support.ts";

/** Writes down what reaches it. */
export const book = defineActor(
  "book",
  { state: z.object({ lines: z.array(z.string()) }), initial: { lines: [] } },
  {
    add: handler(z.string(), (ctx, line) => {
      ctx.state.lines.push(line);
      return ctx.state.lines.length;
    }),
    lines: query((ctx) => ctx.state.lines),
  },
);

export const listState = z.object({ list: z.array(z.string()) });
export type ListState = z.infer<typeof listState>;
type Options = Partial<WorkflowOptions<ListState, undefined, string>>;

/** A workflow whose state is a list, and whose result is that list in one text. */
export function listWorkflow(name: string, build: (flow: Flow<ListState>) => Steps, options: Options = {}) {
  const initial = (): ListState => ({ list: [] });
  const result = ({ list }: ListState) => list.join(" ");
  return defineWorkflow<ListState, undefined, string>(name, { state: listState, initial, result, ...options }, build);
}

/** Appends what a task returned. */
export const append = (state: ListState, line: string): void => {
  state.list.push(line);
};

/** The run when it is over, or as soon as `fits`. */
export function runWhen<S, M>(run: ActorRef<Run<S>, M>, fits = (at: Run<S>) => isOver(at.phase)): Promise<Run<S>> {
  return committedState(run, fits);
}

export const isAt =
  (path: string, is: string) =>
  (run: Run<unknown>): boolean =>
    run.marks[path]?.is === is;
