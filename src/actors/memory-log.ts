// What a turn leaves in the log of its scope by itself: what it has received, what it has told others, what it has
// answered. Pure: made of the turn that has ended.
//
//   G1. The entries of one turn stand in the order of what happened: the message, then what the handler wrote and told,
//       then the answer.
//   G2. Each names the message as its cause, and the trace of the turn.

import { createHash } from "node:crypto";
import type { Json } from "../core/codec.ts";
import { TroupeError } from "../core/errors.ts";
import { addressOf, printAddress } from "../core/ids.ts";
import { traceIdOf } from "../core/trace.ts";
import type { NewEntry } from "../memory/entry.ts";
import { checkEntry } from "../memory/entry.ts";
import type { ResolvedMemoryLog } from "./memory-options.ts";
import type { Message } from "./message.ts";
import type { MemorySending, MessageSending, Sending } from "./turn.ts";

/** Longest text that is logged of a payload. Unit: characters. */
export const loggedLengthMax = 16_384;
/** Longest name that an entry carries. Unit: characters. */
const nameLengthMax = 256;

/** A turn that has succeeded. */
export interface LoggedTurn {
  readonly message: Message;
  /** What the method's schema has made of the payload. */
  readonly input: unknown;
  readonly sendings: readonly Sending[];
  readonly resultText: string | undefined;
  /** Key text of the scope that it is logged in. */
  readonly scope: string;
  readonly nowMs: number;
}

/** What the turn sends, and between that what is logged of it. Rejects with ENTRY_INVALID. */
export function withLogged(turn: LoggedTurn, log: ResolvedMemoryLog): readonly Sending[] {
  const { message, input, sendings, resultText } = turn;
  if (log.methods !== undefined && !log.methods.has(message.method)) return sendings;
  const all: Sending[] = [];
  const add = (value: unknown, otherwise: string, entry: Partial<NewEntry>) => {
    const text = value === undefined ? otherwise : log.text(value);
    if (text !== undefined) all.push(entryOf(turn, text, entry));
  };
  if (log.received) add(input, message.method, { ...callerOf(message), data: { method: message.method } });
  for (const sending of sendings) {
    all.push(sending);
    if (!log.sent || !isToldByHandler(sending)) continue;
    const { to, method, inputText } = sending;
    const data: Json = { to: printKey(to), method };
    add(inputText === undefined ? undefined : JSON.parse(inputText), method, { role: "assistant", data });
  }
  if (log.replies && resultText !== undefined) add(JSON.parse(resultText), "", { role: "assistant" });
  return all;
}

/** As an entry's cause, its id or its speaker: one that is too long is told by its beginning and a hash of all of it. */
export function shortName(text: string): string {
  if (text.length <= nameLengthMax) return text;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 32);
  return `${text.slice(0, nameLengthMax - hash.length - 1).toWellFormed()}~${hash}`;
}

/** What every entry and fact of a turn says of where it comes from (G2). */
export function originOf(message: Message): { readonly cause: string; readonly trace?: string } {
  const trace = traceIdOf(message.turnTrace ?? message.trace);
  return { cause: shortName(message.messageId), ...(trace === undefined ? {} : { trace }) };
}

function entryOf({ message, scope, nowMs }: LoggedTurn, text: unknown, more: Partial<NewEntry>): MemorySending {
  if (typeof text !== "string") {
    throw new TroupeError("ENTRY_INVALID", `\`log.text\` returned no string for ${message.method}: ${String(text)}`);
  }
  const short = text.length > loggedLengthMax ? `${text.slice(0, loggedLengthMax - 1).toWellFormed()}…` : text;
  const entry: NewEntry = { text: short, ...more, atMs: nowMs, ...originOf(message) };
  checkEntry(entry);
  return { memory: { in: scope, entry } };
}

/** In whose part a message is: a client is the user, an actor is called by its type, a timer of the actor's own is the system. */
function callerOf(message: Message): Pick<NewEntry, "role" | "speaker"> {
  if (message.kind === "tell" && message.timer !== undefined) return { role: "system", speaker: message.timer.name };
  const actor = message.from === undefined ? undefined : addressOf(message.from);
  if (actor === undefined) return { role: "user" };
  return { role: actor.type, speaker: shortName(printAddress(actor)) };
}

/** Not what Troupe itself tells when an actor spawns or stops another. */
function isToldByHandler(sending: Sending): sending is MessageSending {
  return "method" in sending && !sending.method.startsWith("_");
}

function printKey(key: string): string {
  const address = addressOf(key);
  return address === undefined ? key : printAddress(address);
}
