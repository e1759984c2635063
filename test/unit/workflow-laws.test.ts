// The interpreter's laws on definitions, results and orders of events that chance makes: whatever happens, a run ends, and
// what was done can be counted.

import fc from "fast-check";
import { expect, test } from "vitest";
import { advance } from "../../src/workflow/advance.ts";
import type { Command, Mark, Outcome, Plan, RunEvent, Transition } from "../../src/workflow/run.ts";
import { isOver } from "../../src/workflow/run.ts";
import { blockPathOf, isWithin, ownerOf, spotAt } from "../../src/workflow/tree.ts";
import { Play } from "./workflow-play.ts";
import type { Step } from "./workflow-shapes.ts";
import { anyPlan, anyStep } from "./workflow-shapes.ts";

/** A run, and what is counted of it. */
class Witness {
  readonly play: Play;
  readonly #plan: Plan;
  readonly #heard: RunEvent[] = [];
  /** What took effect, in the order of its ending, and is not compensated. */
  readonly standing: string[] = [];
  readonly #done = new Set<string>();
  /** It has failed or was cancelled as a whole. */
  #isGivenUp = false;
  /** Attempts whose body failed. */
  readonly #undone = new Set<string>();

  constructor(plan: Plan) {
    this.#plan = plan;
    this.play = new Play(plan);
  }

