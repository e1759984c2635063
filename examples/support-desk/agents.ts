// The desk's agents. A message goes intake -> customer -> specialist (asked) -> supervisor, each in an actor of its own:
// told messages change each of them exactly once, whichever process dies when.

import { z } from "zod";
import { defineActor, handler, query } from "../../src/index.ts";
import { customerFileSchema, emptyFile, hasSeen, noteReply, takeIn } from "./customer-file.ts";
import { factsSchema } from "./facts.ts";
import { channels, messageSchema, textLengthMax } from "./message.ts";
import { answerFrom, findEarlier } from "./recollection.ts";
import { draftReply } from "./replies.ts";
import { moods, topics } from "./rules.ts";
import { countRepeated, countReport, emptyFloor, floorSchema, reportSchema } from "./totals.ts";

/** There is one intake and one supervisor. */
export const theOne = "main";
/** A model may take its time. Unit: ms. */
const answerMsMax = 50_000;
/** Excerpts that the supervisor shows. Unit: characters. */
const excerptLengthMax = 120;
const runsMax = 16;

/** A message on its way: which run of the example sent it, and as which of its messages, from 1. */
const handedOnSchema = z.object({ run: z.string(), number: z.number().int().min(1), message: messageSchema });

/** Totals over the whole desk, and what happened last. */
export const Supervisor = defineActor(
  "supervisor",
  { state: floorSchema, initial: emptyFloor },
  {
    report: handler(reportSchema, (ctx, report) => countReport(ctx.state, report)),
    repeated: handler(z.object({ run: z.string() }), (ctx, { run }) => countRepeated(ctx.state, run)),
    summary: query((ctx) => ({ ...ctx.state.totals, lastEscalations: ctx.state.escalated.slice(-10) })),
  },
);

const questionSchema = z.object({
  matter: z.object({
    name: z.string(),
    text: z.string(),
    mood: z.enum(moods),
    resolves: z.boolean(),
    contacts: z.number(),
    isEscalated: z.boolean(),
    /** What the customer wrote about it before, as the agent remembers. */
    earlier: z.object({ day: z.string(), text: z.string() }).optional(),
  }),
  facts: factsSchema,
});

/** One for each topic; its id is the topic. */
export const Specialist = defineActor(
  "specialist",
  {
    state: z.object({ answered: z.number(), apologies: z.number(), settled: z.number() }),
    initial: { answered: 0, apologies: 0, settled: 0 },
  },
  {
    answer: handler(
      questionSchema,
      async (ctx, { matter, facts }) => {
        const topic = z.enum(topics).parse(ctx.self.id);
        const reply = await ctx.step("draft", (signal) => draftReply(topic, matter, facts, signal));
        ctx.state.answered += 1;
        if (matter.mood === "annoyed" || matter.mood === "angry") ctx.state.apologies += 1;
        if (matter.resolves) ctx.state.settled += 1;
        return reply;
      },
      { timeoutMs: answerMsMax },
    ),
    workload: query((ctx) => ctx.state),
  },
);

/** The questions that people ask a customer's agent are a conversation of their own; the customer's memory holds letters. */
const questions = { session: "questions" };

/** One for each customer: keeps the threads, what is known, and when a person has to step in; remembers every word. */
export const Customer = defineActor(
  "customer",
  {
    state: customerFileSchema,
    initial: emptyFile,
    // While the server is away the specialist cannot answer: tried again for some minutes, not given up.
    retry: { attempts: 30, backoffMsMax: 10_000 },
    memory: {
      scope: (self, { method }) => ({ user: self.id, ...(method === "question" ? questions : {}) }),
      scopes: (self) => [{ user: self.id }],
      // A message that comes a second time is not one more: `message` writes to the memory itself.
      log: { methods: ["question"] },
      bring: { recall: { k: 8, query: textOf } },
    },
  },
  {
    message: handler(handedOnSchema, async (ctx, { run, message }) => {
      const supervisor = ctx.actor(Supervisor, theOne);
      if (hasSeen(ctx.state, message)) {
        supervisor.tell.repeated({ run });
        return;
      }
      const { contacts, ...intake } = takeIn(ctx.state, message);
      const { topic, mood, raised, resolves } = intake;
      const { name, text } = message;
      const atMs = Date.parse(message.at);
      const earlier = resolves ? undefined : findEarlier(ctx.memory.recalled, atMs);
      ctx.memory.append({ role: "user", speaker: name, text, atMs, data: { thread: message.thread, topic, mood } });
      // The key makes the ask safe to repeat: should this turn run again, the specialist gives the same answer and
      // counts it once.
      const reply = await ctx.actor(Specialist, topic).ask.answer(
        {
          matter: { name, text, mood, resolves, contacts, isEscalated: raised.length > 0, earlier },
          facts: ctx.state.facts,
        },
        { idempotencyKey: ctx.messageId, timeoutMs: answerMsMax, signal: ctx.signal },
      );
      noteReply(ctx.state, message, reply);
      ctx.memory.append({ role: "assistant", speaker: "desk", text: reply, atMs, data: { thread: message.thread } });
      const { at, customer, thread, channel } = message;
      const shown = { at, customer, name, thread, channel, text: excerpt(text), reply: excerpt(reply) };
      supervisor.tell.report({ run, ...intake, ...shown });
    }),
    /** What was said about it: answered from memory alone. */
    question: handler(z.string().min(1).max(textLengthMax), (ctx) =>
      answerFrom(ctx.memory.recalled.filter(({ document }) => !document.scope.includes(".session."))),
    ),
    facts: query((ctx) => ctx.state.facts),
    openThreads: query((ctx) => ctx.state.threads.filter(({ status }) => status === "open").map(({ id }) => id)),
  },
);

/** Where every message arrives. One sender, one intake: a customer's messages stay in their order. */
export const Intake = defineActor(
  "intake",
  {
    state: z.object({
      received: z.number(),
      byChannel: z.record(z.enum(channels), z.number()),
      /** A message that was sent twice because the first answer was lost. */
      resent: z.number(),
      /** The last message of each run. */
      runs: z.array(z.object({ id: z.string(), last: z.number() })),
    }),
    initial: { received: 0, byChannel: { email: 0, chat: 0, phone: 0 }, resent: 0, runs: [] },
  },
  {
    message: handler(handedOnSchema, (ctx, { run: id, number, message }) => {
      const { state } = ctx;
      const run = state.runs.find((known) => known.id === id);
      // The sender goes on to the next one only when the server has the last, so a number that is not higher came before.
      if (run !== undefined && number <= run.last) {
        state.resent += 1;
        return;
      }
      if (run === undefined) state.runs = [...state.runs, { id, last: number }].slice(-runsMax);
      else run.last = number;
      state.received += 1;
      state.byChannel[message.channel] += 1;
      ctx.actor(Customer, message.customer).tell.message({ run: id, number, message });
    }),
    counts: query((ctx) => {
      const { received, resent, byChannel } = ctx.state;
      return { received, resent, byChannel };
    }),
  },
);

export const agents = [Intake, Customer, Specialist, Supervisor];

/** The words of what the agent is sent: a message on its way, or a question. */
function textOf(input: unknown): string {
  return typeof input === "string" ? input : handedOnSchema.parse(input).message.text;
}

function excerpt(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > excerptLengthMax ? `${line.slice(0, excerptLengthMax - 1).toWellFormed()}…` : line;
}
