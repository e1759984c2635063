// What has been told to the actor and waits for its turn.

import { useEffect } from "preact/hooks";
import type { ActorView, LetterRow, MailboxView } from "../../../src/monitoring/dashboard/api/actors.ts";
import { bytes, exact, plural, unknown } from "../format/figures.ts";
import { apiPath } from "../live/api-client.ts";
import { useGet } from "../live/use-get.ts";
import { secondNow } from "../page-clock.ts";
import type { Column } from "../parts/data-table.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { Panel } from "../parts/panel.tsx";
import { Empty, Loading, ProblemBox } from "../parts/states.tsx";
import { TraceLink } from "../parts/trace-link.tsx";

const columns: readonly Column<LetterRow>[] = [
  { id: "method", head: "Method", cell: ({ method }) => <code>{method}</code> },
  { id: "from", head: "From", cell: ({ from }) => from ?? unknown },
  { id: "input", head: "Argument", isFlexible: true, cell: ({ input }) => <code title={input}>{input}</code> },
  { id: "bytes", head: "Size", align: "end", cell: (row) => bytes(row.bytes) },
  { id: "sequence", head: "Sequence", align: "end", isWideOnly: true, cell: ({ sequence }) => exact(sequence) },
  { id: "trace", head: "Trace", isWideOnly: true, cell: ({ trace }) => <TraceLink trace={trace} /> },
];

export function ActorMailbox({ view }: { readonly view: ActorView }) {
  const got = useGet<MailboxView>(apiPath("actors", view.type, view.id, "mailbox"));
  const moment = Math.floor(secondNow.value / 2_000);
  // Nothing tells the page of mail that comes: it looks each two seconds, while somebody looks.
  useEffect(got.reload, [moment]);
  if (got.data === null)
    return got.problem === null ? (
      <Loading what="its mailbox" />
    ) : (
      <ProblemBox problem={got.problem} onRetry={got.reload} />
    );
  const { waiting, letters } = got.data;
  return (
    <Panel
      title={waiting === 0 ? "Mailbox" : `${plural(waiting, "message")} waiting`}
      aside={waiting > letters.length ? <span class="quiet">the oldest {letters.length}</span> : null}
    >
      <DataTable
        label="Messages that wait"
        columns={columns}
        rows={letters}
        keyOf={({ sequence }) => String(sequence)}
        empty={
          <Empty title="Nothing waits">
            Told messages stand here until the turn that handles them has been committed.
          </Empty>
        }
      />
    </Panel>
  );
}
