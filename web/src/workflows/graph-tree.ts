// A workflow's graph as what it is: blocks in nodes in blocks. The paths of the nodes say it all (src/workflow/tree.ts): a node's
// block is its path up to the last slash, and a block belongs to the node at the path before it.
//
//   T1. Every node of the graph stands in the tree exactly once, whatever the server sent: one whose owner is unknown stands
//       at the root.

import type { GraphNode, GraphView } from "../../../src/monitoring/dashboard/api/workflows.ts";

export interface Lane {
  /** The way's name; "" for the body of a repetition and for what a wait leads to in time. */
  readonly name: string;
  /** Taken when something failed, or came too late. */
  readonly isDashed: boolean;
  readonly nodes: readonly TreeNode[];
}

export interface TreeNode {
  readonly id: string;
  readonly name: string;
  /** What else there is to say of it, in the definition. */
  readonly note: string | null;
  readonly kind: string;
  readonly lanes: readonly Lane[];
}

/** Drawn by the page itself where they belong. */
const marks: readonly string[] = ["start", "end", "join"];

export function treeOf({ nodes, edges }: GraphView): readonly TreeNode[] {
  const own = nodes.filter(({ kind }) => !marks.includes(kind));
  const known = new Set(own.map(({ id }) => id));
  const blocks = new Map<string, GraphNode[]>();
  for (const node of new Map(own.map((node) => [node.id, node])).values()) {
    const block = blockOf(node.id);
    const place = known.has(ownerOf(block).id) ? block : ""; // T1
    blocks.set(place, [...(blocks.get(place) ?? []), node]);
  }
  const waysOf = (id: string) => edges.flatMap(({ from, label }) => (from === id && label !== null ? [label] : []));
  const grow = (block: string): readonly TreeNode[] =>
    (blocks.get(block) ?? []).map((node) => {
      const parts = [...blocks.keys()].filter((path) => path !== "" && ownerOf(path).id === node.id);
      const full = parts.map((path) => laneOf(node.kind, ownerOf(path).part, grow(path))).sort(byPlan);
      const lanes = withEmpty(node.kind, full, waysOf(node.id));
      return { id: node.id, name: node.label, note: node.note, kind: node.kind, lanes };
    });
  return grow("");
}

/** All nodes, in the order of the definition, with how deep they stand. */
export function flatten(nodes: readonly TreeNode[], depth = 0, way = ""): readonly FlatNode[] {
  return nodes.flatMap((node) => [
    { node, depth, way },
    ...node.lanes.flatMap((lane) => flatten(lane.nodes, depth + 1, lane.name)),
  ]);
}

export interface FlatNode {
  readonly node: TreeNode;
  readonly depth: number;
  /** Of the node around it. */
  readonly way: string;
}

const blockOf = (id: string): string => id.slice(0, Math.max(0, id.lastIndexOf("/")));

function ownerOf(block: string): { readonly id: string; readonly part: string } {
  if (block === "") return { id: "", part: "" };
  if (block.endsWith("[]")) return { id: block.slice(0, -2), part: "" };
  const cut = block.lastIndexOf("/");
  return { id: block.slice(0, Math.max(0, cut)), part: block.slice(cut + 1) };
}

function laneOf(kind: string, part: string, nodes: readonly TreeNode[]): Lane {
  if (kind === "attempt") return { name: part, isDashed: part !== "try", nodes };
  return { name: part, isDashed: kind === "wait", nodes };
}

/** What is meant to happen stands before what happens instead; the rest as in the definition. */
const byPlan = (one: Lane, other: Lane): number => Number(one.isDashed) - Number(other.isDashed);

/** With the ways that nothing stands on, which only the edges know. */
function withEmpty(kind: string, full: readonly Lane[], ways: readonly string[]): readonly Lane[] {
  if (kind === "wait") return full.length === 0 ? [] : [{ name: "", isDashed: false, nodes: [] }, ...full];
  if (kind !== "branch" && kind !== "parallel" && kind !== "attempt") return full;
  const missing = [...new Set(ways)].filter((way) => !full.some(({ name }) => name === way));
  return [...full, ...missing.map((way) => laneOf(kind, way, []))];
}