  step(step: Step): void {
    const { play } = this;
    switch (step.kind) {
      case "end":
        return this.#end(step.which % Math.max(1, play.orders.length));
      case "repeat": {
        const again = this.#heard[step.which % Math.max(1, this.#heard.length)];
        if (again === undefined) return;
        expect(advance(this.#plan, play.run, again, play.nowMs).run, "W1").toBe(play.run);
        return;
      }
      case "time":
        play.nowMs += step.ms;
        return this.#send({ kind: "due" });
      case "signal":
        return this.#send({ kind: "signal", name: "go", data: undefined });
      case "pause":
      case "resume":
      case "retry":
      case "cancel":
        return this.#send(step);
    }
  }

  #end(at: number): void {
    const { play } = this;
    const [order] = play.orders.splice(at, 1);
    if (order === undefined) return;
    const { kind, path, order: number, attempt } = order;
    const [, fails = 0, undoFails = 0] = /f(\d)u(\d)$/.exec(path)?.map(Number) ?? [];
    const isBad = attempt <= (kind === "compensate" ? undoFails : fails);
    const outcome: Outcome = isBad ? { kind: "failed", failure: { code: "E", message: "" } } : { kind: "ok" };
    if (!isBad && kind !== "compensate") {
      expect(this.#done.has(path), `W2: ${path}`).toBe(false);
      this.#done.add(path);
      if (this.#undoes(path)) this.standing.push(path);
    }
    if (!isBad && kind === "compensate") {
      expect(this.standing.lastIndexOf(path), `W4: ${path} stands`).toBeGreaterThan(-1);
      this.standing.splice(this.standing.lastIndexOf(path), 1);
      this.#done.delete(path);
    }
    const ended = { kind: "ended", path, order: number, attempt, outcome } as const;
    this.#heard.push(ended);
    this.#send(ended);
  }

  #undoes(path: string): boolean {
    const found = this.play.plan.tree.spots.get(path.replace(/\[\d+\]/g, "[]"))?.node;
    return (found?.kind === "task" || found?.kind === "child") && found.compensate !== undefined;
  }

  #send(event: RunEvent): void {
    const { play } = this;
    const before = play.run;
    const isPaused = before.paused === true;
    const frozen = JSON.stringify(before);
    const first = advance(this.#plan, before, event, play.nowMs);
    expect(JSON.stringify(first), "W9").toBe(JSON.stringify(advance(this.#plan, before, event, play.nowMs)));
    expect(JSON.stringify(before), "W9").toBe(frozen);
    const commands = play.send(event);
    expect(JSON.stringify(play.run), "what is stored is what was made").toBe(JSON.stringify(first.run));
    const orders = commands.filter(({ kind }) => kind !== "cancel-child");
    if (isPaused && event.kind !== "resume") expect(orders, "W5").toEqual([]);
    // A person lets stand what cannot be undone.
    const letsStand = event.kind === "cancel" && before.phase === "held" && before.marks[""] !== undefined;
    if (letsStand) this.standing.splice(this.standing.lastIndexOf(before.failure?.path ?? ""), 1);
    for (const transition of first.transitions) {
      const { path, to } = transition;
      if (to === "compensating" && path !== "") this.#undone.add(path);
      if (to === "compensating" && path === "") this.#isGivenUp = true;
      expect(to === "completed" && path === "" && this.#isGivenUp, "W4: what is given up is not completed").toBe(false);
      this.#beginAnew(transition);
    }
    this.#look(commands);
  }

  /** W2: when a person retries a loop that was never enough, or an attempt that was undone, what stands in it begins anew. */
  #beginAnew({ path: outer, from, to }: Transition): void {
    if (from !== "ready" || to !== "open") return;
    const kind = spotAt(this.#plan.tree, outer)?.node.kind;
    expect(["loop", "attempt"], `W2: ${outer} begins anew`).toContain(kind);
    for (const path of this.#done) if (isWithin(path, outer)) this.#done.delete(path);
    for (const path of this.#undone) if (path === outer || isWithin(path, outer)) this.#undone.delete(path);
  }

  /**
   * W4: what is to be undone is the last of what stands in its scope, and nothing else in the scope is under way. That counts
   * when the order is given: a cancel may widen the scope while it is out.
   */
  #lookAtUndoing(path: string): void {
    const { run, orders } = this.play;
    const scopes = Object.entries(run.marks).filter(
      ([scope, { is }]) => is === "compensating" && isWithin(path, scope),
    );
    expect(scopes.length, `W4: ${path} is in one scope`).toBe(1);
    const [scope = ""] = scopes[0] ?? [];
    expect(this.standing.filter((each) => isWithin(each, scope)).at(-1), `W4 in "${scope}"`).toBe(path);
    const out = orders.filter((order) => isWithin(order.path, scope)).map((order) => `${order.kind} ${order.path}`);
    expect(out, `W4 in "${scope}"`).toEqual([`compensate ${path}`]);
  }

  /** W4: what a failed attempt did does not stand, whoever has won the join around it. */
  lookAtAttempts(): void {
    for (const scope of this.#undone) {
      expect(
        this.standing.filter((path) => isWithin(path, `${scope}/try`)),
        `W4 in ${scope}`,
      ).toEqual([]);
    }
  }

  /** What was given up does not hold up the items after it, while it ends or is undone. */
  #isUnderWay(path: string, { is }: Mark): boolean {
    if (is === "compensating") return this.play.mark(ownerOf(blockPathOf(path)).path) === "open";
    return !["failed", "done", "left", "compensated"].includes(is);
  }

  #look(commands: readonly Command[]): void {
    const { play } = this;
    const { run, orders } = play;
    const places = orders.filter(({ kind }) => kind !== "compensate").map(({ path }) => path);
    expect(new Set(places).size, "W3: one order at a time for a node").toBe(places.length);
    for (const { kind, path } of commands) if (kind === "compensate") this.#lookAtUndoing(path);
    for (const [path, mark] of Object.entries(run.marks)) {
      if (mark.is !== "open" || mark.items === undefined) continue;
      const items = new Set(
        Object.entries(run.marks)
          .filter(([inner, mark]) => inner.startsWith(`${path}[`) && this.#isUnderWay(inner, mark))
          .map(([inner]) => inner.slice(0, inner.indexOf("]", path.length))),
      );
      expect(items.size, `W6: ${path}`).toBeLessThanOrEqual(2);
    }
    if (isOver(run.phase) || run.paused || run.phase === "held") return;
    const isTimed = run.timerMs !== undefined;
    expect(orders.length > 0 || isTimed, `W3: ${run.phase} waits for something: ${JSON.stringify(run)}`).toBe(true);
  }
}

test("W1 to W9: whatever comes in whatever order, a run ends, and what it did stands or is compensated, each once", () => {
  const property = fc.property(anyPlan, fc.array(anyStep, { maxLength: 60 }), (plan, steps) => {
    const witness = new Witness(plan);
    for (const step of steps) witness.step(step);
    const { play } = witness;
    // From here on all goes on by itself: the run has to end.
    for (let turns = 0; !isOver(play.phase); turns += 1) {
      expect(turns, `it ends: ${JSON.stringify(play.run)}`).toBeLessThan(2_000);
      if (play.run.paused) witness.step({ kind: "resume" });
      else if (play.phase === "held") witness.step({ kind: "cancel", reason: "the end" });
      else if (play.orders.length > 0) witness.step({ kind: "end", which: turns });
      else witness.step({ kind: "time", ms: Math.max(0, (play.run.timerMs ?? 0) - play.nowMs) });
    }
    witness.lookAtAttempts();
    // Of a run that came to nothing nothing stands.
    if (play.phase !== "completed") expect(witness.standing).toEqual([]);
  });
  fc.assert(property, { numRuns: 400 });
});
