// What is committed for an actor, in one value: state, inbox, outbox, timers, kept replies, step results. UTF-8 JSON that a
// person can read with `nats kv get`, the user's state first because the CLI shows the first 120 bytes; empty parts are
// left out. Snapshots are values: a turn makes the next one from the one before (P2, P3).
//
//   S1. `inbox.seq` is the highest mailbox sequence whose turn this state includes; what is at or below it is skipped.
//   S2. An outbox entry stays until the mail stream has acknowledged it, under the same number.
//   S3. A sender's numbers only grow, also over a life that ends and begins again: they start at the time.

import { decodeText, encodeText } from "../core/codec.ts";
import { messageOf, TroupeError } from "../core/errors.ts";
import type { MemoryWrite } from "../memory/memory-write.ts";
import { faultyPart } from "./snapshot-form.ts";
import type { Timers } from "./timer.ts";
import { noTimers, printTimers, readTimers } from "./timer.ts";

/** Replies kept for idempotency keys, per actor. */
export const keptRepliesMax = 64;
/**
 * Messages whose steps are kept, per actor. One turn runs at a time, but a turn that was cut short leaves its steps behind
 * until its message comes again, and others may come before it.
 */
export const keptStepsMax = 8;
/** Senders whose last number an inbox remembers; behind it stands the server's own duplicate window. */
export const keptSendersMax = 128;

export interface Inbox {
  readonly seq: number;
  /** Sender's key to the last number that was applied; the longest silent first. */
  readonly from: Readonly<Record<string, number>>;
}

/** What has to be done once this is committed, and is not known to be done yet. */
export type OutboxEntry = OutboxSent | OutboxErrand | OutboxMirror;
/** What goes to others, to the dead letters or to a memory. */
export type OutboxSent = OutboxTell | OutboxTimer | OutboxDead | OutboxMemory;

/** A message to an actor. */
export interface OutboxTell {
  readonly n: number;
  /** The receiver's key, `type.id` escaped. */
  readonly to: string;
  /** The receiver's pool, when its type names one. */
  readonly pool?: string | undefined;
  readonly method: string;
  /** The input's JSON; undefined when there is none. */
  readonly inputText: string | undefined;
  readonly trace: string | undefined;
  readonly timer?: undefined;
}

/** A timer to set, which stands in `timers` under this entry's number, or one to cancel. */
export interface OutboxTimer {
  readonly n: number;
  /** Its name. */
  readonly timer: string;
  /** Number of the one to cancel; undefined when it is to be set. */
  readonly cancels: number | undefined;
  readonly trace: string | undefined;
}

/** A message of the actor's own that was given up on, for the dead letters. */
export interface OutboxDead {
  readonly n: number;
  readonly dead: GivenUp;
  readonly trace: string | undefined;
  readonly timer?: undefined;
}

/** What is to be written to a memory. Its cause and its trace id stand in what is written. */
export interface OutboxMemory {
  readonly n: number;
  readonly memory: MemoryWrite;
  readonly trace?: string | undefined;
  readonly timer?: undefined;
}

/** Work of the actor's own beside its turns. Unlike the others it stands until a turn has taken its end (E2 of `errand.ts`). */
export interface OutboxErrand {
  readonly n: number;
  /** Its name in the definition. */
  readonly errand: string;
  /** As JSON. */
  readonly inputText: string;
  /** Results of its steps by name. */
  readonly steps?: Readonly<Record<string, unknown>>;
  /** Set when a person has given it up: it ends with this, and is not run again. */
  readonly fault?: { readonly code: string; readonly message: string };
  readonly trace?: string | undefined;
  readonly timer?: undefined;
}

/** What the state shows is to be written to the central state store. One at a time: what is written is the state of then. */
export interface OutboxMirror {
  readonly n: number;
  /** Id of the message that changed the state. */
  readonly mirror: string;
  readonly trace?: string;
  readonly timer?: undefined;
}

