// A definition as a Mermaid flowchart, with the progress of a run on it. Drawn from the tree that runs are made of, so it cannot
// say anything else than what runs do.

import type { Block, Node } from "./node.ts";
import type { Mark, Run } from "./run.ts";
import type { Tree } from "./tree.ts";
import { pathIn } from "./tree.ts";

/** An edge that has a beginning and no end yet. */
interface Loose {
  readonly from: string;
  readonly label?: string;
  /** Taken when something failed, or came too late. */
  readonly isDashed?: boolean;
}

/** Mermaid text: `flowchart TD` and so on. With the marks of a run each node says how far that has got. */
export function printGraph(tree: Tree, marks?: Run["marks"]): string {
  return new Drawing(tree, marks ?? {}).print();
}

/** What is most worth seeing of a node that stands in repetitions, first. */
const order = [
  "held",
  "running",
  "waiting",
  "sleeping",
  "backing-off",
  "ready",
  "compensating",
  "open",
  "left",
  "failed",
  "compensated",
  "done",
] as const satisfies readonly Mark["is"][];

const colours: Readonly<Record<string, readonly Mark["is"][]>> = {
  "fill:#d5e8d4,stroke:#2d7600": ["done"],
  "fill:#dae8fc,stroke:#1f5fa8": ["running", "open", "compensating"],
  "fill:#fff2cc,stroke:#b08800": ["waiting", "sleeping", "backing-off", "ready", "left"],
  "fill:#f8cecc,stroke:#b02a2a": ["failed", "held"],
  "fill:#e1d5e7,stroke:#6b3fa0": ["compensated"],
};

class Drawing {
  readonly #tree: Tree;
  readonly #marks: ReadonlyMap<string, readonly Mark[]>;
  readonly #ids = new Set<string>();
  readonly #nodes: string[] = [];
  readonly #edges: string[] = [];
  readonly #classes = new Map<string, string[]>();

  constructor(tree: Tree, marks: Run["marks"]) {
    this.#tree = tree;
    const byPath = new Map<string, Mark[]>();
    for (const [path, mark] of Object.entries(marks)) {
      const place = path.replace(/\[\d+\]/g, "[]");
      byPath.set(place, [...(byPath.get(place) ?? []), mark]);
    }
    this.#marks = byPath;
  }

