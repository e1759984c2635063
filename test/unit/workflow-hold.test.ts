// A run that is held, and what begins anew when a person says retry: that which failed, and nothing beside it.

import { describe, expect, test } from "vitest";
import type { Flow, Steps } from "../../src/workflow/flow.ts";
import { pinned } from "../../src/workflow/version.ts";
import type { PlayState } from "./workflow-play.ts";
import { Play, planOf } from "./workflow-play.ts";

const nothing = () => {};
const saga = { compensate: nothing, retry: { attempts: 1 } };

describe("hold: what is tried again", () => {
  const t = <Item>(flow: Pick<Flow<PlayState, Item>, "task">) => flow.task("t", nothing, saga);
  const rows: readonly {
    readonly join: string;
    readonly build: (flow: Flow<PlayState>) => Steps;
    readonly failing: readonly string[];
    readonly held: string;
    readonly underWay: readonly string[];
  }[] = [
    {
      join: "2 of 2, around one of all",
      build: (flow) =>
        flow.parallel(
          "p",
          { a: t(flow), b: flow.parallel("q", { a: t(flow), b: flow.task("no", nothing, saga) }) },
          { join: 2 },
        ),
      failing: ["p/b/q/b/no"],
      held: "p/b/q/b/no",
      underWay: ["p/a/t", "p/b/q/a/t"],
    },
    {
      join: "any",
      build: (flow) => flow.parallel("p", { a: t(flow), b: t(flow) }, { join: "any" }),
      failing: ["p/a/t", "p/b/t"],
      held: "p/b/t",
      underWay: [],
    },
    {
      join: "2 of 3",
      build: (flow) => flow.parallel("p", { a: t(flow), b: t(flow), c: t(flow) }, { join: 2 }),
      failing: ["p/a/t", "p/b/t"],
      held: "p/b/t",
      underWay: ["p/c/t"],
    },
    {
      join: "2 of 3 items",
      build: (flow) => flow.forEach("p", { items: () => [0, 1, 2], concurrency: 2, join: 2 }, (each) => t(each)),
      failing: ["p[0]/t", "p[1]/t"],
      held: "p[1]/t",
      underWay: ["p[2]/t"],
    },
    {
      join: "all, in any",
      build: (flow) =>
        flow.parallel("p", { a: flow.parallel("q", { a: t(flow), b: t(flow) }), b: t(flow) }, { join: "any" }),
      failing: ["p/a/q/a/t", "p/b/t"],
      held: "p/b/t",
      underWay: ["p/a/q/b/t"],
    },
  ];

  test.each(rows)("W2, W3: of a join of $join the node that failed, and nothing beside it", (row) => {
    const play = new Play(planOf(row.build, { onFailure: "hold" }));
    for (const path of row.failing) {
      expect(play.phase).toBe("running");
      play.fail(path);
    }
    const held = Object.entries(play.run.marks).flatMap(([path, { is }]) => (is === "held" ? [path] : []));
    expect([play.phase, ...held]).toEqual(["held", row.held]);
    expect(play.waiting).toEqual(row.underWay);
    play.send({ kind: "retry" });
    expect(play.waiting).toEqual([...row.underWay, row.held]);
    play.toEnd();
    expect(play.phase).toBe("completed");
    expect(play.ran).toEqual([...new Set(play.ran)]);
  });

  test("W3: the case that chance found: what fails on purpose is held again, and what is under way is ordered once", () => {
    const plan = planOf(
      (flow) => [
        flow.parallel(
          "p",
          { a: t(flow), b: [flow.parallel("q", { a: t(flow), b: flow.fail("no", { code: "BAD" }) }), t(flow)] },
          { join: 2 },
        ),
        flow.fail("end", { code: "BAD" }),
      ],
      { onFailure: "hold" },
    );
    const play = new Play(plan);
    play.send({ kind: "retry" });
    expect([play.phase, play.mark("p/b/q/b/no")]).toEqual(["held", "held"]);
    expect(play.waiting).toEqual(["p/a/t", "p/b/q/a/t"]);
    play.send({ kind: "cancel", reason: "no" });
    expect(play.toEnd()).toEqual(["p/a/t", "p/b/q/a/t", "-p/b/q/a/t", "-p/a/t"]);
  });

  const again = (version = 1) =>
    planOf(
      (flow) =>
        flow.loop(
          "again",
          { until: ({ isEnough }) => isEnough === true, timesMax: 1 },
          flow.parallel("p", { a: t(flow), b: t(flow) }, { join: "any" }),
        ),
      { onFailure: "hold", version },
    );

  test.each([false, true])(
    "W3: a loop begins anew when what was given up in it has ended (paused meanwhile: %s)",
    (pauses) => {
      const play = new Play(again());
      play.ok("again[0]/p/a/t");
      expect([play.phase, play.failure, play.mark("again")]).toEqual(["held", "LOOP_EXHAUSTED", "held"]);
      play.send({ kind: "retry" });
      expect([play.phase, play.mark("again")]).toEqual(["running", "ready"]);
      expect(play.waiting).toEqual(["again[0]/p/b/t"]);
      if (pauses) play.send({ kind: "pause" });
      play.ok("again[0]/p/b/t");
      if (pauses) {
        expect(play.waiting).toEqual([]);
        play.send({ kind: "resume" });
      }
      const both = ["again[0]/p/a/t", "again[0]/p/b/t"];
      expect(play.waiting).toEqual(both);
      play.send({ kind: "cancel", reason: "" });
      const undone = ["-again[0]/p/b/t", "-again[0]/p/a/t"];
      expect(play.toEnd()).toEqual([...both, ...both, ...undone, ...undone]);
    },
  );

  test("W4: a loop begins anew when what a lost way in it had begun to undo is undone, each once", () => {
    const plan = planOf(
      (flow) =>
        flow.loop(
          "again",
          { until: ({ isEnough }) => isEnough === true, timesMax: 1 },
          flow.parallel(
            "p",
            {
              a: flow.attempt("fix", [t(flow), flow.task("u", nothing, saga), flow.fail("no", { code: "NO" })]),
              b: t(flow),
            },
            { join: "any" },
          ),
        ),
      { onFailure: "hold" },
    );
    const play = new Play(plan);
    const fix = "again[0]/p/a/fix/try";
    for (const path of [`${fix}/t`, `${fix}/u`, "again[0]/p/b/t"]) play.ok(path);
    play.send({ kind: "retry" });
    for (const path of [`-${fix}/u`, `-${fix}/t`]) {
      expect([play.mark("again"), ...play.waiting]).toEqual(["ready", path]);
      play.ok(path);
    }
    expect([play.mark("again"), ...play.waiting]).toEqual(["open", "again[0]/p/b/t", `${fix}/t`]);
  });

  test("V2: a newer version takes over a run whose loop is about to begin anew", () => {
    const play = new Play(again());
    play.ok("again[0]/p/a/t");
    play.send({ kind: "retry" });
    const { version, marks } = pinned(again(2), { 1: (state) => state }, play.run, "one");
    expect([version, marks.again]).toEqual([2, { is: "ready" }]);
  });
});

