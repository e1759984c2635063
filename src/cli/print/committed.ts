// A committed value, for a program and for a person.

import { printAddress } from "../../core/ids.ts";
import type { Committed } from "../../runtime/changes.ts";
import type { Paint } from "../text.ts";
import { printable, printJson, printPairs, printSpan } from "../text.ts";

export function committedJson(committed: Committed<unknown>) {
  const { actor, state, schema, revision, traceId, epoch, pendingSends, committedAt } = committed;
  return {
    type: actor.type,
    id: actor.id,
    state,
    schema,
    revision,
    traceId: traceId ?? null,
    epoch,
    pendingSends,
    committedAt: committedAt.toISOString(),
  };
}

export function printCommitted(committed: Committed<unknown>, nowMs: number, paint: Paint): string {
  const { actor, state, schema, revision, traceId, epoch, pendingSends, committedAt } = committed;
  const pairs: (readonly [string, string])[] = [
    ["revision", String(revision)],
    ["committed", `${committedAt.toISOString()} (${printSpan(nowMs - committedAt.getTime())} ago)`],
    ["trace", traceId ?? "none"],
    ["epoch", String(epoch)],
    ["schema", String(schema)],
  ];
  if (pendingSends > 0) pairs.push(["sends", `${pendingSends} on their way when it was committed`]);
  const name = paint("bold", printable(printAddress(actor)));
  return `${name}\n${printPairs(pairs, paint)}\n${printJson(state, 2)}`;
}
