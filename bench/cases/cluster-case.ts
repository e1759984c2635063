// What a case with many workers is: no side to compare with, a cluster of Troupe's own worker processes, and what was
// found out about it. Such cases take minutes, so they run only when they are named.

import type { Scale } from "./case.ts";

export interface ClusterPlan {
  /** The nats-server to run. */
  readonly binary: string;
  readonly scale: Scale;
  readonly onProgress: (line: string) => void;
}

/** One line of JSON and one row of a table: names of figures with their units, and the figures. */
export type Finding = Readonly<Record<string, string | number | null>>;

export interface ClusterCase {
  readonly name: string;
  readonly what: string;
  /** Rejects when the work that was measured was not done in full. */
  run(plan: ClusterPlan): Promise<readonly Finding[]>;
}

/** An upper bound of a figure, by the figure's name. */
export type Bounds = Readonly<Record<string, number>>;

/** What was wanted, and whether it was reached. A bound of 0 is to be met, every other one to be stayed below. */
export function verdictOn(finding: Finding, bounds: Bounds): string {
  const kept = Object.entries(bounds).map(([name, bound]) => {
    const got = finding[name];
    return typeof got === "number" && (bound === 0 ? got === 0 : got < bound);
  });
  const wanted = Object.entries(bounds).map(([name, bound]) => `${name} ${bound === 0 ? "0" : `< ${bound}`}`);
  return `${wanted.join(", ")}: ${kept.every(Boolean) ? "yes" : "NO"}`;
}
