// An incident, from its report to its end: a workflow that branches on what it finds out, waits for a person, and takes back an
// action that made things worse. In one terminal:
//
//   npm run troupe -- dev examples/incident-triage/triage.ts
//
// and in another:
//
//   npm run troupe -- workflow start triage i-1 '{"service":"shop","customer":"acme","report":"the shop is slow"}'
//   npm run troupe -- workflow show triage i-1
//   npm run troupe -- workflow signal triage i-1 decision '{"by":"ada","remedy":"restart"}'
//   npm run troupe -- workflow graph triage i-1 --actors examples/incident-triage/triage.ts

import { z } from "zod";
import type { Flow } from "../../src/index.ts";
import { defineWorkflow } from "../../src/index.ts";
import { Customer } from "../support-desk/agents.ts";
import { assess, Notes, Service } from "./agents.ts";

// The desk, whose customers an incident may touch.
export { Customer, Intake, Specialist, Supervisor } from "../support-desk/agents.ts";
export { Notes, Service };

const remedy = z.enum(["restart", "scale-out", "rollback"]);
const input = z.object({
  service: z.string(),
  customer: z.string(),
  report: z.string(),
  /** How long a remedy is given to work. Unit: ms. */
  settleMs: z.number().default(2_000),
});
const state = input.extend({
  severity: z.enum(["low", "high", "critical"]).optional(),
  /** Threads that the customer has open with the support desk. */
  openThreads: z.number().optional(),
  remedy: remedy.optional(),
  decidedBy: z.string().optional(),
  outcome: z.enum(["ticket", "mended", "mended by a person", "escalated"]).optional(),
});
export type Incident = z.infer<typeof state>;

/** How long a person is given to decide. */
export const decideMs = 600_000;
/** What a person says: what is to be tried, or nothing when they cannot tell. */
const decision = z.object({ by: z.string(), remedy: remedy.optional() });

type Triage = Flow<Incident>;

export const triage = defineWorkflow(
  "triage",
  { state, input, initial: (report) => report, result: ({ outcome }) => outcome },
  (flow) => [
    findOut(flow),
    flow.branch(
      "severity",
      flow.when(
        "low",
        ({ severity }) => severity === "low",
        flow.task("file", (ctx) => ctx.actor(Notes, "backlog").tell.add(`${ctx.run}: ${ctx.state.report}`)),
        conclude(flow, "ticket"),
      ),
      flow.otherwise(page(flow), tellCustomer(flow), mendByItself(flow)),
    ),
  ],
);

function findOut({ parallel, task }: Triage) {
  return parallel("find-out", {
    assess: task("model", (ctx) => ctx.step("model", () => assess(ctx.state.report)), {
      save: (incident, found) => Object.assign(incident, found),
    }),
    customer: task("threads", (ctx) => ctx.actor(Customer, ctx.state.customer).ask.openThreads(), {
      save: (incident, { length }) => {
        incident.openThreads = length;
      },
    }),
  });
}

function page({ task }: Triage) {
  return task("page", (ctx) => ctx.actor(Notes, "oncall").tell.add(`${ctx.run}: ${ctx.state.report}`), {
    compensate: (ctx) => ctx.actor(Notes, "oncall").tell.add(`${ctx.run}: never mind`),
  });
}

function tellCustomer({ branch, when, task }: Triage) {
  return branch(
    "customer",
    when(
      "tell",
      ({ openThreads = 0, severity }) => openThreads > 0 || severity === "critical",
      task("mail", (ctx) => ctx.actor(Notes, ctx.state.customer).tell.add(`we look into ${ctx.state.service}`)),
    ),
  );
}

/** Tries what the model says. When that does not help it is taken back, and a person decides. */
function mendByItself(flow: Triage) {
  const { attempt, sleep, task, branch, when, otherwise } = flow;
  const settle = sleep("settle", ({ settleMs }) => settleMs);
  const look = task(
    "look",
    async (ctx) => {
      const health = await ctx.actor(Service, ctx.state.service).ask.health();
      if (health !== "well") throw Object.assign(new Error(`${ctx.state.service} is ${health}`), { code: "NOT_WELL" });
    },
    { retry: { attempts: 2, backoffMs: 500, backoffMsMax: 500 } },
  );
  const escalate = task("escalate", (ctx) => {
    ctx.actor(Notes, "manager").tell.add(`${ctx.run}: ${ctx.state.service} needs you`);
  });
  const decided = branch(
    "decided",
    when("mend", ({ remedy }) => remedy !== undefined, mend(flow), conclude(flow, "mended by a person")),
    otherwise(escalate, conclude(flow, "escalated")),
  );
  return attempt("automatic", [mend(flow), settle, look, conclude(flow, "mended")], {
    on: { NOT_WELL: [decide(flow), decided] },
  });
}

function mend({ task }: Triage) {
  return task(
    "mend",
    (ctx) => {
      const chosen = ctx.state.remedy ?? "restart";
      ctx.actor(Service, ctx.state.service).tell.apply(chosen);
      return chosen;
    },
    { compensate: (ctx, chosen) => ctx.actor(Service, ctx.state.service).tell.revert(chosen) },
  );
}

function decide({ waitFor, change }: Triage) {
  return waitFor("decision", {
    schema: decision,
    save: (incident, { by, remedy: chosen }) => {
      incident.decidedBy = by;
      if (chosen === undefined) delete incident.remedy;
      else incident.remedy = chosen;
    },
    timeoutMs: decideMs,
    late: change("nobody", (incident) => {
      delete incident.remedy;
    }),
  });
}

function conclude({ change }: Triage, outcome: Incident["outcome"]) {
  return change("conclude", (incident) => {
    incident.outcome = outcome;
  });
}
