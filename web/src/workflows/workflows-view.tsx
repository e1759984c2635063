// Workflows: all of them, the runs of one, one run.

import "./workflows.css";
import { route } from "../router.ts";
import { RunList } from "./run-list.tsx";
import { RunPage } from "./run-page.tsx";
import { WorkflowList } from "./workflow-list.tsx";

export function WorkflowsView() {
  const [, workflow, run] = route.value.parts;
  if (workflow === undefined) return <WorkflowList />;
  if (run === undefined) return <RunList key={workflow} workflow={workflow} />;
  return <RunPage key={`${workflow}/${run}`} workflow={workflow} run={run} />;
}