/** Why, and which: the message itself stays in the mail until it is a dead letter, so its payload is not repeated here. */
export interface GivenUp {
  readonly seq: number;
  readonly method: string;
  readonly code: string;
  readonly reason: string;
  readonly attempts: number;
  /** The argument, when a timer told it: the next firing takes the place of the message in the mail. */
  readonly input?: unknown;
}

export interface KeptReply {
  /** The asker's idempotency key. */
  readonly key: string;
  /** The answer; absent when it was nothing. */
  readonly ok?: unknown;
}

/** The steps of one message that are done. */
export interface KeptSteps {
  /** The message's id. */
  readonly of: string;
  /** Results by name. */
  readonly done: Readonly<Record<string, unknown>>;
}

/** Who is told when the actor's supervision escalates. */
export interface Parent {
  readonly key: string;
  /** Its pool, when its type names one. */
  readonly pool?: string;
  /** Its method that hears of failures; absent when it has none. */
  readonly method?: string;
}

export interface Stopped {
  /** Why. */
  readonly code: string;
  readonly message: string;
  /** ISO 8601. */
  readonly at: string;
  /** Mail sequence from which on it has taken nothing. */
  readonly seq: number;
  /** Number of the errand that has come to no end, when that was it. */
  readonly errand?: number;
}

export interface Snapshot {
  readonly state: unknown;
  readonly inbox: Inbox;
  readonly outbox: readonly OutboxEntry[];
  readonly timers: Timers;
  /** Last number given to an outbox entry. */
  readonly sent: number;
  /** Mail sequence that the partition's cursor passes only when the outbox has been published; 0: none. */
  readonly guard: number;
  /** Oldest first. */
  readonly replies: readonly KeptReply[];
  /** Results of `ctx.step` of messages whose turn has not ended; the one that was silent longest first. */
  readonly steps: readonly KeptSteps[];
  /** Who spawned it last. */
  readonly parent: Parent | undefined;
  /** Set while it takes nothing, until it is started again. */
  readonly stopped: Stopped | undefined;
  /** The state's schema number. */
  readonly schema: number;
  readonly epoch: number;
  readonly commit: string;
  readonly trace: string | undefined;
}

export const emptyInbox: Inbox = { seq: 0, from: {} };

export function firstSnapshot(state: unknown, nowMs: number, schema = 1): Snapshot {
  return {
    state,
    inbox: emptyInbox,
    outbox: [],
    timers: noTimers,
    sent: Math.floor(nowMs) * 1_000, // S3; below 2^53 until the year 2255
    guard: 0,
    replies: [],
    steps: [],
    parent: undefined,
    stopped: undefined,
    schema,
    epoch: 0,
    commit: "",
    trace: undefined,
  };
}

/** The stored text. `stateText` is the state's JSON, so that it is made once. */
export function printSnapshot(snapshot: Snapshot, stateText: string): string {
  const { inbox, outbox, timers, replies, steps } = snapshot;
  let text = `{"state":${stateText}`;
  if (inbox.seq > 0 || !isEmpty(inbox.from)) {
    text += `,"inbox":{"seq":${inbox.seq}${isEmpty(inbox.from) ? "" : `,"from":${JSON.stringify(inbox.from)}`}}`;
  }
  if (outbox.length > 0) text += `,"outbox":[${outbox.map(printEntry).join(",")}],"guard":${snapshot.guard}`;
  if (!isEmpty(timers)) text += `,"timers":${printTimers(timers)}`;
  text += `,"sent":${snapshot.sent}`;
  if (replies.length > 0) text += `,"replies":${JSON.stringify(replies)}`;
  if (steps.length > 0) text += `,"steps":${JSON.stringify(steps)}`;
  if (snapshot.parent !== undefined) text += `,"parent":${JSON.stringify(snapshot.parent)}`;
  if (snapshot.stopped !== undefined) text += `,"stopped":${JSON.stringify(snapshot.stopped)}`;
  text += `,"schema":${snapshot.schema},"epoch":${snapshot.epoch},"commit":"${snapshot.commit}"`;
  if (snapshot.trace !== undefined) text += `,"trace":"${snapshot.trace}"`;
  return `${text}}`;
}

