// Where each node of a workflow is drawn: from the top down, ways side by side, repetitions and attempts as boxes around what stands
// in them. Pure: the same tree is always drawn alike, and nothing is measured in the browser.
//
//   L1. No two nodes overlap, and what stands in a box stands within its borders.
//   L2. A link leads down, from what comes before to what comes after; only that of a repetition leads back.

import type { Lane, TreeNode } from "./graph-tree.ts";

export interface Placed {
  readonly node: TreeNode;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly lines: readonly string[];
  /** The box around what stands in it; null: it has none. */
  readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number } | null;
}

export interface Link {
  readonly points: readonly Point[];
  readonly isDashed: boolean;
  /** It ends in an arrow. */
  readonly isArrow: boolean;
  readonly label: { readonly text: string; readonly x: number; readonly y: number } | null;
  /** The node whose way it is, and the way's name; null: it leads from a node to the next. */
  readonly way: { readonly owner: string; readonly name: string } | null;
  /** What it leads to; null: where ways meet, or the end. */
  readonly to: string | null;
  /** Out of which node it leads, or its whole block; null: the beginning. */
  readonly from: string | null;
}

export type Point = readonly [x: number, y: number];

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly Placed[];
  readonly links: readonly Link[];
  /** Bars where all ways of a parallel meet, and dots at the beginning and the end. */
  readonly joins: readonly { readonly x: number; readonly y: number; readonly width: number; readonly owner: string }[];
  readonly begin: Point;
  readonly end: Point;
}

export const sizes = {
  /** Of one character of a label. */
  charWidth: 7.4,
  lineHeight: 16,
  nodeWidthMin: 92,
  nodeWidthMax: 208,
  nodePadding: 12,
  /** Between a node and the next. */
  gap: 30,
  /** Above and below ways, where their lines spread and meet. */
  fan: 40,
  laneGap: 22,
  laneWidthMin: 56,
  boxPadding: 16,
  margin: 14,
} as const;

/** A part with its place of entry and exit at `axis`, its upper left corner at 0, 0. */
interface Part {
  readonly width: number;
  readonly height: number;
  readonly axis: number;
  /** Nothing comes after it. */
  readonly isDead: boolean;
  /** What it is, for a link that leads to it. */
  readonly entry: string | null;
  readonly exit: string | null;
  draw(at: Point, onto: Canvas): void;
}

class Canvas {
  readonly nodes: Placed[] = [];
  readonly links: Link[] = [];
  readonly joins: Drawing["joins"][number][] = [];
}

export function layOut(tree: readonly TreeNode[]): Drawing {
  const { margin, gap } = sizes;
  const block = blockPart(tree);
  const canvas = new Canvas();
  const x = margin + block.axis;
  const top = margin + gap + 8;
  const bottom = top + block.height;
  canvas.links.push(link(down(x, margin + 8, top), { to: block.entry }));
  block.draw([margin, top], canvas);
  if (!block.isDead) canvas.links.push(link(down(x, bottom, bottom + gap), { from: block.exit }));
  return {
    width: block.width + 2 * margin,
    height: bottom + gap + 8 + margin,
    nodes: canvas.nodes,
    links: canvas.links,
    joins: canvas.joins,
    begin: [x, margin + 4],
    end: [x, bottom + gap + 4],
  };
}

const down = (x: number, fromY: number, toY: number): Point[] => [
  [x, fromY],
  [x, toY],
];

function link(points: readonly Point[], about: Partial<Link> = {}): Link {
  return { points, isDashed: false, isArrow: true, label: null, way: null, to: null, from: null, ...about };
}

/** Nodes one below the other, all on one axis. */
function blockPart(nodes: readonly TreeNode[]): Part {
  const parts = nodes.map(nodePart);
  const left = Math.max(sizes.laneWidthMin / 2, ...parts.map(({ axis }) => axis));
  const right = Math.max(sizes.laneWidthMin / 2, ...parts.map(({ width, axis }) => width - axis));
  const height = parts.reduce((sum, part, at) => sum + part.height + (at === 0 ? 0 : sizes.gap), 0);
  return {
    width: left + right,
    height,
    axis: left,
    isDead: parts.at(-1)?.isDead ?? false,
    entry: parts[0]?.entry ?? null,
    exit: parts.at(-1)?.exit ?? null,
    draw([x, y], onto) {
      let top = y;
      for (const [at, part] of parts.entries()) {
        const before = parts[at - 1];
        if (before !== undefined) {
          const points = down(x + left, top, top + sizes.gap);
          if (!before.isDead) onto.links.push(link(points, { from: before.exit, to: part.entry }));
          top += sizes.gap;
        }
        part.draw([x + left - part.axis, top], onto);
        top += part.height;
      }
    },
  };
}

