// A committed value, for a program and for a person.

import { printTimers } from "../../actors/timer.ts";
import { printSpan } from "../../core/amounts.ts";
import { printAddress } from "../../core/ids.ts";
import { printWhen } from "../../monitoring/timer-words.ts";
import type { Committed } from "../../runtime/changes.ts";
import type { Paint } from "../text.ts";
import { printable, printJson, printPairs } from "../text.ts";

export function committedJson(committed: Committed<unknown>) {
  const { actor, state, schema, revision, traceId, epoch, pendingSends, timers, committedAt, stopped } = committed;
  return {
    type: actor.type,
    id: actor.id,
    state,
    schema,
    revision,
    traceId: traceId ?? null,
    epoch,
    pendingSends,
    timers: JSON.parse(printTimers(timers)) as unknown,
    committedAt: committedAt.toISOString(),
    ...(stopped === undefined ? {} : { stopped: { code: stopped.code, message: stopped.message, at: stopped.at } }),
  };
}

export function printCommitted(committed: Committed<unknown>, nowMs: number, paint: Paint): string {
  const { actor, state, schema, revision, traceId, epoch, pendingSends, timers, committedAt, stopped } = committed;
  const pairs: (readonly [string, string])[] = [
    ["revision", String(revision)],
    ["committed", `${committedAt.toISOString()} (${printSpan(nowMs - committedAt.getTime())} ago)`],
    ["trace", traceId ?? "none"],
    ["epoch", String(epoch)],
    ["schema", String(schema)],
  ];
  if (pendingSends > 0) pairs.push(["sends", `${pendingSends} on their way when it was committed`]);
  if (stopped !== undefined) {
    pairs.push(["stopped", paint("red", printable(`since ${stopped.at}: ${stopped.message} (${stopped.code})`))]);
  }
  for (const [name, { method, when }] of Object.entries(timers)) {
    pairs.push(["timer", `${printable(name)}: ${printable(method)} ${printable(printWhen(when))}`]);
  }
  const name = paint("bold", printable(printAddress(actor)));
  return `${name}\n${printPairs(pairs, paint)}\n${printJson(state, 2)}`;
}