  print(): string {
    this.#nodes.push('begin(("start"))');
    const ends = this.#block("", this.#tree.root, [{ from: "begin" }]);
    this.#nodes.push('finish(("end"))');
    this.#connect(ends, "finish");
    const classes = [...this.#classes].map(([is, ids]) => `class ${ids.join(",")} ${is.replace("-", "")}`);
    const used = Object.entries(colours).flatMap(([style, all]) =>
      all.filter((is) => this.#classes.has(is)).map((is) => `classDef ${is.replace("-", "")} ${style}`),
    );
    return ["flowchart TD", ...[...this.#nodes, ...this.#edges, ...used, ...classes].map((line) => `  ${line}`)].join(
      "\n",
    );
  }

  #block(blockPath: string, block: Block, from: readonly Loose[]): readonly Loose[] {
    return block.reduce((loose, node) => this.#node(pathIn(blockPath, node.name), node, loose), from);
  }

  #node(path: string, node: Node, from: readonly Loose[]): readonly Loose[] {
    switch (node.kind) {
      case "task":
        return [{ from: this.#put(path, node, from, '["', '"]') }];
      case "child":
        return [{ from: this.#put(path, node, from, '[["', '"]]') }];
      case "change":
      case "sleep":
        return [{ from: this.#put(path, node, from, '(["', '"])') }];
      case "fail":
        this.#put(path, node, from, '{{"', '"}}');
        return [];
      case "branch": {
        const id = this.#put(path, node, from, '{"', '"}');
        const ends = node.ways.flatMap(({ name, block }) =>
          this.#block(`${path}/${name}`, block, [{ from: id, label: name }]),
        );
        return node.ways.some(({ when }) => when === undefined) ? ends : [...ends, { from: id, label: "else" }];
      }
      case "parallel": {
        const id = this.#put(path, node, from, '[/"', '"\\]');
        const ends = node.ways.flatMap(({ name, block }) =>
          this.#block(`${path}/${name}`, block, [{ from: id, label: name }]),
        );
        const join = `join${id.slice(1)}`;
        this.#nodes.push(`${join}[\\"${node.join === "all" ? "all" : `${node.join} of ${node.ways.length}`}"/]`);
        this.#connect(ends, join);
        return [{ from: join }];
      }
      case "each":
      case "loop": {
        const id = this.#put(path, node, from, '[["', '"]]');
        const again = node.kind === "each" ? "each item" : "again";
        this.#connect(this.#block(`${path}[]`, node.block, [{ from: id, label: again }]), id);
        return [{ from: id, label: node.kind === "each" ? `${node.join}` : "enough" }];
      }
      case "wait": {
        const id = this.#put(path, node, from, '>"', '"]');
        if (node.late === undefined) return [{ from: id }];
        return [{ from: id }, ...this.#block(`${path}/late`, node.late, [{ from: id, label: "late", isDashed: true }])];
      }
      case "attempt": {
        const id = this.#put(path, node, from, '[\\"', '"\\]');
        const ends = node.ways.flatMap(({ name, block }) =>
          this.#block(`${path}/${name}`, block, [{ from: id, label: name, isDashed: true }]),
        );
        return [...this.#block(`${path}/try`, node.block, [{ from: id }]), ...ends];
      }
    }
  }

  #put(path: string, node: Node, from: readonly Loose[], open: string, close: string): string {
    const id = this.#idOf(path);
    const marks = this.#marks.get(path) ?? [];
    const is = order.find((each) => marks.some((mark) => mark.is === each));
    const text = [node.name, ...noteOf(node), ...progressOf(marks, is)].join("<br/>");
    this.#nodes.push(`${id}${open}${text}${close}`);
    if (is !== undefined) this.#classes.set(is, [...(this.#classes.get(is) ?? []), id]);
    this.#connect(from, id);
    return id;
  }

  /** Readable, and another one for each path. */
  #idOf(path: string): string {
    const plain = `n_${path.replace(/[^A-Za-z0-9]/g, "_")}`;
    let id = plain;
    for (let number = 2; this.#ids.has(id); number += 1) id = `${plain}_${number}`;
    this.#ids.add(id);
    return id;
  }

  #connect(from: readonly Loose[], to: string): void {
    for (const { from: id, label, isDashed = false } of from) {
      const arrow = isDashed ? "-.->" : "-->";
      this.#edges.push(label === undefined ? `${id} ${arrow} ${to}` : `${id} ${arrow}|${label}| ${to}`);
    }
  }
}

function noteOf(node: Node): readonly string[] {
  switch (node.kind) {
    case "task":
      return node.compensate === undefined ? [] : ["can be compensated"];
    case "child":
      return [node.runs.type];
    case "wait":
      return [`signal ${node.signal}`];
    case "fail":
      return [node.code];
    case "branch":
    case "parallel":
    case "each":
    case "loop":
    case "sleep":
    case "change":
    case "attempt":
      return [];
  }
}

/** In repetitions: how many stand where. */
function progressOf(marks: readonly Mark[], is: Mark["is"] | undefined): readonly string[] {
  if (is === undefined) return [];
  const [only] = marks;
  if (marks.length > 1 || only === undefined) {
    const counts = order.map((each) => [each, marks.filter((mark) => mark.is === each).length] as const);
    return [counts.flatMap(([each, count]) => (count === 0 ? [] : [`${count} ${each}`])).join(", ")];
  }
  const attempt = "attempt" in only && only.attempt > 1 ? `, attempt ${only.attempt}` : "";
  const items = only.is === "open" && only.items !== undefined ? `, ${only.good ?? 0} of ${only.items.length}` : "";
  return [`${is}${attempt}${items}`];
}
