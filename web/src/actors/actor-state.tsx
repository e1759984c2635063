// The state as it stands, and what the actor will be woken by.

import type { ActorView, TimerRow } from "../../../src/monitoring/dashboard/api/actors.ts";
import { unknown } from "../format/figures.ts";
import { exactTime } from "../format/times.ts";
import type { Column } from "../parts/data-table.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { JsonTree } from "../parts/json-tree.tsx";
import { Panel } from "../parts/panel.tsx";
import { ProblemBox } from "../parts/states.tsx";
import { TimeAgo } from "../parts/time-ago.tsx";
import { LargeState } from "./large-value.tsx";

const columns: readonly Column<TimerRow>[] = [
  { id: "name", head: "Timer", cell: ({ name }) => name },
  { id: "method", head: "Method", cell: ({ method }) => <code>{method}</code> },
  {
    id: "next",
    head: "Next",
    cell: ({ nextMs }) =>
      nextMs === null ? (
        unknown
      ) : (
        <span title={exactTime(nextMs)}>
          <TimeAgo atMs={nextMs} />
        </span>
      ),
  },
  { id: "when", head: "When", isFlexible: true, cell: ({ when }) => when },
];

export function ActorState({ view }: { readonly view: ActorView }) {
  const { stopped, type, id } = view;
  return (
    <>
      {stopped !== null && (
        <ProblemBox
          problem={{
            code: stopped.code,
            message: `stopped at ${stopped.at}: ${stopped.message}`,
            remedy: `Mend the cause, then: troupe resume ${type} ${id} (with --skip it leaves the message out).`,
          }}
        />
      )}
      <Panel title="State" aside={!view.isLarge && <span class="quiet">members that change light up</span>}>
        <div class="panel-body">
          {view.isLarge ? (
            <LargeState actor={view} revision={view.revision} size={view.bytes} />
          ) : (
            <JsonTree value={view.state} label={`state of ${type}/${id}`} />
          )}
        </div>
      </Panel>
      {view.timers.length > 0 && (
        <Panel title="Timers">
          <DataTable label="Timers" columns={columns} rows={view.timers} keyOf={({ name }) => name} />
        </Panel>
      )}
    </>
  );
}
