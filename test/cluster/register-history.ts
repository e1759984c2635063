// What clients do to a register and what they see of it, for the checker of linearizability. A value is written at most
// once in a history, so that it tells who wrote it.

import type { Model, Operation } from "./linearizability.ts";

export type RegisterStep =
  | { readonly kind: "write"; readonly value: string }
  /** `found`: what was read; absent when the outcome is unknown. */
  | { readonly kind: "read"; readonly found?: string }
  /** Writes `value` if `expected` stands there. `found`: what stood there; absent when the outcome is unknown. */
  | { readonly kind: "swap"; readonly expected: string; readonly value: string; readonly found?: string };

export type RegisterOperation = Operation<RegisterStep>;

export const registerModel: Model<string, RegisterStep> = {
  initial: "",
  next: (state, step) => {
    switch (step.kind) {
      case "write":
        return step.value;
      case "read":
        return step.found === undefined || step.found === state ? state : undefined;
      case "swap":
        if (step.found !== undefined && step.found !== state) return undefined;
        return step.expected === state ? step.value : state;
    }
  },
  isIdle: (step) => step.kind === "read" || (step.kind === "swap" && (step.found ?? step.expected) !== step.expected),
};

/**
 * The history without operations of unknown outcome of which nobody saw anything: each of them can be set last, or left
 * out, so they change no verdict; but every one of them would double what the search has to try.
 */
export function withoutUnseen(history: readonly RegisterOperation[]): readonly RegisterOperation[] {
  const seen = new Set<string>();
  for (const { what } of history) {
    if (what.kind !== "write" && what.found !== undefined) seen.add(what.found);
    // A swap of unknown outcome that was seen itself had seen what it expected; one that was not is left out below.
    if (what.kind === "swap") seen.add(what.expected);
  }
  return history.filter(({ endedAtMs, what }) => {
    if (endedAtMs !== undefined) return true;
    return what.kind !== "read" && seen.has(what.value);
  });
}
