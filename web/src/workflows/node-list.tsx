// The nodes of a run as a list: what the graph shows, in words, and for each what there is to know of it.

import type { NodeView, RunView } from "../../../src/monitoring/dashboard/api/workflows.ts";
import { exact, plural } from "../format/figures.ts";
import { ago, exactTime } from "../format/times.ts";
import { secondNow } from "../page-clock.ts";
import { Badge } from "../parts/badge.tsx";
import { Panel } from "../parts/panel.tsx";
import type { FlatNode } from "./graph-tree.ts";
import { flatten, treeOf } from "./graph-tree.ts";
import { NodeDetails } from "./node-details.tsx";
import type { RunProgress } from "./run-progress.ts";
import { looks } from "./run-progress.ts";

export interface NodeListProps {
  readonly view: RunView;
  readonly progress: RunProgress;
  readonly chosen: string | null;
  readonly onChoose: (id: string | null) => void;
}

export function NodeList({ view, progress, chosen, onChoose }: NodeListProps) {
  const nodes = view.graph === null ? marksAlone(view.nodes) : flatten(treeOf(view.graph));
  const begun = nodes.filter(({ node }) => progress.of(node.id).is !== "absent").length;
  return (
    <Panel
      title="Nodes"
      aside={
        <span class="quiet">
          {exact(begun)} of {plural(nodes.length, "node")} begun
        </span>
      }
    >
      {view.graph === null && <p class="panel-body quiet">{noGraph}</p>}
      <ul class="node-list" aria-label="Nodes of the run">
        {nodes.map((flat) => (
          <NodeLine
            key={flat.node.id}
            flat={flat}
            progress={progress}
            isOpen={flat.node.id === chosen}
            onToggle={() => onChoose(flat.node.id === chosen ? null : flat.node.id)}
          />
        ))}
      </ul>
    </Panel>
  );
}

const noGraph =
  "No worker has registered this version of the definition, so its graph is not known: these are the nodes that have begun.";

/** Without a definition: what the run itself has marked. */
function marksAlone(views: readonly NodeView[]): readonly FlatNode[] {
  const ids = [...new Set(views.map(({ id }) => id))];
  return ids.map((id) => ({ node: { id, name: id, note: null, kind: "", lanes: [] }, depth: 0, way: "" }));
}

interface NodeLineProps {
  readonly flat: FlatNode;
  readonly progress: RunProgress;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}

function NodeLine({ flat, progress, isOpen, onToggle }: NodeLineProps) {
  const { node, depth, way } = flat;
  const { is, views, more } = progress.of(node.id);
  const { tone, words } = looks[is];
  const dueMs = views[0]?.dueMs ?? null;
  return (
    <li class={isOpen ? "is-open" : undefined} style={{ "--depth": Math.min(depth, 6) }}>
      <button type="button" class="node-line" aria-expanded={isOpen} onClick={onToggle}>
        <span class="node-way quiet">{way === "" || depth === 0 ? "" : `${way}: `}</span>
        <bdi class="node-name">{node.name}</bdi>
        <span class="node-kind quiet">{node.kind}</span>
        <span class="node-is">
          {is === "absent" ? <span class="quiet">not begun</span> : <Badge tone={tone}>{words}</Badge>}
          {more !== "" && <span class="quiet">{more}</span>}
          {dueMs !== null && <span title={exactTime(dueMs)}>due {ago(dueMs, secondNow.value)}</span>}
        </span>
      </button>
      {isOpen && <NodeDetails node={node} views={views} />}
    </li>
  );
}
