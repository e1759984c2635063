// The phases that a run went through, as far as they are kept, with what led to each.

import type { RunView } from "../../../src/monitoring/dashboard/api/workflows.ts";
import { idIn } from "../actors/actor-key.ts";
import { exactTime } from "../format/times.ts";
import { Panel } from "../parts/panel.tsx";
import { TraceLink } from "../parts/trace-link.tsx";
import { Phase } from "./phase.tsx";

export function RunPast({ past }: Pick<RunView, "past">) {
  return (
    <Panel title="Phases">
      {past.length === 0 ? (
        <p class="panel-body quiet">None is kept: this workflow writes no progress, or it was deleted.</p>
      ) : (
        <ol class="past panel-body">
          {past.map(({ atMs, phase, cause, trace }) => (
            <li key={`${atMs} ${phase}`}>
              <span class="past-time">{exactTime(atMs)}</span> <Phase phase={phase} />
              {cause !== null && (
                <span class="quiet cut" title={cause}>
                  by {causeOf(cause)}
                </span>
              )}
              <TraceLink trace={trace} />
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}

/** The id of the message that led there: what an actor sends names its sender, what a client sends names nobody. */
function causeOf(messageId: string): string {
  const [, type, id] = /^([A-Za-z][\w-]*)\.([^:]+):/.exec(messageId) ?? [];
  return type === undefined || id === undefined ? "a client" : `${type}/${idIn(id)}`;
}
