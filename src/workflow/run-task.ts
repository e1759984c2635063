// The tasks that a run carries out itself: errands of its actor (`actors/errand.ts`).
//
//   T3. The run's own worker carries the task out beside the run's turns: it holds up neither signals nor other tasks, begins when
//       the commit that ordered it stands, and is begun anew by the next owner when the worker dies (E1).
//   T4. Its end is a turn of the run: `save`, what follows, and what the task has told others are one commit (E2, E3).

import type { Errand } from "../actors/errand.ts";
import type { Ended, Plan, Run } from "./run.ts";
import type { OwnOrder } from "./task-order.ts";
import { carryOut, endedBadly } from "./task-work.ts";
import { withoutNumbers } from "./tree.ts";
import type { Migrations } from "./version.ts";
import { pinned } from "./version.ts";

/** The name of the errand, as it stands in stored values. */
export const taskErrand = "task";

export function taskErrandOf(type: string, plan: Plan, migrations: Migrations): Errand<Run, OwnOrder> {
  return {
    run: (ctx, order, stored) => {
      const { id } = ctx.self;
      const { state } = pinned(plan, migrations, stored, id);
      const ended = carryOut(ctx, plan, { type, run: id, state }, order);
      return ended instanceof Promise ? ended.then(endOf) : endOf(ended);
    },
    refused: (order, error) => ({ method: "ended", input: endedBadly(order, error) }),
    eventOf: ({ id }, { path }, { durationMs, came }) => {
      const code = "code" in came ? came.code : codeOf(came.input as Ended);
      const about = { workflow: plan.name, task: withoutNumbers(path), run: id, durationMs };
      return { kind: "task-ended", ...about, ...(code === undefined ? {} : { code }) };
    },
  };
}

const endOf = (ended: Ended) => ({ method: "ended", input: ended });

const codeOf = ({ outcome }: Ended): string | undefined => (outcome.kind === "ok" ? undefined : outcome.failure.code);