/** Reads a stored value. Rejects with STATE_UNREADABLE (not ours) or STATE_TOO_NEW (written by newer code). */
export function readSnapshot(key: string, value: Uint8Array, schemaMax = 1): Snapshot {
  let raw: Partial<Record<keyof Snapshot, unknown>>;
  try {
    raw = JSON.parse(decodeText(value)) as typeof raw;
  } catch (thrown) {
    throw new TroupeError("STATE_UNREADABLE", `the value of ${key} is not JSON: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
  if (typeof raw !== "object" || raw === null || !("state" in raw) || typeof raw.commit !== "string") {
    throw new TroupeError("STATE_UNREADABLE", `the value of ${key} has no \`state\` and \`commit\``);
  }
  const faulty = faultyPart(raw);
  if (faulty !== undefined) {
    throw new TroupeError("STATE_UNREADABLE", `the value of ${key} has a part \`${faulty}\` that is not in its form`);
  }
  const schema = asNumber(raw.schema ?? 1, 0);
  if (!Number.isInteger(schema) || schema < 1) {
    const text = `the value of ${key} has the schema number ${JSON.stringify(raw.schema)}`;
    throw new TroupeError("STATE_UNREADABLE", text);
  }
  if (schema > schemaMax) {
    const text = `the state of ${key} has schema ${schema}, this code knows ${schemaMax}`;
    throw new TroupeError("STATE_TOO_NEW", text, { data: { schema } });
  }
  const inbox = (raw.inbox ?? {}) as Partial<Inbox>;
  return {
    state: raw.state,
    inbox: { seq: asNumber(inbox.seq, 0), from: inbox.from ?? {} },
    outbox: ((raw.outbox ?? []) as readonly StoredEntry[]).map(readEntry),
    timers: readTimers(raw.timers),
    sent: asNumber(raw.sent, 0),
    guard: asNumber(raw.guard, 0),
    replies: (raw.replies ?? []) as Snapshot["replies"],
    steps: (raw.steps ?? []) as Snapshot["steps"],
    parent: raw.parent as Snapshot["parent"],
    stopped: raw.stopped as Snapshot["stopped"],
    schema,
    epoch: asNumber(raw.epoch, 0),
    commit: raw.commit,
    trace: typeof raw.trace === "string" ? raw.trace : undefined,
  };
}

/** The same value with another state under another schema number and commit id. What else it holds stays as it is. */
export function replaceState(value: Uint8Array, state: unknown, schema: number, commit: string): Uint8Array {
  const raw = JSON.parse(decodeText(value)) as object;
  return encodeText(JSON.stringify({ ...raw, state, schema, commit }));
}

/** Just the commit's id, for comparing after an unknown outcome; undefined when the value is not ours. */
export function commitIdOf(value: Uint8Array): string | undefined {
  try {
    const raw = JSON.parse(decodeText(value)) as { commit?: unknown } | null;
    return typeof raw?.commit === "string" ? raw.commit : undefined;
  } catch {
    // Whatever stands there, it is not the commit that is looked for.
    return undefined;
  }
}

/** True when a message of this sender with this number was applied before. */
export function hasSeen(inbox: Inbox, sender: string, number: number): boolean {
  return (inbox.from[sender] ?? 0) >= number;
}

/** The inbox after a message: bounded, the sender that was silent longest goes first. */
export function withSeen(inbox: Inbox, sequence: number, sender?: string, number?: number): Inbox {
  const seq = Math.max(inbox.seq, sequence);
  if (sender === undefined || number === undefined) return { seq, from: inbox.from };
  const { [sender]: _before, ...others } = inbox.from;
  return { seq, from: { ...lastOf(others, keptSendersMax - 1), [sender]: number } };
}

/** Kept replies after one more: bounded, the oldest goes first. */
export function withReply(replies: readonly KeptReply[], reply: KeptReply): readonly KeptReply[] {
  return [...replies.slice(-(keptRepliesMax - 1)), reply];
}

/** Kept steps without those of a message. */
export function withoutSteps(steps: Snapshot["steps"], messageId: string): Snapshot["steps"] {
  return steps.some(({ of }) => of === messageId) ? steps.filter(({ of }) => of !== messageId) : steps;
}

