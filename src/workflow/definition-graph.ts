// A definition as nodes and edges: what Mermaid text is printed from, and what a worker tells those that have not its code.
// Walked from the tree that runs are made of, so it cannot say anything else than what runs do.

import type { Block, Node } from "./node.ts";
import type { Tree } from "./tree.ts";
import { pathIn } from "./tree.ts";

/** Ids that are no path: names of nodes hold no colon. */
export const startId = ":start";
export const endId = ":end";
const joinOf = (path: string): string => `${path}:join`;

export interface DefinitionNode {
  /** Its path without numbers, `refine[]/review`; what is only drawn has a colon in it. */
  readonly id: string;
  readonly kind: Node["kind"] | "start" | "end" | "join";
  readonly label: string;
  /** What else is worth knowing: the signal that it waits for, its code, the type of a child. */
  readonly note?: string;
}

export interface DefinitionEdge {
  readonly from: string;
  readonly to: string;
  readonly label?: string;
  /** Taken when something failed, or came too late. */
  readonly isDashed?: true;
}

export interface DefinitionGraph {
  readonly nodes: readonly DefinitionNode[];
  readonly edges: readonly DefinitionEdge[];
}

/** An edge that has a beginning and no end yet. */
type Loose = Omit<DefinitionEdge, "to">;

export function graphOf(tree: Tree): DefinitionGraph {
  const walk = new Walk();
  walk.put({ id: startId, kind: "start", label: "start" }, []);
  const ends = walk.block("", tree.root, [{ from: startId }]);
  walk.put({ id: endId, kind: "end", label: "end" }, ends);
  return walk;
}

class Walk implements DefinitionGraph {
  readonly nodes: DefinitionNode[] = [];
  readonly edges: DefinitionEdge[] = [];

  put(node: DefinitionNode, from: readonly Loose[]): void {
    this.nodes.push(node);
    this.#connect(from, node.id);
  }

  /** Returns what leads on from it. */
  block(blockPath: string, block: Block, from: readonly Loose[]): readonly Loose[] {
    return block.reduce((loose, node) => this.#node(pathIn(blockPath, node.name), node, loose), from);
  }

  #node(path: string, node: Node, from: readonly Loose[]): readonly Loose[] {
    const note = noteOf(node);
    this.put({ id: path, kind: node.kind, label: node.name, ...(note === undefined ? {} : { note }) }, from);
    switch (node.kind) {
      case "task":
      case "child":
      case "change":
      case "sleep":
        return [{ from: path }];
      case "fail":
        return [];
      case "branch": {
        const ends = this.#ways(path, node.ways, {});
        return node.ways.some(({ when }) => when === undefined) ? ends : [...ends, { from: path, label: "else" }];
      }
      case "parallel": {
        const ends = this.#ways(path, node.ways, {});
        const label = node.join === "all" ? "all" : `${node.join} of ${node.ways.length}`;
        this.put({ id: joinOf(path), kind: "join", label }, ends);
        return [{ from: joinOf(path) }];
      }
      case "each":
      case "loop": {
        const again = node.kind === "each" ? "each item" : "again";
        this.#connect(this.block(`${path}[]`, node.block, [{ from: path, label: again }]), path);
        return [{ from: path, label: node.kind === "each" ? `${node.join}` : "enough" }];
      }
      case "wait":
        if (node.late === undefined) return [{ from: path }];
        return [{ from: path }, ...this.#ways(path, [{ name: "late", block: node.late }], { isDashed: true })];
      case "attempt": {
        const ends = this.#ways(path, node.ways, { isDashed: true });
        return [...this.block(`${path}/try`, node.block, [{ from: path }]), ...ends];
      }
    }
  }

  #ways(
    path: string,
    ways: readonly { readonly name: string; readonly block: Block }[],
    how: { readonly isDashed?: true },
  ): readonly Loose[] {
    return ways.flatMap(({ name, block }) =>
      this.block(`${path}/${name}`, block, [{ from: path, label: name, ...how }]),
    );
  }

  #connect(from: readonly Loose[], to: string): void {
    for (const { from: id, ...rest } of from) this.edges.push({ from: id, to, ...rest });
  }
}

function noteOf(node: Node): string | undefined {
  switch (node.kind) {
    case "task":
      return node.compensate === undefined ? undefined : "can be compensated";
    case "child":
      return node.runs.type;
    case "wait":
      return `signal ${node.signal}`;
    case "fail":
      return node.code;
    case "branch":
    case "parallel":
    case "each":
    case "loop":
    case "sleep":
    case "change":
    case "attempt":
      return undefined;
  }
}
