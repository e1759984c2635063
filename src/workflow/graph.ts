// A definition as a Mermaid flowchart, with the progress of a run on it.

import type { DefinitionGraph, DefinitionNode } from "./definition-graph.ts";
import { graphOf } from "./definition-graph.ts";
import type { Mark, Run } from "./run.ts";
import type { Tree } from "./tree.ts";
import { withoutNumbers } from "./tree.ts";

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

/** How a kind of node looks. */
const shapes: Readonly<Record<DefinitionNode["kind"], readonly [open: string, close: string]>> = {
  start: ['(("', '"))'],
  end: ['(("', '"))'],
  task: ['["', '"]'],
  child: ['[["', '"]]'],
  each: ['[["', '"]]'],
  loop: ['[["', '"]]'],
  change: ['(["', '"])'],
  sleep: ['(["', '"])'],
  fail: ['{{"', '"}}'],
  branch: ['{"', '"}'],
  parallel: ['[/"', '"\\]'],
  join: ['[\\"', '"/]'],
  wait: ['>"', '"]'],
  attempt: ['[\\"', '"\\]'],
};

class Drawing {
  readonly #graph: DefinitionGraph;
  readonly #marks = new Map<string, Mark[]>();
  /** Mermaid's ids by ours. */
  readonly #ids = new Map<string, string>();
  readonly #used = new Set<string>();
  readonly #classes = new Map<string, string[]>();

  constructor(tree: Tree, marks: Run["marks"]) {
    this.#graph = graphOf(tree);
    for (const [path, mark] of Object.entries(marks)) {
      const place = withoutNumbers(path);
      this.#marks.set(place, [...(this.#marks.get(place) ?? []), mark]);
    }
  }

  print(): string {
    const nodes = this.#graph.nodes.map((node) => this.#node(node));
    const edges = this.#graph.edges.map(({ from, to, label, isDashed }) => {
      const arrow = isDashed === true ? "-.->" : "-->";
      const [tail, tip] = [this.#ids.get(from), this.#ids.get(to)];
      return label === undefined ? `${tail} ${arrow} ${tip}` : `${tail} ${arrow}|${label}| ${tip}`;
    });
    const classes = [...this.#classes].map(([is, ids]) => `class ${ids.join(",")} ${is.replace("-", "")}`);
    const used = Object.entries(colours).flatMap(([style, all]) =>
      all.filter((is) => this.#classes.has(is)).map((is) => `classDef ${is.replace("-", "")} ${style}`),
    );
    return ["flowchart TD", ...[...nodes, ...edges, ...used, ...classes].map((line) => `  ${line}`)].join("\n");
  }

  #node(node: DefinitionNode): string {
    const { id: path, kind, label, note } = node;
    const id = this.#idOf(node);
    const marks = this.#marks.get(path) ?? [];
    const is = order.find((each) => marks.some((mark) => mark.is === each));
    const text = [label, ...(note === undefined ? [] : [note]), ...progressOf(marks, is)].join("<br/>");
    if (is !== undefined) this.#classes.set(is, [...(this.#classes.get(is) ?? []), id]);
    const [open, close] = shapes[kind];
    return `${id}${open}${text}${close}`;
  }

  /** Readable, and another one for each node. */
  #idOf({ id: path, kind }: DefinitionNode): string {
    if (kind === "start") return this.#name(path, "begin");
    if (kind === "end") return this.#name(path, "finish");
    // A join has the name of what it joins, which stands before it.
    if (kind === "join") return this.#name(path, `join${this.#ids.get(path.slice(0, path.indexOf(":")))?.slice(1)}`);
    const plain = `n_${path.replace(/[^A-Za-z0-9]/g, "_")}`;
    let id = plain;
    for (let number = 2; this.#used.has(id); number += 1) id = `${plain}_${number}`;
    return this.#name(path, id);
  }

  #name(path: string, id: string): string {
    this.#ids.set(path, id);
    this.#used.add(id);
    return id;
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
