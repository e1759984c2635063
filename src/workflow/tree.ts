// The paths of a definition. A path says where a node stands, and in which repetition: `refine[2]/review`.
//
//   X1. A node's path does not change while its name, and the names of what it stands in, do not.
//   X2. Of two definitions with one hash every path leads to nodes of the same kind, in the same order.

import { createHash } from "node:crypto";
import type { Block, Node } from "./node.ts";
import { blocksOf } from "./node.ts";

/** A node's place in the definition. */
export interface Spot {
  readonly node: Node;
  /** Its number in its block. */
  readonly at: number;
}

export interface Tree {
  readonly root: Block;
  /** By path without repetitions. */
  readonly spots: ReadonlyMap<string, Spot>;
  readonly blocks: ReadonlyMap<string, Block>;
  readonly hash: string;
}

/** Longest path: with the run's id it is the id of a task's actor. Unit: bytes. */
export const pathBytesMax = 150;
/** Digits of the number of an item. */
const numberLengthMax = 6;

/** The path of the node in the definition that stands in a repetition. */
export const withoutNumbers = (path: string): string => (path.includes("[") ? path.replace(/\[\d+\]/g, "[]") : path);

export function treeOf(root: Block): Tree {
  const spots = new Map<string, Spot>();
  const blocks = new Map<string, Block>();
  const plant = (blockPath: string, block: Block): void => {
    blocks.set(blockPath, block);
    for (const [at, node] of block.entries()) {
      const path = pathIn(blockPath, node.name);
      spots.set(path, { node, at });
      for (const [part, inner] of blocksOf(node)) plant(`${path}${part}`, inner);
    }
  };
  plant("", root);
  return { root, spots, blocks, hash: hashOf(root) };
}

export function pathIn(blockPath: string, name: string): string {
  return blockPath === "" ? name : `${blockPath}/${name}`;
}

/** The longest that a path can be, with the number of each repetition in it. Unit: bytes. */
export function longestPath({ spots }: Tree): number {
  const lengths = [...spots.keys()].map((path) => path.length + numberLengthMax * (path.split("[]").length - 1));
  return Math.max(0, ...lengths);
}

/** The node at a path; undefined when the definition has none there. */
export function spotAt(tree: Tree, path: string): Spot | undefined {
  return tree.spots.get(withoutNumbers(path));
}

export function blockAt(tree: Tree, blockPath: string): Block | undefined {
  return tree.blocks.get(withoutNumbers(blockPath));
}

/** The block that a node stands in; "" is the root. */
export function blockPathOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** The path of the node that a block belongs to, and the block's part: a way's name, or a number in brackets. */
export function ownerOf(blockPath: string): { readonly path: string; readonly part: string } {
  const cut = blockPath.endsWith("]") ? blockPath.lastIndexOf("[") : blockPath.lastIndexOf("/");
  return { path: blockPath.slice(0, cut), part: blockPath.slice(cut).replace("/", "") };
}

/** Whether a path is within what stands at another; all is within "". */
export function isWithin(path: string, outer: string): boolean {
  return outer === "" || path.startsWith(`${outer}/`) || path.startsWith(`${outer}[`);
}

/** The paths of the nodes around a node, the nearest first. */
export function around(path: string): string[] {
  const found: string[] = [];
  for (let block = blockPathOf(path); block !== ""; block = blockPathOf(found.at(-1) ?? "")) {
    found.push(ownerOf(block).path);
  }
  return found;
}

function hashOf(root: Block): string {
  return createHash("sha256")
    .update(JSON.stringify(root.map(shapeOf)))
    .digest("hex")
    .slice(0, 12);
}

/** What matters of a node to a run that is on its way: kinds, names, order and bounds, not the functions. */
function shapeOf(node: Node): unknown {
  const { kind, name } = node;
  const inner = blocksOf(node).map(([part, block]) => [part, block.map(shapeOf)]);
  switch (node.kind) {
    case "parallel":
      return [kind, name, node.join, inner];
    case "each":
      return [kind, name, node.join, inner];
    case "wait":
      return [kind, name, node.signal, inner];
    case "child":
      return [kind, name, node.runs.type];
    case "task":
      return [kind, name, node.compensate !== undefined];
    case "branch":
    case "loop":
    case "change":
    case "sleep":
    case "attempt":
    case "fail":
      return [kind, name, inner];
  }
}