/** Kept steps with one more result of a message: bounded, the message that was silent longest goes first. */
export function withStep(steps: Snapshot["steps"], messageId: string, name: string, value: unknown): Snapshot["steps"] {
  const done = steps.find(({ of }) => of === messageId)?.done;
  const others = withoutSteps(steps, messageId).slice(-(keptStepsMax - 1));
  return [...others, { of: messageId, done: { ...done, [name]: value } }];
}

interface StoredTell {
  readonly n: number;
  readonly to: string;
  readonly pool?: string;
  readonly method: string;
  readonly input?: unknown;
  readonly timer?: string;
  readonly cancels?: number;
  readonly trace?: string;
}
type StoredEntry =
  | StoredTell
  | { readonly n: number; readonly dead: GivenUp; readonly trace?: string }
  | { readonly n: number; readonly memory: MemoryWrite; readonly trace?: string }
  | (Omit<OutboxErrand, "inputText"> & { readonly input: unknown })
  | OutboxMirror;

/** What is sent and is gone from here, apart from what the actor does by itself. */
export function isErrand(entry: OutboxEntry): entry is OutboxErrand {
  return "errand" in entry;
}

export function isMirror(entry: OutboxEntry): entry is OutboxMirror {
  return "mirror" in entry;
}

function printEntry(entry: OutboxEntry): string {
  if ("dead" in entry || "memory" in entry || isMirror(entry)) return JSON.stringify(entry);
  const trace = entry.trace === undefined ? "" : `,"trace":"${entry.trace}"`;
  if (isErrand(entry)) {
    const steps = entry.steps === undefined ? "" : `,"steps":${JSON.stringify(entry.steps)}`;
    const fault = entry.fault === undefined ? "" : `,"fault":${JSON.stringify(entry.fault)}`;
    return `{"n":${entry.n},"errand":"${entry.errand}","input":${entry.inputText}${steps}${fault}${trace}}`;
  }
  if (entry.timer !== undefined) {
    const cancels = entry.cancels === undefined ? "" : `,"cancels":${entry.cancels}`;
    return `{"n":${entry.n},"timer":${JSON.stringify(entry.timer)}${cancels}${trace}}`;
  }
  const input = entry.inputText === undefined ? "" : `,"input":${entry.inputText}`;
  const pool = entry.pool === undefined ? "" : `,"pool":"${entry.pool}"`;
  return `{"n":${entry.n},"to":"${entry.to}"${pool},"method":"${entry.method}"${input}${trace}}`;
}

function readEntry(entry: StoredEntry): OutboxEntry {
  if ("dead" in entry) return { n: entry.n, dead: entry.dead, trace: entry.trace };
  if ("memory" in entry) return { n: entry.n, memory: entry.memory, trace: entry.trace };
  if ("mirror" in entry) return entry;
  if ("errand" in entry) {
    const { input, ...rest } = entry;
    return { ...rest, inputText: JSON.stringify(input) };
  }
  const { n, to, pool, method, input, timer, cancels, trace } = entry;
  if (timer !== undefined) return { n, timer, cancels, trace };
  return { n, to, pool, method, inputText: input === undefined ? undefined : JSON.stringify(input), trace };
}

/** The outbox with one more result of a step of an errand, as long as that stands (E4 of `errand.ts`). */
export function withErrandStep(outbox: Snapshot["outbox"], number: number, name: string, value: unknown) {
  return outbox.map((entry) =>
    isErrand(entry) && entry.n === number ? { ...entry, steps: { ...entry.steps, [name]: value } } : entry,
  );
}

function lastOf<T>(record: Readonly<Record<string, T>>, most: number): Readonly<Record<string, T>> {
  const keys = Object.keys(record);
  if (keys.length <= most) return record;
  return Object.fromEntries(keys.slice(keys.length - most).map((key) => [key, record[key] as T]));
}

function isEmpty(record: object): boolean {
  for (const _key in record) return false;
  return true;
}

function asNumber(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}
