// A question, several readers at once, a draft that is reviewed until it is good enough: a workflow that fans out, joins and loops.
//
//   npm run troupe -- dev examples/research-pipeline/research.ts
//   npm run troupe -- tell source a fill '"a saga takes back what it did, in reverse"'
//   npm run troupe -- tell source b fill '"each step has one that undoes it"'
//   npm run troupe -- workflow start research r-1 '{"question":"What is a saga?","sources":["a","b","c"],"wanted":2}'
//   npm run troupe -- workflow show research r-1

import { z } from "zod";
import { defineActor, defineWorkflow, handler, query } from "../../src/index.ts";

/** A source that somebody has filled; one that is empty cannot be read. */
export const Source = defineActor(
  "source",
  { state: z.object({ text: z.string(), readers: z.number() }), initial: { text: "", readers: 0 } },
  {
    fill: handler(z.string(), (ctx, text) => {
      ctx.state.text = text;
    }),
    read: handler(z.string(), (ctx, question) => {
      if (ctx.state.text === "") throw Object.assign(new Error("it is empty"), { code: "SOURCE_EMPTY" });
      ctx.state.readers += 1;
      return `on "${question}": ${ctx.state.text}`;
    }),
    readers: query((ctx) => ctx.state.readers),
  },
);

const input = z.object({
  question: z.string(),
  sources: z.array(z.string()),
  /** Findings that are enough for a draft. */
  wanted: z.number().int().min(1).default(2),
  /** The grade from which on a draft is good. */
  goodFrom: z.number().default(3),
});
const state = input.extend({
  findings: z.array(z.object({ source: z.string(), text: z.string() })),
  draft: z.string(),
  grade: z.number(),
  reviews: z.number(),
});
type Research = z.infer<typeof state>;

/** What a model would write, and another would say of it; here a draft grows with each review, and so does its grade. */
const write = ({ question, findings, reviews }: Pick<Research, "question" | "findings" | "reviews">): string =>
  `${question} ${findings.map(({ text }) => text).join("; ")}${"!".repeat(reviews)}`;
const gradeOf = (draft: string): number => 1 + (draft.match(/!/g)?.length ?? 0);

export const research = defineWorkflow(
  "research",
  {
    state,
    input,
    initial: (question) => ({ ...question, findings: [], draft: "", grade: 0, reviews: 0 }),
    result: ({ draft, grade }) => ({ draft, grade }),
  },
  ({ forEach, loop, task, attempt, fail, branch, when }) => [
    attempt(
      "gather",
      [
        forEach("sources", { items: ({ sources }) => sources, concurrency: 3 }, (each) =>
          each.attempt(
            "one",
            each.task(
              "read",
              (ctx) => ctx.actor(Source, ctx.item).ask.read(ctx.state.question, { idempotencyKey: ctx.key }),
              {
                retry: { attempts: 2, backoffMs: 200 },
                save: (all, text, { item }) => {
                  all.findings.push({ source: item, text });
                },
              },
            ),
            { otherwise: [] },
          ),
        ),
        branch(
          "enough",
          when("no", ({ findings, wanted }) => findings.length < wanted, fail("few", { code: "TOO_FEW" })),
        ),
      ],
      {
        on: {
          TOO_FEW: task("ask-around", (ctx) => `nobody knows of ${ctx.state.question}`, {
            save: (all, text) => {
              all.findings.push({ source: "colleagues", text });
            },
          }),
        },
      },
    ),
    loop(
      "refine",
      { until: ({ grade, goodFrom }) => grade >= goodFrom, timesMax: 5 },
      task("draft", (ctx) => ctx.step("model", () => write(ctx.state as Research)), {
        save: (all, draft) => {
          all.draft = draft;
        },
      }),
      task("review", (ctx) => ctx.step("model", () => gradeOf(ctx.state.draft)), {
        save: (all, grade) => {
          all.grade = grade;
          all.reviews += 1;
        },
      }),
    ),
  ],
);
