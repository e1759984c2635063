// A model's transitions as a Mermaid diagram, so that what is drawn is what is defined.

import type { TransitionTable } from "./state-model.ts";

/** The text of a `stateDiagram-v2`, to be put between fences of `mermaid`. */
export function diagramOf(model: { readonly initial: string; readonly transitions: object }): string {
  const lines = ["stateDiagram-v2", `  [*] --> ${nodeOf(model.initial)}: create`];
  const table = model.transitions as TransitionTable;
  for (const [status, events] of Object.entries(table)) {
    // Names may hold what Mermaid does not take in the name of a node.
    if (nodeOf(status) !== status) lines.push(`  state "${status}" as ${nodeOf(status)}`);
    for (const [event, target] of Object.entries(events)) {
      lines.push(`  ${nodeOf(status)} --> ${nodeOf(target)}: ${event}`);
    }
    if (Object.keys(events).length === 0) lines.push(`  ${nodeOf(status)} --> [*]`);
  }
  return lines.join("\n");
}

const nodeOf = (status: string): string => status.replaceAll("-", "__");
