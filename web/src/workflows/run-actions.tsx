// What a person may do to a run besides signals, each behind a question that says what it does.

import { useState } from "preact/hooks";
import type { RunView } from "../../../src/monitoring/dashboard/api/workflows.ts";
import { apiPath, post } from "../live/api-client.ts";
import { Confirm } from "../parts/confirm.tsx";

const actions = {
  pause: {
    name: "Pause",
    question: "Let this run order nothing until it is resumed?",
    what: "What was ordered goes on, and so does time.",
  },
  resume: {
    name: "Resume",
    question: "Let this run go on?",
    what: "It orders what it was held back from, and what has become due meanwhile.",
  },
  retry: {
    name: "Retry",
    question: "Try again what this run is held for?",
    what: "The node that failed begins anew: do this once the cause is removed.",
  },
  cancel: {
    name: "Cancel",
    question: "Give this run up?",
    what: "What was ordered is waited for; then what was done is compensated, in reverse. This cannot be taken back.",
  },
} as const;

type Action = keyof typeof actions;

/** As the table of docs/workflows.md has it. */
function possible({ phase, isPaused }: RunView): readonly Action[] {
  if (!["running", "held", "compensating"].includes(phase)) return [];
  const cancel: readonly Action[] = phase === "compensating" ? [] : ["cancel"];
  return [...(phase === "held" ? (["retry"] as const) : []), isPaused ? "resume" : "pause", ...cancel];
}

export interface RunActionsProps {
  readonly view: RunView;
  readonly onDone: (text: string) => void;
}

export function RunActions({ view, onDone }: RunActionsProps) {
  const [asked, ask] = useState<Action | null>(null);
  const act = async (action: Action) => {
    const { text } = await post(`${apiPath("workflows", view.workflow, "runs", view.run)}/${action}`);
    onDone(text);
  };
  return (
    <div class="run-actions">
      {possible(view).map((action) => (
        <button key={action} type="button" onClick={() => ask(action)}>
          {actions[action].name}
        </button>
      ))}
      {asked !== null && (
        <Confirm
          title={actions[asked].question}
          action={`${actions[asked].name} this run`}
          act={() => act(asked)}
          onClose={() => ask(null)}
        >
          <p>
            <bdi>{view.run}</bdi> of {view.workflow}
          </p>
          <p>{actions[asked].what}</p>
        </Confirm>
      )}
    </div>
  );
}
