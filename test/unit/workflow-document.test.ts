// docs/workflows.md says what the code does: its drawing is the one that the definition makes, and its table has each
// passage of a run that plays of chance come upon.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { triage } from "../../examples/incident-triage/triage.ts";
import { printGraph } from "../../src/workflow/graph.ts";
import { isOver, type Outcome, type RunEvent } from "../../src/workflow/run.ts";
import { Play } from "./workflow-play.ts";
import { anyPlan, anyStep, type Step } from "./workflow-shapes.ts";

const text = readFileSync(new URL("../../docs/workflows.md", import.meta.url), "utf8");

test("the drawing in docs/workflows.md is the one of the definition", () => {
  const [, drawing] = /```mermaid\n(flowchart[\s\S]*?)\n```/.exec(text) ?? [];
  expect(drawing).toBe(printGraph(triage.plan.tree));
});

/** What plays of chance pass through; the seed makes them the same each time. */
function passages(): ReadonlySet<string> {
  const seen = new Set<string>();
  const property = fc.property(anyPlan, fc.array(anyStep, { maxLength: 60 }), fc.nat(4), (plan, steps, bad) => {
    const play = new Play(plan);
    let known = 0;
    const note = (event: string) => {
      for (const { path, from, to } of play.transitions.slice(known))
        if (path === "") seen.add(`${from} ${event} ${to}`);
      known = play.transitions.length;
    };
    note("start");
    const end = (which: number, isCalm: boolean) => {
      const order = play.orders[which % Math.max(1, play.orders.length)];
      if (order === undefined) return;
      play.orders.splice(play.orders.indexOf(order), 1);
      const { path, order: number, attempt } = order;
      const fails = order.kind === "task" ? attempt <= Number(/f(\d)$/.exec(path)?.[1] ?? 0) : !isCalm && bad > 2;
      const outcome: Outcome = fails ? { kind: "failed", failure: { code: "E", message: "" } } : { kind: "ok" };
      send({ kind: "ended", path, order: number, attempt, outcome });
    };
    const send = (event: RunEvent) => {
      play.send(event);
      note(event.kind);
    };
    const take = (step: Step, isCalm = false) => {
      if (step.kind === "end") return end(step.which, isCalm);
      if (step.kind === "repeat") return;
      if (step.kind === "time") play.nowMs += step.ms;
      send(step.kind === "time" ? { kind: "due" } : step.kind === "signal" ? { ...step, name: "go", data: 0 } : step);
    };
    for (const step of steps) take(step);
    for (let turns = 0; turns < 500 && !isOver(play.phase); turns += 1) {
      if (play.run.paused) take({ kind: "resume" });
      else if (play.phase === "held") take(bad % 2 === 0 ? { kind: "retry" } : { kind: "cancel", reason: "" });
      else if (play.orders.length > 0) take({ kind: "end", which: 0 }, turns > 100);
      else take({ kind: "time", ms: 60_000 });
    }
  });
  fc.assert(property, { numRuns: 200, seed: 5 });
  return seen;
}

test("the table in docs/workflows.md has each passage of a run from one phase to another, with the events that cause it", () => {
  const rows = [...text.matchAll(/^\| `(\w+)` \| ([^|]+) \| `(\w+)` \|/gm)];
  const documented = rows.flatMap(([, from, events = "", to]) =>
    [...events.matchAll(/`(\w+)`/g)].map(([, event]) => `${from} ${event} ${to}`),
  );
  const seen = [...passages()];
  expect(seen.filter((passage) => !documented.includes(passage))).toEqual([]);
  const ends = (passage: string) => passage.replace(/ \w+ /, " to ");
  expect([...new Set(seen.map(ends))].sort()).toEqual([...new Set(documented.map(ends))].sort());
});