describe("hold: a task that a person retries", () => {
  const plan = planOf(
    ({ task }) =>
      task("pay", nothing, {
        retry: { attempts: 2, backoffMs: 10 },
        save: (state, result) => {
          if (state.isBroken === true) throw new Error("no");
          state.log.push(String(result));
        },
        compensate: nothing,
      }),
    { onFailure: "hold" },
  );
  const failed = { kind: "failed", failure: { code: "BUSY", message: "" }, steps: { charge: 7 } } as const;

  test("W2: has the order that it had, so that its key and its steps are those of before, and as many attempts anew", () => {
    const play = new Play(plan);
    for (let round = 0; round < 3; round += 1) {
      play.end("pay", failed);
      expect([play.phase, play.mark("pay")]).toEqual(["running", "backing-off"]);
      play.pass(10);
      play.end("pay", failed);
      expect([play.phase, play.mark("pay")]).toEqual(["held", "held"]);
      const isPaused = round === 1;
      if (isPaused) play.send({ kind: "pause" });
      let commands = play.send({ kind: "retry" });
      if (isPaused) {
        expect(commands).toEqual([]);
        commands = play.send({ kind: "resume" });
      }
      const attempt = 2 * round + 3;
      expect(commands).toMatchObject([{ kind: "task", path: "pay", order: 1, attempt, steps: { charge: 7 } }]);
    }
    play.ok("pay", "paid");
    expect([play.phase, play.state.log]).toEqual(["completed", ["paid"]]);
  });

  test("W2: is not run again when it had ended well: only its result is taken in again", () => {
    const play = new Play(plan, { log: [], isBroken: true });
    play.ok("pay", "paid");
    expect([play.phase, play.run.compensations?.length]).toEqual(["held", 1]);
    expect(play.send({ kind: "retry" })).toEqual([]);
    expect([play.phase, play.mark("pay")]).toEqual(["held", "held"]);
    play.run = { ...play.run, state: { log: [] } };
    expect(play.send({ kind: "retry" })).toEqual([]);
    expect([play.phase, play.state.log, play.run.compensations?.length]).toEqual(["completed", ["paid"], 1]);
  });
});
