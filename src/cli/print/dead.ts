// Dead letters, for a program and for a person.

import { count, printSpan } from "../../core/amounts.ts";
import { addressOf, printAddress } from "../../core/ids.ts";
import { traceIdOf } from "../../core/trace.ts";
import type { BuriedMail } from "../../runtime/dead-letters.ts";
import type { Paint } from "../text.ts";
import { clip, printable, printJson, printPairs } from "../text.ts";

export function letterJson(letter: BuriedMail) {
  const { key, sequence, method, code, reason, attempts, from, trace, droppedBytes, buriedAt } = letter;
  const address = addressOf(key);
  return {
    number: sequence,
    type: address?.type ?? null,
    id: address?.id ?? null,
    method,
    ...inputOf(letter),
    ...{ code, reason, attempts },
    from: from ?? null,
    traceId: traceIdOf(trace) ?? null,
    droppedBytes: droppedBytes ?? null,
    buriedAt: buriedAt.toISOString(),
  };
}

/** `input` when it is JSON, `inputText` when it is not. */
function inputOf({ payload }: BuriedMail): { readonly input?: unknown; readonly inputText?: string } {
  if (payload.length === 0) return {};
  const text = Buffer.from(payload).toString("utf8");
  try {
    return { input: JSON.parse(text) as unknown };
  } catch {
    // That may be why it lies here.
    return { inputText: text };
  }
}

export function printLetters(
  letters: readonly BuriedMail[],
  total: number,
  nowMs: number,
  paint: Paint,
  width: number,
): string {
  if (total === 0) return "No message was given up on.";
  const blocks = letters.map((letter) => printBrief(letter, nowMs, paint, width));
  const shown = letters.length < total ? `, ${letters.length} shown (--from, --limit, --type, --code)` : "";
  return [
    ...blocks,
    paint("dim", `${count(total, "dead letter")}${shown}; troupe dead replay NUMBER sends one again`),
  ].join("\n");
}

/** All of one. */
export function printLetter(letter: BuriedMail, nowMs: number, paint: Paint): string {
  const { sequence, method, code, reason, attempts, from, trace, buriedAt } = letter;
  const pairs: (readonly [string, string])[] = [
    ["given up", `${buriedAt.toISOString()} (${printSpan(nowMs - buriedAt.getTime())} ago)`],
    ["attempts", String(attempts)],
    ["from", from === undefined ? "a client" : printable(from)],
    ["trace", traceIdOf(trace) ?? "none"],
    ["reason", `${printable(code)}: ${printable(reason)}`],
  ];
  const { input, inputText } = inputOf(letter);
  const shown = input === undefined ? inputText && printable(inputText) : printJson(input, 2);
  const kept = letter.droppedBytes === undefined ? shown : `(${letter.droppedBytes} bytes, not kept)`;
  const name = `${paint("bold", `#${sequence}`)}  ${nameOf(letter)} ${printable(method)}`;
  return [name, printPairs(pairs, paint), ...(kept === undefined ? [] : [kept])].join("\n");
}

function nameOf({ key }: BuriedMail): string {
  const address = addressOf(key);
  return printable(address === undefined ? key || "no actor" : printAddress(address));
}

function printBrief(letter: BuriedMail, nowMs: number, paint: Paint, width: number): string {
  const { sequence, method, payload, droppedBytes, code, reason, attempts, from, buriedAt } = letter;
  const input =
    droppedBytes === undefined ? printable(Buffer.from(payload).toString("utf8")) : `(${droppedBytes} bytes, not kept)`;
  const sender = from === undefined ? "" : `, from ${printable(from)}`;
  const when = `${printSpan(nowMs - buriedAt.getTime())} ago, ${count(attempts, "attempt")}${sender}`;
  return [
    `${paint("bold", `#${sequence}`)}  ${nameOf(letter)} ${printable(method)}  ${paint("dim", when)}`,
    ...(input === "" ? [] : [clip(`  input   ${input}`, width)]),
    clip(`  reason  ${code}: ${printable(reason)}`, width),
  ].join("\n");
}
