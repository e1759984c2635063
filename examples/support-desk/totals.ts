// What the supervisor keeps: totals over everything, and the last things that happened for whoever watches the floor.
// Pure: the counting, without the agents.

import { z } from "zod";
import { reasons } from "./escalation.ts";
import { channels } from "./message.ts";
import { moods, topics, urgencies } from "./rules.ts";

/** Kept for the live view. Unit: messages. */
const happeningsMax = 40;
const escalationsMax = 50;
const runsMax = 16;

const count = z.number().int();

/** One message, from arrival to answer, as a line on the floor. */
const happeningSchema = z.object({
  at: z.string(),
  customer: z.string(),
  name: z.string(),
  thread: z.string(),
  channel: z.enum(channels),
  topic: z.enum(topics),
  mood: z.enum(moods),
  urgency: z.enum(urgencies),
  raised: z.array(z.enum(reasons)),
  /** The beginning of what was written, and of the answer. */
  text: z.string(),
  reply: z.string(),
});

export const reportSchema = happeningSchema.extend({
  run: z.string(),
  resolves: z.boolean(),
  isNewCustomer: z.boolean(),
  isNewThread: z.boolean(),
  opened: z.union([z.literal(-1), z.literal(0), z.literal(1)]),
});
export type Report = z.infer<typeof reportSchema>;

export const totalsSchema = z.object({
  messages: count,
  answered: count,
  settled: count,
  repeated: count,
  customers: count,
  threads: count,
  open: count,
  escalations: count,
  byTopic: z.record(z.enum(topics), count),
  byMood: z.record(z.enum(moods), count),
  byChannel: z.record(z.enum(channels), count),
  byReason: z.record(z.enum(reasons), count),
});
export type Totals = z.infer<typeof totalsSchema>;

const numberedSchema = happeningSchema.extend({ number: count });
export type Happening = z.infer<typeof numberedSchema>;

const escalationSchema = z.object({
  at: z.string(),
  customer: z.string(),
  name: z.string(),
  thread: z.string(),
  reason: z.enum(reasons),
});
export type Escalation = z.infer<typeof escalationSchema>;

export const floorSchema = z.object({
  totals: totalsSchema,
  /** The newest last. */
  escalated: z.array(escalationSchema),
  happenings: z.array(numberedSchema),
  /** How many messages of each run of the example were dealt with. */
  runs: z.array(z.object({ id: z.string(), fresh: count, repeated: count })),
});
export type Floor = z.infer<typeof floorSchema>;

/** Every word with a zero, so that a total that nothing has reached is there to be read. */
const zeros = <K extends string>(words: readonly K[]) =>
  Object.fromEntries(words.map((word) => [word, 0])) as Record<K, number>;

export const emptyFloor = (): Floor => ({
  totals: {
    messages: 0,
    answered: 0,
    settled: 0,
    repeated: 0,
    customers: 0,
    threads: 0,
    open: 0,
    escalations: 0,
    byTopic: zeros(topics),
    byMood: zeros(moods),
    byChannel: zeros(channels),
    byReason: zeros(reasons),
  },
  escalated: [],
  happenings: [],
  runs: [],
});

/** Counts one message that was dealt with; changes `floor` in place. */
export function countReport(floor: Floor, report: Report): void {
  const { run, resolves, isNewCustomer, isNewThread, opened, ...happening } = report;
  const { totals } = floor;
  totals.messages += 1;
  if (report.reply !== "") totals.answered += 1;
  if (resolves) totals.settled += 1;
  if (isNewCustomer) totals.customers += 1;
  if (isNewThread) totals.threads += 1;
  totals.open += opened;
  totals.byTopic[report.topic] += 1;
  totals.byMood[report.mood] += 1;
  totals.byChannel[report.channel] += 1;
  const { at, customer, name, thread } = report;
  for (const reason of report.raised) {
    totals.escalations += 1;
    totals.byReason[reason] += 1;
    floor.escalated = [...floor.escalated, { at, customer, name, thread, reason }].slice(-escalationsMax);
  }
  floor.happenings = [...floor.happenings, { ...happening, number: totals.messages }].slice(-happeningsMax);
  countIn(floor, run, "fresh");
}

/** Counts one message that the desk had dealt with before. */
export function countRepeated(floor: Floor, run: string): void {
  floor.totals.repeated += 1;
  countIn(floor, run, "repeated");
}

/** What a run has come to; nothing yet when the floor does not know it. */
export function runOf(floor: Pick<Floor, "runs">, id: string): { readonly fresh: number; readonly repeated: number } {
  return floor.runs.find((run) => run.id === id) ?? { fresh: 0, repeated: 0 };
}

function countIn(floor: Floor, id: string, what: "fresh" | "repeated"): void {
  const known = floor.runs.find((run) => run.id === id);
  if (known !== undefined) known[what] += 1;
  else floor.runs = [...floor.runs, { id, fresh: 0, repeated: 0, [what]: 1 }].slice(-runsMax);
}
