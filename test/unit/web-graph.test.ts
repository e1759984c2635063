import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { triage } from "../../examples/incident-triage/triage.ts";
import { research } from "../../examples/research-pipeline/research.ts";
import type { GraphNode, GraphView } from "../../src/monitoring/dashboard/api/workflows.ts";
import { graphOf as definitionGraph } from "../../src/workflow/definition-graph.ts";
import type { Tree } from "../../src/workflow/tree.ts";
import type { Drawing, Placed } from "../../web/src/workflows/graph-layout.ts";
import { layOut, shortened } from "../../web/src/workflows/graph-layout.ts";
import { flatten, treeOf } from "../../web/src/workflows/graph-tree.ts";
import { planOf } from "./workflow-play.ts";
import { anyPlan } from "./workflow-shapes.ts";

/** As the dashboard's server tells it. */
function graphOf(tree: Tree): GraphView {
  const { nodes, edges } = definitionGraph(tree);
  return {
    nodes: nodes.map(({ id, label, kind, note }) => ({ id, label, kind, note: note ?? null })),
    edges: edges.map(({ from, to, label, isDashed }) => {
      return { from, to, label: label ?? null, isDashed: isDashed === true };
    }),
  };
}

const isDrawnAlone = (id: string) => id.includes(":");

interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const overlap = (a: Rect, b: Rect): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
const holds = (outer: Rect, inner: Rect): boolean =>
  inner.x >= outer.x - 0.01 &&
  inner.y >= outer.y - 0.01 &&
  inner.x + inner.width <= outer.x + outer.width + 0.01 &&
  inner.y + inner.height <= outer.y + outer.height + 0.01;
const frameOf = ({ box, ...node }: Placed): Rect => box ?? node;
const isIn = (inner: string, outer: string) => inner.startsWith(`${outer}/`) || inner.startsWith(`${outer}[]`);

function checkDrawing(graph: GraphView): Drawing {
  const drawing = layOut(treeOf(graph));
  const { nodes, links } = drawing;
  const own = graph.nodes.map(({ id }) => id).filter((id) => !isDrawnAlone(id));
  expect(nodes.map(({ node }) => node.id).sort()).toEqual(own.sort()); // T1
  for (const [at, one] of nodes.entries()) {
    expect(holds({ x: 0, y: 0, width: drawing.width, height: drawing.height }, frameOf(one))).toBe(true);
    for (const other of nodes.slice(at + 1)) {
      expect(overlap(one, other), `${one.node.id} and ${other.node.id}`).toBe(false); // L1
      if (one.box === null && other.box === null) continue;
      const [outer, inner] = isIn(one.node.id, other.node.id) ? [other, one] : [one, other];
      const isInner = isIn(inner.node.id, outer.node.id);
      if (isInner && outer.box !== null) expect(holds(outer.box, frameOf(inner)), inner.node.id).toBe(true);
      if (!isInner) expect(overlap(frameOf(one), frameOf(other)), `${one.node.id}, ${other.node.id}`).toBe(false);
    }
  }
  const nodeAt = new Map(nodes.map((placed) => [placed.node.id, placed]));
  for (const { points, isDashed, to, from } of links) {
    const downs = points.slice(1).map(([, y], at) => y >= (points[at]?.[1] ?? 0));
    const isBack = isDashed && !downs.every(Boolean);
    const owner = from === null ? undefined : nodeAt.get(from);
    if (isBack) expect(to === null || owner !== undefined).toBe(true);
    else expect(downs.every(Boolean)).toBe(true); // L2
    const end = points.at(-1);
    const target = to === null ? undefined : nodeAt.get(to);
    if (isBack || end === undefined || target === undefined) continue;
    const [x, y] = end;
    expect(y).toBeCloseTo(target.y, 3);
    expect(x >= target.x && x <= target.x + frameOf(target).width).toBe(true);
  }
  return drawing;
}

describe("the graph of a workflow", () => {
  test("T1, L1, L2: whatever the definition, each node is drawn once, without overlap, inside of what it stands in", () => {
    fc.assert(
      fc.property(anyPlan, ({ tree }) => {
        checkDrawing(graphOf(tree));
      }),
      { numRuns: 150 },
    );
  });

  test("the examples fit a screen", () => {
    const drawn = checkDrawing(graphOf(triage.plan.tree));
    expect(drawn.width).toBeLessThan(1_000);
    expect(drawn.height).toBeLessThan(1_300);
    expect(checkDrawing(graphOf(research.plan.tree)).width).toBeLessThan(500);
  });

  test("sixty nodes in twelve ways stand side by side without overlap", () => {
    const { tree } = planOf(({ parallel, task, loop }) => {
      const way = (at: number) => [1, 2, 3, 4].map((step) => task(`step-${at}-${step}`, () => {}));
      return [
        parallel("wide", Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`way-${at}`, way(at)]))),
        loop("again", { until: () => true }, ...Array.from({ length: 10 }, (_, at) => task(`tail-${at}`, () => {}))),
      ];
    });
    expect(checkDrawing(graphOf(tree)).nodes).toHaveLength(60);
  });

  test("a way without nodes is drawn as a line of its own", () => {
    const tree = treeOf(graphOf(triage.plan.tree));
    const customer = flatten(tree).find(({ node }) => node.name === "customer")?.node;
    expect(customer?.lanes.map(({ name, nodes }) => [name, nodes.length])).toEqual([
      ["tell", 1],
      ["else", 0],
    ]);
    const { links } = layOut(tree);
    expect(links.some(({ way, to }) => way?.owner === customer?.id && way?.name === "else" && to === null)).toBe(true);
  });

  test("T1: nodes without the node around them stand at the root, twice named ones once, and drawn signs are left out", () => {
    const node = (id: string, kind = "task"): GraphNode => ({ id, label: id, kind, note: null });
    const nodes = [node("a/b/c"), node("x"), node("x"), node(":start", "start"), node("j:join", "join"), node("")];
    expect(treeOf({ nodes, edges: [] }).map(({ id }) => id)).toEqual(["a/b/c", "x", ""]);
  });

  test("nothing follows what fails on purpose, unless another way leads on", () => {
    const { tree } = planOf(({ branch, when, otherwise, fail, task }) => [
      branch(
        "all-fail",
        when("a", () => true, fail("one", { code: "A" })),
        otherwise(fail("two", { code: "B" })),
      ),
      task("never", () => {}),
    ]);
    const { links } = checkDrawing(graphOf(tree));
    expect(links.some(({ to }) => to === "never")).toBe(false);
  });

  test("long names keep their ends", () => {
    expect(shortened("short", 10)).toBe("short");
    expect(shortened("a-very-long-name-of-a-node", 12)).toBe("a-very-…node");
    expect([...shortened("😀".repeat(40), 12)]).toHaveLength(12);
  });
});
