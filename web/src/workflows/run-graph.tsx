// The graph of a run, drawn as SVG. It is for eyes: the list of nodes beside it says the same to everybody, and is where the
// keyboard goes. Pressing a node shows it there.

import { useMemo, useState } from "preact/hooks";
import type { GraphView } from "../../../src/monitoring/dashboard/api/workflows.ts";
import { Panel } from "../parts/panel.tsx";
import type { Drawing, Link, Placed, Point } from "./graph-layout.ts";
import { layOut, shortened, sizes } from "./graph-layout.ts";
import { treeOf } from "./graph-tree.ts";
import type { RunProgress } from "./run-progress.ts";
import { looks } from "./run-progress.ts";

export interface RunGraphProps {
  readonly graph: GraphView;
  readonly progress: RunProgress;
  readonly chosen: string | null;
  readonly onChoose: (id: string) => void;
}

export function RunGraph({ graph, progress, chosen, onChoose }: RunGraphProps) {
  // The server tells the whole run at each change; the definition stays what it is.
  const drawing = useMemo(() => layOut(treeOf(graph)), [JSON.stringify(graph)]);
  const [isFit, setFit] = useState(false);
  return (
    <Panel
      title="Graph"
      aside={
        <button type="button" aria-pressed={isFit} onClick={() => setFit(!isFit)}>
          Fit the width
        </button>
      }
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <section class="graph-frame" aria-label="Graph of the run: its nodes are in the list of nodes" tabIndex={0}>
        <svg
          class={isFit ? "graph is-fit" : "graph"}
          viewBox={`0 0 ${drawing.width} ${drawing.height}`}
          width={isFit ? undefined : drawing.width}
          height={isFit ? undefined : drawing.height}
          aria-hidden="true"
          focusable="false"
        >
          <Lines drawing={drawing} progress={progress} />
          {drawing.nodes.map((placed) => (
            <NodeShape
              key={placed.node.id}
              placed={placed}
              progress={progress}
              isChosen={placed.node.id === chosen}
              onChoose={onChoose}
            />
          ))}
          <circle class="graph-end" cx={drawing.begin[0]} cy={drawing.begin[1]} r="5" />
          <circle class="graph-end" cx={drawing.end[0]} cy={drawing.end[1]} r="5" />
        </svg>
      </section>
    </Panel>
  );
}

function Lines({ drawing, progress }: { readonly drawing: Drawing; readonly progress: RunProgress }) {
  const boxes = drawing.nodes.filter(({ box }) => box !== null);
  // What was taken is drawn last, over what was not.
  const links = drawing.links
    .map((link) => ({ link, isTaken: progress.hasTaken(link) }))
    .toSorted((one, other) => Number(one.isTaken) - Number(other.isTaken));
  return (
    <>
      {boxes.map(({ node, box }) => (
        <rect key={node.id} class="graph-box" {...box} rx="8" />
      ))}
      {links.map(({ link, isTaken }, at) => (
        <Line key={at} link={link} isTaken={isTaken} />
      ))}
      {drawing.joins.map(({ owner, x, y, width }) => (
        <rect key={owner} class="graph-join" x={x} y={y} width={width} height="4" rx="2" />
      ))}
    </>
  );
}

function Line({ link, isTaken }: { readonly link: Link; readonly isTaken: boolean }) {
  const { points, isDashed, isArrow, label } = link;
  const classes = ["graph-link", isTaken && "is-taken", isDashed && "is-dashed"].filter(Boolean).join(" ");
  return (
    <g class={classes}>
      <polyline points={points.map((point) => point.join(",")).join(" ")} />
      {isArrow && <path class="graph-arrow" d={arrowAt(points)} />}
      {label !== null && (
        <text x={label.x} y={label.y} text-anchor="middle">
          {label.text}
        </text>
      )}
    </g>
  );
}

/** At the end of a line, in its direction: down, or back to the left. */
function arrowAt(points: readonly Point[]): string {
  const [x, y] = points.at(-1) ?? [0, 0];
  const [beforeX] = points.at(-2) ?? [0, 0];
  return beforeX === x
    ? `M${x - 4} ${y - 7} L${x} ${y} L${x + 4} ${y - 7}`
    : `M${x + 7} ${y - 4} L${x} ${y} L${x + 7} ${y + 4}`;
}

interface NodeShapeProps {
  readonly placed: Placed;
  readonly progress: RunProgress;
  readonly isChosen: boolean;
  readonly onChoose: (id: string) => void;
}

function NodeShape({ placed, progress, isChosen, onChoose }: NodeShapeProps) {
  const { node, x, y, width, height, lines, box } = placed;
  const { is, more } = progress.of(node.id);
  const { tone, sign, words } = looks[is];
  const classes = ["graph-node", `is-${is}`, `tone-${tone}`, box !== null && "is-title", isChosen && "is-chosen"];
  const textX = x + sizes.nodePadding + 18;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: hidden from others than eyes and pointers, who have the list of nodes
    <g class={classes.filter(Boolean).join(" ")} onClick={() => onChoose(node.id)}>
      <title>{`${node.id}: ${words}${more === "" ? "" : `, ${more}`}`}</title>
      <rect x={x} y={y} width={width} height={height} rx={radiusOf(node.kind)} />
      <path
        class="graph-kind"
        d={drawings[node.kind] ?? ""}
        transform={`translate(${x + sizes.nodePadding - 2} ${y + 8})`}
      />
      {lines.map((line, at) => (
        <text key={at} class={at === 0 ? "graph-name" : "graph-note"} x={textX} y={y + 18 + at * sizes.lineHeight}>
          {line}
        </text>
      ))}
      {sign !== "" && <Sign x={x + width} y={y} sign={sign} />}
      {more !== "" && (
        <text class="graph-more" x={x + width / 2} y={y + height + 12} text-anchor="middle">
          {shortened(more, 26)}
        </text>
      )}
    </g>
  );
}

function Sign({ x, y, sign }: { readonly x: number; readonly y: number; readonly sign: string }) {
  return (
    <g class="graph-sign">
      <circle cx={x - 2} cy={y + 2} r="8" />
      <text x={x - 2} y={y + 6} text-anchor="middle">
        {sign}
      </text>
    </g>
  );
}

/** What a node is, drawn in 12 by 12; the list of nodes has the word. */
const drawings: Readonly<Record<string, string>> = {
  task: "M2 2h8v8H2z",
  child: "M1 1h7v7H1zM4 4h7v7H4z",
  change: "M2 10l1-3 6-6 2 2-6 6z",
  branch: "M6 0l6 6-6 6-6-6z",
  parallel: "M1 2h10M1 6h10M1 10h10",
  each: "M1 2h1M1 6h1M1 10h1M5 2h6M5 6h6M5 10h6",
  loop: "M10 6a4 4 0 1 1-1.5-3.1M9 0v3H6",
  sleep: "M6 1a5 5 0 1 0 .01 0M6 3v3l2 1.5",
  wait: "M1 2.5h10v7H1zM1 3l5 4 5-4",
  attempt: "M6 .8l4.5 1.8V6c0 2.600-2 4.400-4.500 5.300C3.500 10.400 1.500 8.600 1.500 6V2.600z",
  fail: "M2 2l8 8M10 2l-8 8",
};

const radiusOf = (kind: string): number => (kind === "change" || kind === "sleep" ? 14 : 6);
