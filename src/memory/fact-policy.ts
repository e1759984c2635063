// How a value is brought together with what stands. Pure.
//
//   P1. `sum`, `max`, `min` and `union` come to the same whatever the order in which values are merged.
//   P2. What does not fit a policy is refused with FACT_INVALID, and nothing changes.

import type { Json } from "../core/codec.ts";
import { TroupeError } from "../core/errors.ts";
import { diff } from "../core/json-patch.ts";

/**
 * "last": the new value takes the old one's place. "sum", "max", "min": of numbers. "union": a list without repeats, in the
 * order in which its elements came. "append": a list, the new elements at its end. An array is taken for its elements,
 * anything else for one element.
 */
export type MergePolicyName = "last" | "sum" | "max" | "min" | "union" | "append";
export const mergePolicyNames: readonly MergePolicyName[] = ["last", "sum", "max", "min", "union", "append"];

/** A list and how many elements it may hold: a union beyond that is refused, of an appended list the oldest go. */
export interface ListPolicy {
  readonly kind: "union" | "append";
  /** Unit: elements. Default 1,000. */
  readonly itemsMax?: number;
}

/** `present` is undefined when nothing stands. Returning undefined leaves the fact as it is. */
export type MergeFunction = (present: Json | undefined, value: Json) => Json | undefined | Promise<Json | undefined>;

export type MergePolicy = MergePolicyName | ListPolicy | MergeFunction;

/** Elements of a list where nothing else is said. */
export const listItemsMaxDefault = 1_000;

/** Rejects with FACT_INVALID, and with what a function of the user's throws. */
export function mergeValues(
  policy: MergePolicy,
  present: Json | undefined,
  value: Json,
): Json | undefined | Promise<Json | undefined> {
  if (typeof policy === "function") return policy(present, value);
  const { kind, itemsMax = listItemsMaxDefault } = typeof policy === "string" ? { kind: policy } : policy;
  switch (kind) {
    case "last":
      return value;
    case "sum":
      return finite(numberIn(present ?? 0, kind) + numberIn(value, kind));
    case "max":
      return present === undefined ? numberIn(value, kind) : Math.max(numberIn(present, kind), numberIn(value, kind));
    case "min":
      return present === undefined ? numberIn(value, kind) : Math.min(numberIn(present, kind), numberIn(value, kind));
    case "union":
      return union(listIn(present, kind), elementsOf(value), itemsMax);
    case "append": {
      const all = [...listIn(present, kind), ...elementsOf(value)];
      return all.slice(Math.max(0, all.length - itemsMax));
    }
  }
}

/** Rejects with OPTION_INVALID. */
export function checkPolicy(policy: MergePolicy): void {
  if (typeof policy === "function") return;
  const isList = typeof policy === "object" && policy !== null;
  const kind = isList ? policy.kind : policy;
  const known = isList ? ["union", "append"] : mergePolicyNames;
  if (!known.includes(kind)) {
    const text = `a policy must be one of ${mergePolicyNames.join(", ")} or a function, got ${JSON.stringify(policy)}`;
    throw new TroupeError("OPTION_INVALID", text);
  }
  const itemsMax = isList ? (policy.itemsMax ?? listItemsMaxDefault) : listItemsMaxDefault;
  if (!Number.isSafeInteger(itemsMax) || itemsMax < 1) {
    throw new TroupeError("OPTION_INVALID", `\`itemsMax\` must be a whole number of 1 or more, got ${itemsMax}`);
  }
}

/** Whether two values are the same as JSON, whatever the order of their keys. */
export const isSameJson = (a: Json | undefined, b: Json | undefined): boolean => diff(a, b).length === 0;

/** A union that is full loses nothing in silence: it takes no more (P1, P2). */
function union(present: readonly Json[], added: readonly Json[], itemsMax: number): Json {
  const known = new Set(present.map(canonical));
  const all = [...present];
  for (const element of added) {
    const text = canonical(element);
    if (known.has(text)) continue;
    known.add(text);
    all.push(element);
  }
  if (all.length > itemsMax) throw invalid(`a union of ${all.length} elements, and it may hold ${itemsMax}`);
  return all;
}

/** One text for values that are the same, whatever the order of their keys. */
function canonical(value: Json): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function elementsOf(value: Json): readonly Json[] {
  return Array.isArray(value) ? value : [value];
}

function listIn(present: Json | undefined, policy: string): readonly Json[] {
  if (present === undefined) return [];
  if (Array.isArray(present)) return present;
  throw invalid(`\`${policy}\` needs a list, and what stands is ${shorten(present)}`);
}

function numberIn(value: Json, policy: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw invalid(`\`${policy}\` needs numbers, got ${shorten(value)}`);
}

function finite(sum: number): number {
  if (Number.isFinite(sum)) return sum;
  throw invalid("the sum is too large for a number");
}

function shorten(value: Json): string {
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function invalid(what: string): TroupeError {
  return new TroupeError("FACT_INVALID", what);
}