function nodePart(node: TreeNode): Part {
  if (node.lanes.length === 0) return plainPart(node);
  return node.kind === "branch" || node.kind === "parallel" || node.kind === "wait" ? forkPart(node) : boxPart(node);
}

function plainPart(node: TreeNode): Part {
  const { width, height, lines } = labelOf(node);
  return {
    ...{ width, height, axis: width / 2, isDead: node.kind === "fail", entry: node.id, exit: node.id },
    draw([x, y], onto) {
      onto.nodes.push({ node, x, y, width, height, lines, box: null });
    },
  };
}

interface PlacedLane {
  readonly lane: Lane;
  readonly part: Part;
  /** Of its left edge, from that of all lanes. */
  readonly x: number;
}

function placeLanes(lanes: readonly Lane[]): { readonly placed: readonly PlacedLane[]; readonly width: number } {
  let x = 0;
  const placed = lanes.map((lane) => {
    const part = widened(blockPart(lane.nodes), labelWidth(lane.name) + 10);
    const here = { lane, part, x };
    x += part.width + sizes.laneGap;
    return here;
  });
  return { placed, width: Math.max(0, x - sizes.laneGap) };
}

/** With room for its label besides its axis. */
function widened(part: Part, width: number): Part {
  const more = Math.max(0, width - part.width) / 2;
  if (more === 0) return part;
  return {
    ...part,
    width,
    axis: part.axis + more,
    draw: ([x, y], onto) => part.draw([x + more, y], onto),
  };
}

const axisOf = ({ part, x }: PlacedLane): number => x + part.axis;

/** A node whose ways stand side by side below it, and meet again. */
function forkPart(node: TreeNode): Part {
  const { width: ownWidth, height: ownHeight, lines } = labelOf(node);
  const { placed, width: lanesWidth } = placeLanes(node.lanes);
  const first = placed[0];
  const last = placed.at(-1);
  const middle = first === undefined || last === undefined ? 0 : (axisOf(first) + axisOf(last)) / 2;
  const lanesAxis = node.kind === "wait" && first !== undefined ? axisOf(first) : middle;
  const axis = Math.max(ownWidth / 2, lanesAxis);
  const width = axis + Math.max(ownWidth / 2, lanesWidth - lanesAxis);
  const lanesHeight = Math.max(...placed.map(({ part }) => part.height));
  const height = ownHeight + sizes.fan + lanesHeight + sizes.fan / 2;
  const isDead = placed.every(({ part }) => part.isDead);
  return {
    ...{ width, height, axis, isDead, entry: node.id, exit: node.id },
    draw([x, y], onto) {
      const from: Point = [x + axis, y + ownHeight];
      onto.nodes.push({ node, x: x + axis - ownWidth / 2, y, width: ownWidth, height: ownHeight, lines, box: null });
      drawLanes(node, placed, [x + axis - lanesAxis, from[1] + sizes.fan], { from, meetY: y + height }, onto);
      if (node.kind !== "parallel" || first === undefined || last === undefined) return;
      const barWidth = axisOf(last) - axisOf(first) + 24;
      const barX = x + axis - lanesAxis + axisOf(first) - 12;
      onto.joins.push({ x: barX, y: y + height - 4, width: barWidth, owner: node.id });
    },
  };
}

/** A box around what stands in the node, with the node as its title. */
function boxPart(node: TreeNode): Part {
  const { boxPadding: padding, fan } = sizes;
  const { width: titleWidth, height: titleHeight, lines } = labelOf(node, Number.POSITIVE_INFINITY);
  const isLoop = node.kind !== "attempt";
  const { placed, width: lanesWidth } = placeLanes(node.lanes);
  const first = placed[0];
  const lanesAxis = first === undefined ? 0 : axisOf(first);
  const axis = padding + lanesAxis;
  const back = isLoop ? padding : 0;
  const width = Math.max(titleWidth, axis + lanesWidth - lanesAxis + padding + back);
  const lanesHeight = Math.max(0, ...placed.map(({ part }) => part.height));
  const hasWays = placed.length > 1;
  const enter = hasWays ? fan : sizes.gap;
  const height = titleHeight + enter + lanesHeight + (hasWays ? fan / 2 : 0) + padding;
  const isDead = placed.every(({ part }) => part.isDead);
  return {
    ...{ width, height, axis, isDead, entry: node.id, exit: node.id },
    draw([x, y], onto) {
      const box = { x, y, width, height };
      onto.nodes.push({ node, x, y, width, height: titleHeight, lines, box });
      const at: Point = [x + axis - lanesAxis, y + titleHeight + enter];
      if (hasWays) {
        const from: Point = [x + axis, y + titleHeight];
        const meetY = y + height - padding;
        drawLanes(node, placed, at, { from, meetY, isStraight: true }, onto);
        if (!isDead) onto.links.push(link(down(x + axis, meetY, y + height), { from: node.id, isArrow: false }));
      } else if (first !== undefined) drawBody(node, first, at, { box, enter, isLoop }, onto);
    },
  };
}

