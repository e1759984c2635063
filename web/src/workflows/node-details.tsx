// One node of a run: each of its repetitions with attempt, failure and due time, and of a branch what decided it.

import { useEffect, useRef } from "preact/hooks";
import type { NodeView } from "../../../src/monitoring/dashboard/api/workflows.ts";
import { exact } from "../format/figures.ts";
import { exactTime } from "../format/times.ts";
import { Badge } from "../parts/badge.tsx";
import { JsonTree } from "../parts/json-tree.tsx";
import { LongText } from "../parts/long-text.tsx";
import type { TreeNode } from "./graph-tree.ts";
import type { Standing } from "./run-progress.ts";
import { looks } from "./run-progress.ts";

const shownMax = 50;

export function NodeDetails({ node, views }: { readonly node: TreeNode; readonly views: readonly NodeView[] }) {
  const place = useRef<HTMLDivElement>(null);
  // Whoever has pressed a node of the graph wants to see this.
  useEffect(() => place.current?.scrollIntoView?.({ block: "nearest" }), []);
  return (
    <div class="node-details" ref={place}>
      <p>
        <code>{node.id}</code>
        {node.note !== null && <span class="quiet"> {node.note}</span>}
      </p>
      {views.length === 0 && <p class="quiet">It has not begun, or was given up with what it stands in.</p>}
      {views.slice(0, shownMax).map((view) => (
        <Repetition key={view.path} view={view} isOne={views.length === 1} />
      ))}
      {views.length > shownMax && <p class="quiet">and {exact(views.length - shownMax)} more</p>}
    </div>
  );
}

function Repetition({ view, isOne }: { readonly view: NodeView; readonly isOne: boolean }) {
  const { path, is, attempt, way, dueMs, failure } = view;
  const look = looks[is as Standing] ?? looks.absent;
  return (
    <div class="repetition">
      <p>
        {!isOne && <code>{path} </code>}
        <Badge tone={look.tone}>{look.words}</Badge>
        {attempt !== null && <span> attempt {exact(attempt)}</span>}
        {way !== null && (
          <span>
            {" "}
            took <b>{way}</b>
          </span>
        )}
        {dueMs !== null && <span> due {exactTime(dueMs)}</span>}
      </p>
      {failure !== null && (
        <p class="node-failure">
          <code>{failure.code}</code> <LongText text={failure.message} />
        </p>
      )}
      {way !== null && <Decided view={view} way={way} />}
    </div>
  );
}

function Decided({ view, way }: { readonly view: NodeView; readonly way: string }) {
  if (view.decidedBy === null)
    return <p class="quiet">The state that decided it is no longer kept: only the last revisions of a run are.</p>;
  return (
    <>
      <p class="quiet">Decided by the run's state at that moment:</p>
      <JsonTree value={view.decidedBy} label={`state that decided for ${way} at ${view.path}`} openLevels={1} />
    </>
  );
}
