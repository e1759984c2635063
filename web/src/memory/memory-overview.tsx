// How much agents remember, how fast that grows and when it is full, what is written most, and who is in whose way.

import { useEffect } from "preact/hooks";
import type { HotKey, MemoryView, ScopeKindRow } from "../../../src/monitoring/dashboard/api/memory.ts";
import { bytes, count, exact } from "../format/figures.ts";
import { useGet } from "../live/use-get.ts";
import { secondNow } from "../page-clock.ts";
import type { Column } from "../parts/data-table.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { Panel } from "../parts/panel.tsx";
import { Empty, Loading, ProblemBox } from "../parts/states.tsx";
import { hrefOf } from "../router.ts";
import { ConflictHeatMap } from "./conflict-heat-map.tsx";
import { growthOf } from "./growth.ts";
import { placeOf } from "./scope-name.ts";
import { Streams } from "./streams.tsx";

const everySeconds = 5;

export function MemoryOverview() {
  const got = useGet<MemoryView>("memory");
  const round = Math.floor(secondNow.value / 1_000 / everySeconds);
  useEffect(() => got.reload(), [round]);
  if (got.data === null)
    return got.problem === null ? (
      <Loading what="the memory" />
    ) : (
      <ProblemBox problem={got.problem} onRetry={got.reload} />
    );
  const { kinds, hottest, conflicts, streams, isComplete } = got.data;
  return (
    <>
      {got.problem !== null && <ProblemBox problem={got.problem} onRetry={got.reload} />}
      <Streams streams={streams} />
      <Panel title="By kind of scope" aside={!isComplete && <span class="quiet">still reading: figures grow</span>}>
        <DataTable
          label="Memory by kind of scope"
          columns={kindColumns}
          rows={kinds.toSorted((one, other) => other.bytes - one.bytes)}
          keyOf={({ kind }) => kind}
          empty={<NoMemory />}
        />
      </Panel>
      <ConflictHeatMap conflicts={conflicts} />
      <Panel title="Hottest keys" aside={<span class="quiet">writes in the last minute</span>}>
        <DataTable
          label="Hottest keys"
          columns={hotColumns}
          rows={hottest.slice(0, 20)}
          keyOf={({ bucket, key }) => `${bucket} ${key}`}
          empty={<Empty title="Nothing was written in the last minute" />}
        />
      </Panel>
    </>
  );
}

function NoMemory() {
  return (
    <Empty title="Nothing is remembered yet">
      What an agent logs, and facts that it sets, are counted here: <code>ctx.memory.log.append(…)</code>
    </Empty>
  );
}

function HotPlace({ hot }: { readonly hot: HotKey }) {
  const { text, parts } = placeOf(hot);
  return (
    <span class="cut" title={hot.key}>
      {parts === null ? (
        <bdi>{text}</bdi>
      ) : (
        <a href={hrefOf(parts)}>
          <bdi>{text}</bdi>
        </a>
      )}
    </span>
  );
}

const kindColumns: readonly Column<ScopeKindRow>[] = [
  { id: "kind", head: "Kind", cell: ({ kind }) => kind },
  { id: "scopes", head: "Scopes", align: "end", cell: ({ scopes }) => exact(scopes) },
  { id: "entries", head: "Entries", align: "end", isWideOnly: true, cell: ({ entries }) => exact(entries) },
  { id: "facts", head: "Facts", align: "end", isWideOnly: true, cell: ({ facts }) => exact(facts) },
  {
    id: "bytes",
    head: "Size",
    align: "end",
    cell: (row) => <span title={`${exact(row.bytes)} bytes`}>{bytes(row.bytes)}</span>,
  },
  {
    id: "growth",
    head: "Growth",
    align: "end",
    cell: ({ bytesPerHour }) => <span class="kind-growth">{growthOf(bytesPerHour)}</span>,
  },
];

const hotColumns: readonly Column<HotKey>[] = [
  {
    id: "key",
    head: "Key",
    isFlexible: true,
    cell: (hot) => <HotPlace hot={hot} />,
  },
  { id: "bucket", head: "In", cell: ({ bucket }) => bucket },
  { id: "writes", head: "Writes", align: "end", cell: ({ writesPerMinute }) => count(writesPerMinute) },
  { id: "bytes", head: "Size", align: "end", isWideOnly: true, cell: (row) => bytes(row.bytes) },
];