function drawBody(
  node: TreeNode,
  { part, lane }: PlacedLane,
  [x, y]: Point,
  frame: { readonly box: NonNullable<Placed["box"]>; readonly enter: number; readonly isLoop: boolean },
  onto: Canvas,
): void {
  const { box, isLoop } = frame;
  const way = { owner: node.id, name: lane.name };
  const axis = x + part.axis;
  onto.links.push(link(down(axis, y - frame.enter, y), { from: node.id, to: part.entry, way }));
  part.draw([x, y], onto);
  const bottom = box.y + box.height;
  if (part.isDead) return;
  onto.links.push(link(down(axis, y + part.height, bottom), { from: part.exit, isArrow: false, way }));
  if (!isLoop) return;
  const side = box.x + box.width - sizes.boxPadding * 0.75;
  const low = bottom - sizes.boxPadding / 2;
  const again: readonly Point[] = [
    [axis, low],
    [side, low],
    [side, y - frame.enter / 2],
    [axis, y - frame.enter / 2],
  ];
  onto.links.push(link(again, { from: part.exit, to: part.entry, isDashed: true, way }));
}

/** Lines from a node to its ways, the ways, and lines to where they meet. */
function drawLanes(
  node: TreeNode,
  placed: readonly PlacedLane[],
  [x, y]: Point,
  { from, meetY, isStraight = false }: { readonly from: Point; readonly meetY: number; readonly isStraight?: boolean },
  onto: Canvas,
): void {
  for (const here of placed) {
    const { lane, part } = here;
    const axis = x + axisOf(here);
    const way = { owner: node.id, name: lane.name };
    const bend = from[1] + 12;
    const isDown = isStraight || axis === from[0];
    const fans = isDown ? down(axis, from[1], y) : [from, [from[0], bend] as const, ...down(axis, bend, y)];
    const label = lane.name === "" ? null : { text: shortened(lane.name, 26), x: axis, y: y - 12 };
    const isEmpty = part.entry === null;
    const { isDashed } = lane;
    onto.links.push(link(fans, { from: node.id, to: part.entry, way, label, isDashed, isArrow: !isEmpty }));
    part.draw([x + here.x, y], onto);
    if (part.isDead) continue;
    const meets = down(axis, y + part.height, meetY);
    if (axis !== from[0]) meets.push([from[0], meetY]);
    onto.links.push(link(meets, { from: part.exit ?? node.id, way, isDashed: isEmpty && isDashed, isArrow: false }));
  }
}

const labelWidth = (text: string): number => Math.min(26, text.length) * sizes.charWidth;

function labelOf(node: TreeNode, widthMax: number = sizes.nodeWidthMax) {
  const { nodePadding: padding, charWidth, lineHeight, nodeWidthMin } = sizes;
  const isWide = widthMax === Number.POSITIVE_INFINITY;
  const charsMax = isWide ? 48 : Math.floor((widthMax - 2 * padding - 18) / charWidth);
  const lines = [node.name, ...(node.note === null ? [] : [node.note])].map((line) => shortened(line, charsMax));
  const longest = Math.max(...lines.map(({ length }) => length));
  // A sign of the kind stands before the first line.
  const width = Math.max(nodeWidthMin, Math.ceil(longest * charWidth + 2 * padding + 18));
  return { width, height: lines.length * lineHeight + padding, lines };
}

/** With the middle left out: names differ at their ends. */
export function shortened(text: string, lengthMax: number): string {
  const chars = [...text];
  if (chars.length <= lengthMax) return text;
  const head = Math.ceil((lengthMax - 1) * 0.6);
  return `${chars.slice(0, head).join("")}…${chars.slice(chars.length - (lengthMax - 1 - head)).join("")}`;
}
