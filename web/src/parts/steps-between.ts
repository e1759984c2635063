// What has changed from one value to the next, as steps that JsonDiff shows (RFC 6902). Lists are compared place by
// place: enough to see what was changed, and never wrong about what stands there now.

import { escaped } from "./json-pointer.ts";
import type { PatchStep } from "./patch-step.ts";

const stepsMax = 500;

export function stepsBetween(before: unknown, after: unknown): readonly PatchStep[] {
  const steps: PatchStep[] = [];
  compare("", before, after, steps);
  return steps;
}

function compare(path: string, before: unknown, after: unknown, steps: PatchStep[]): void {
  if (steps.length >= stepsMax || before === after) return;
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after)) {
    if (JSON.stringify(before) !== JSON.stringify(after)) steps.push({ op: "replace", path, value: after });
    return;
  }
  for (const member of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const place = `${path}/${escaped(member)}`;
    if (!Object.hasOwn(after, member)) steps.push({ op: "remove", path: place });
    else if (!Object.hasOwn(before, member)) steps.push({ op: "add", path: place, value: after[member] });
    else compare(place, before[member], after[member], steps);
  }
}

const isContainer = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
