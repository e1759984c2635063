// What the desk keeps of one customer, and how one message changes it. Pure: no clock, no chance, no sending.
//
//   D1. The same message changes the file once: what was seen is skipped.
//   D2. The file is bounded, however long a customer writes: threads, lines of each thread, facts, identities.

import { z } from "zod";
import type { Reason } from "./escalation.ts";
import { escalationsOf, reasons } from "./escalation.ts";
import { factsSchema, findFacts, learn, noFacts } from "./facts.ts";
import type { Message } from "./message.ts";
import { identityOf } from "./message.ts";
import type { Mood, Reading, Topic, Urgency } from "./rules.ts";
import { classify, topics } from "./rules.ts";

/** A customer with more than this repeats an old message unnoticed. Unit: messages. */
const seenMax = 1_000;
const threadsMax = 20;
const threadLinesMax = 8;
const angryTimesMax = 5;
const lineLengthMax = 400;
/** In a chat one question comes in five messages: what follows sooner is the same contact. Unit: ms. */
const contactMsMin = 30 * 60_000;

const lineSchema = z.object({ at: z.string(), from: z.enum(["customer", "desk"]), text: z.string() });

const threadSchema = z.object({
  id: z.string(),
  topic: z.enum(topics),
  status: z.enum(["open", "settled"]),
  messages: z.number(),
  /** Contacts since the matter was last settled. */
  contacts: z.number(),
  lastAt: z.string(),
  raised: z.array(z.enum(reasons)),
  lines: z.array(lineSchema),
});
export type Thread = z.infer<typeof threadSchema>;

export const customerFileSchema = z.object({
  name: z.string(),
  messages: z.number(),
  facts: factsSchema,
  angryAt: z.array(z.string()),
  /** The one that was written to last stands last. */
  threads: z.array(threadSchema),
  /** Identities of the messages taken in. */
  seen: z.array(z.string()),
});
export type CustomerFile = z.infer<typeof customerFileSchema>;

export const emptyFile = (): CustomerFile => ({
  name: "",
  messages: 0,
  facts: noFacts(),
  angryAt: [],
  threads: [],
  seen: [],
});

/** What one message came to. */
export interface Intake {
  readonly topic: Topic;
  readonly mood: Mood;
  readonly urgency: Urgency;
  readonly resolves: boolean;
  readonly raised: Reason[];
  /** Contacts about this matter since it was last settled, this one included. */
  readonly contacts: number;
  readonly isNewCustomer: boolean;
  readonly isNewThread: boolean;
  /** What it does to the number of open matters. */
  readonly opened: -1 | 0 | 1;
}

export function hasSeen(file: CustomerFile, message: Message): boolean {
  return file.seen.includes(identityOf(message));
}

/** Takes a message in that was not seen yet: changes `file` in place and says what it came to. */
export function takeIn(file: CustomerFile, message: Message): Intake {
  const reading = classify(message.text);
  const isNewCustomer = file.messages === 0;
  file.name = message.name;
  file.messages += 1;
  file.seen = [...file.seen, identityOf(message)].slice(-seenMax);
  learn(file.facts, findFacts(message.text));
  if (reading.mood === "angry") file.angryAt = [...file.angryAt, message.at].slice(-angryTimesMax);

  const known = file.threads.find((thread) => thread.id === message.thread);
  const thread = known ?? newThread(message, reading);
  file.threads = [...file.threads.filter((other) => other !== known), thread].slice(-threadsMax);
  const wasOpen = known !== undefined && known.status === "open";
  note(thread, message, reading);
  const raised = escalationsOf({
    reading,
    at: message.at,
    contacts: thread.contacts,
    angryAt: file.angryAt,
    raised: thread.raised,
  });
  thread.raised.push(...raised);
  const { contacts } = thread;
  if (reading.resolves) settle(thread);
  const isOpen = thread.status === "open";
  return {
    topic: thread.topic,
    mood: reading.mood,
    urgency: raised.length > 0 ? "high" : reading.urgency,
    resolves: reading.resolves,
    raised,
    contacts,
    isNewCustomer,
    isNewThread: known === undefined,
    opened: wasOpen === isOpen ? 0 : isOpen ? 1 : -1,
  };
}

/** Keeps the desk's answer in the thread. */
export function noteReply(file: CustomerFile, message: Message, reply: string): void {
  const thread = file.threads.find(({ id }) => id === message.thread);
  if (thread !== undefined) addLine(thread, message.at, "desk", reply);
}

function newThread(message: Message, reading: Reading): Thread {
  return {
    id: message.thread,
    topic: reading.topic,
    status: "open",
    messages: 0,
    contacts: 0,
    lastAt: message.at,
    raised: [],
    lines: [],
  };
}

function note(thread: Thread, message: Message, reading: Reading): void {
  const sinceLastMs = Date.parse(message.at) - Date.parse(thread.lastAt);
  if (thread.messages === 0 || thread.status === "settled" || sinceLastMs > contactMsMin) thread.contacts += 1;
  thread.messages += 1;
  thread.lastAt = message.at;
  thread.status = "open";
  thread.topic = topicIn(thread, reading);
  addLine(thread, message.at, "customer", message.text);
}

/** "Any news?" is about what the thread was about; a thread turns only to what is plainly another matter. */
function topicIn(thread: Thread, reading: Reading): Topic {
  const isVague = reading.topic === "other" || (reading.topic === "praise" && thread.messages > 1);
  if (isVague && thread.topic !== "other") return thread.topic;
  return reading.isTopicSure || thread.topic === "other" ? reading.topic : thread.topic;
}

/** What comes after is a new matter: contacts are counted from the start, and reasons may be raised again. */
function settle(thread: Thread): void {
  thread.status = "settled";
  thread.contacts = 0;
  thread.raised = [];
}

function addLine(thread: Thread, at: string, from: "customer" | "desk", text: string): void {
  const short = text.length > lineLengthMax ? `${text.slice(0, lineLengthMax - 1).toWellFormed()}…` : text;
  thread.lines = [...thread.lines, { at, from, text: short }].slice(-threadLinesMax);
}
