// What a run has done, by the nodes of its graph. A node in a repetition stands for many: the most urgent of them is what is shown,
// and how many stand where is said.

import type { NodeView } from "../../../src/monitoring/dashboard/api/workflows.ts";
import type { Tone } from "../parts/tone.ts";
import type { Link } from "./graph-layout.ts";

/** What is most worth seeing first; the words are those of src/workflow/run.ts. */
const order = [
  "held",
  "failed",
  "backing-off",
  "waiting",
  "running",
  "compensating",
  "sleeping",
  "ready",
  "open",
  "left",
  "compensated",
  "done",
] as const;

export type Standing = (typeof order)[number] | "absent";

interface Look {
  readonly tone: Tone;
  /** For a person: "waits for a signal", not "waiting". */
  readonly words: string;
  /** Drawn in the node: colour is never the only sign. */
  readonly sign: string;
}

export const looks: Readonly<Record<Standing, Look>> = {
  held: { tone: "problem", words: "held: needs somebody to decide", sign: "!" },
  failed: { tone: "problem", words: "failed", sign: "✕" },
  "backing-off": { tone: "warning", words: "failed, is tried again", sign: "↻" },
  waiting: { tone: "warning", words: "waits for a signal", sign: "◷" },
  running: { tone: "note", words: "runs", sign: "▶" },
  compensating: { tone: "warning", words: "is being undone", sign: "↶" },
  sleeping: { tone: "note", words: "sleeps", sign: "◷" },
  ready: { tone: "quiet", words: "is held back", sign: "·" },
  open: { tone: "note", words: "goes on inside", sign: "▶" },
  left: { tone: "quiet", words: "given up, ends by itself", sign: "·" },
  compensated: { tone: "warning", words: "undone", sign: "↶" },
  done: { tone: "good", words: "done", sign: "✓" },
  absent: { tone: "quiet", words: "not begun", sign: "" },
};

export interface NodeProgress {
  readonly is: Standing;
  /** All of its repetitions, the most urgent first. */
  readonly views: readonly NodeView[];
  /** "attempt 2", "3 done, 1 running": "" when there is nothing to add. */
  readonly more: string;
}

const nothing: NodeProgress = { is: "absent", views: [], more: "" };

export class RunProgress {
  readonly #byId = new Map<string, NodeProgress>();
  readonly #ways = new Map<string, ReadonlySet<string>>();

  constructor(nodes: readonly NodeView[]) {
    for (const [id, views] of Map.groupBy(nodes, ({ id }) => id)) {
      const sorted = views.toSorted((one, other) => rankOf(one.is) - rankOf(other.is));
      this.#byId.set(id, { is: standingOf(sorted[0]?.is), views: sorted, more: moreOf(sorted) });
      this.#ways.set(id, new Set(views.flatMap(({ way }) => (way === null ? [] : [way]))));
    }
  }

  of(id: string): NodeProgress {
    return this.#byId.get(id) ?? nothing;
  }

  /** Whether the run has come along here. */
  hasTaken({ from, to, way }: Pick<Link, "from" | "to" | "way">): boolean {
    if (way !== null && this.#ways.get(way.owner)?.has(way.name)) return true;
    if (to !== null) return this.#byId.has(to) && (from === null || this.#byId.has(from));
    if (way !== null && way.name !== "") return from !== null && from !== way.owner && this.#isOver(from);
    return from !== null && this.#isOver(from);
  }

  #isOver(id: string): boolean {
    return this.of(id).is === "done";
  }
}

const rankOf = (is: string): number => {
  const rank = (order as readonly string[]).indexOf(is);
  return rank === -1 ? order.length : rank;
};

const standingOf = (is: string | undefined): Standing =>
  (order as readonly string[]).includes(is ?? "") ? (is as Standing) : "absent";

function moreOf(sorted: readonly NodeView[]): string {
  const [only] = sorted;
  if (sorted.length > 1) {
    const counts = Map.groupBy(sorted, ({ is }) => is);
    return [...counts].map(([is, views]) => `${views.length} ${is}`).join(", ");
  }
  return only?.attempt != null && only.attempt > 1 ? `attempt ${only.attempt}` : "";
}
