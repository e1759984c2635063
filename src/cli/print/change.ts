// A change of an actor, for a program and for a person.

import { printAddress } from "../../core/ids.ts";
import type { PatchOperation } from "../../core/json-patch.ts";
import type { Change } from "../../runtime/changes.ts";
import type { Paint } from "../text.ts";
import { clip, printable, printJson } from "../text.ts";
import { committedJson } from "./committed.ts";

export function changeJson(change: Change<unknown>) {
  if (change.kind === "committed") {
    const { kind, isSnapshot, patch } = change;
    return { kind, ...committedJson(change), isSnapshot, patch };
  }
  if (change.kind === "restarted") return change;
  const { kind, actor, revision, committedAt } = change;
  const about = { kind, type: actor.type, id: actor.id, revision, committedAt: committedAt?.toISOString() };
  return change.kind === "unreadable" ? { ...about, reason: change.reason } : about;
}

/** A line that says which and when, and one for each operation; a whole value comes as one. `width` 0: uncut. */
export function printChange(change: Change<unknown>, paint: Paint, width: number): string {
  if (change.kind === "restarted") return paint("yellow", `the watch starts over: ${change.reason}`);
  const { actor, revision, committedAt } = change;
  const trace = change.kind === "committed" && change.traceId !== undefined ? paint("dim", `  ${change.traceId}`) : "";
  const name = paint("bold", printable(printAddress(actor)));
  const first = `${paint("dim", committedAt?.toISOString() ?? "some time ago")}  ${name}  #${revision}${trace}`;
  if (change.kind === "deleted") return `${first}  ${paint("red", "deleted")}`;
  if (change.kind === "unreadable") return `${first}  ${paint("red", `unreadable: ${printable(change.reason)}`)}`;
  const operations = change.patch.length === 0 ? [paint("dim", "  (the same state)")] : change.patch;
  return [
    first,
    ...operations.map((each) => (typeof each === "string" ? each : printOperation(each, paint, width))),
  ].join("\n");
}

const signs = { add: ["+", "green"], replace: ["~", "yellow"], remove: ["-", "red"] } as const;

function printOperation(operation: PatchOperation, paint: Paint, width: number): string {
  const [sign, style] = signs[operation.op];
  const path = operation.path === "" ? "" : `${printable(operation.path)} `;
  const value = operation.op === "remove" ? "" : printJson(operation.value);
  return `  ${paint(style, sign)} ${clip(`${path}${value}`.trimEnd(), width === 0 ? 0 : Math.max(20, width - 4))}`;
}
