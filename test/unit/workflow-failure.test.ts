// What becomes of a run when something fails, and when somebody stops it.

import { describe, expect, test } from "vitest";
import { Play, planOf } from "./workflow-play.ts";

const nothing = () => {};
const saga = { compensate: nothing, retry: { attempts: 1 } };

describe("compensation", () => {
  test("W4: what was done is compensated in reverse, one at a time, with its result; then the run has failed", () => {
    const plan = planOf(({ task }) => [
      task("a", nothing, saga),
      task("b", nothing),
      task("c", nothing, saga),
      task("d", nothing, saga),
    ]);
    const play = new Play(plan);
    play.ok("a", { seat: 4 });
    play.ok("b");
    play.ok("c");
    play.fail("d", "FULL");
    expect(play.phase).toBe("compensating");
    expect(play.waiting).toEqual(["-c"]);
    const [command] = play.end("-c");
    expect(command).toMatchObject({ kind: "compensate", path: "a", result: { seat: 4 } });
    play.ok("-a");
    expect(play.phase).toBe("failed");
    expect(play.failure).toBe("FULL");
    expect(play.ran).toEqual(["a", "b", "c", "-c", "-a"]);
    expect(play.mark("a")).toBe("compensated");
  });

  test("W4: it begins when everything that was ordered has ended, and takes in what ended well meanwhile", () => {
    const plan = planOf(({ parallel, task }) =>
      parallel("p", { a: task("t", nothing, saga), b: task("t", nothing, saga), c: task("t", nothing, saga) }),
    );
    const play = new Play(plan);
    play.ok("p/a/t");
    play.fail("p/b/t");
    expect(play.waiting).toEqual(["p/c/t"]);
    expect(play.mark("p/c/t")).toBe("left");
    play.ok("p/c/t");
    expect(play.waiting).toEqual(["-p/c/t"]);
    play.toEnd();
    expect(play.ran).toEqual(["p/a/t", "p/c/t", "-p/c/t", "-p/a/t"]);
  });

  test("how a task ended that nobody wanted any more is told with its end", () => {
    const plan = planOf(({ parallel, task }) => [
      parallel("p", { a: task("t", nothing), b: task("t", nothing) }, { join: "any" }),
      task("after", nothing),
    ]);
    const play = new Play(plan);
    play.ok("p/a/t");
    play.fail("p/b/t", "LATE");
    const last = play.transitions.findLast(({ path }) => path === "p/b/t");
    expect(last).toMatchObject({ from: "left", to: "absent", failure: { code: "LATE", path: "p/b/t" } });
  });

  test("an attempt compensates what was done in it alone, and goes on by the failure's code", () => {
    const plan = planOf(({ attempt, task }) => [
      task("before", nothing, saga),
      attempt("fix", [task("patch", nothing, saga), task("check", nothing, saga)], {
        on: { WORSE: task("page", nothing) },
        otherwise: task("note", nothing),
      }),
      task("after", nothing),
    ]);
    const ends = (code?: string) =>
      new Play(plan).toEnd(({ path }) =>
        path === "fix/try/check" && code !== undefined
          ? { kind: "failed", failure: { code, message: "" } }
          : { kind: "ok" },
      );
    expect(ends()).toEqual(["before", "fix/try/patch", "fix/try/check", "after"]);
    expect(ends("WORSE")).toEqual(["before", "fix/try/patch", "-fix/try/patch", "fix/WORSE/page", "after"]);
    expect(ends("E")).toEqual(["before", "fix/try/patch", "-fix/try/patch", "fix/otherwise/note", "after"]);
  });

  describe("W4: of an attempt in a way that has lost", () => {
    const plan = planOf(({ attempt, fail, parallel, task }) =>
      parallel(
        "p",
        {
          a: attempt("fix", [task("x", nothing, saga), task("y", nothing, saga), fail("no", { code: "NO" })], {
            otherwise: task("never", nothing),
          }),
          b: task("wins", nothing, saga),
        },
        { join: "any" },
      ),
    );
    const lost = () => {
      const play = new Play(plan);
      play.ok("p/a/fix/try/x");
      play.ok("p/a/fix/try/y");
      play.ok("p/b/wins");
      expect([play.phase, play.mark("p"), play.waiting]).toEqual(["running", "done", ["-p/a/fix/try/y"]]);
      return play;
    };

    test("all is undone, none of its ways is taken, and then the run is completed", () => {
      const play = lost();
      play.ok("-p/a/fix/try/y");
      expect([play.phase, play.waiting]).toEqual(["running", ["-p/a/fix/try/x"]]);
      play.ok("-p/a/fix/try/x");
      expect([play.phase, play.waiting, play.run.compensations]).toEqual([
        "completed",
        [],
        [{ path: "p/b/wins", place: { index: 0 } }],
      ]);
    });

    test("what cannot be undone holds the run, and it is completed when that has been retried", () => {
      const play = lost();
      play.fail("-p/a/fix/try/y");
      expect([play.phase, play.failure]).toEqual(["held", "COMPENSATION_FAILED"]);
      play.send({ kind: "retry" });
      play.toEnd();
      expect([play.phase, play.failure]).toEqual(["completed", undefined]);
    });

    test("a cancel takes the undoing over", () => {
      const play = lost();
      play.send({ kind: "cancel", reason: "" });
      expect(play.waiting).toEqual(["-p/a/fix/try/y"]);
      expect(play.toEnd().slice(3)).toEqual(["-p/a/fix/try/y", "-p/b/wins", "-p/a/fix/try/x"]);
      expect(play.phase).toBe("cancelled");
    });
  });

  test("the error path goes from the inside out, and a failure in it belongs to what is around it", () => {
    const plan = planOf(({ attempt, fail, task }) =>
      attempt(
        "outer",
        [
          task("a", nothing, saga),
          attempt("inner", fail("one", { code: "ONE" }), { on: { ONE: fail("two", { code: "TWO" }) } }),
        ],
        { on: { ONE: task("wrong", nothing), TWO: task("right", nothing) } },
      ),
    );
    expect(new Play(plan).toEnd()).toEqual(["outer/try/a", "-outer/try/a", "outer/TWO/right"]);
  });

  test("a compensation is tried again, and one that cannot be done holds the run until a person says retry", () => {
    const plan = planOf(({ task, fail }) => [
      task("a", nothing, { compensate: nothing, retry: { attempts: 2, backoffMs: 100 } }),
      fail("no", { code: "NO" }),
    ]);
    const play = new Play(plan);
    play.ok("a");
    play.fail("-a");
    const waitMs = (play.run.timerMs ?? 0) - play.nowMs;
    expect([waitMs >= 50 && waitMs <= 100, play.waiting]).toEqual([true, []]);
    play.pass(waitMs - 1);
    expect(play.waiting).toEqual([]);
    play.pass(1);
    expect(play.waiting).toEqual(["-a"]);
    play.fail("-a");
    expect([play.phase, play.failure]).toEqual(["held", "COMPENSATION_FAILED"]);
    expect(play.waiting).toEqual([]);
    play.send({ kind: "retry" });
    expect([play.phase, play.failure]).toEqual(["compensating", "NO"]);
    play.ok("-a");
    expect(play.phase).toBe("failed");
  });
});

describe("a person", () => {
  test("cancel of a run whose compensation cannot be done lets that stand, undoes the rest, and the run has failed for it", () => {
    const plan = planOf(({ task, fail }) => [
      task("a", nothing, saga),
      task("b", nothing, saga),
      fail("f", { code: "F" }),
    ]);
    const play = new Play(plan);
    play.ok("a");
    play.ok("b");
    play.fail("-b", "STUCK");
    expect([play.phase, play.failure, play.waiting]).toEqual(["held", "COMPENSATION_FAILED", []]);
    play.send({ kind: "cancel", reason: "it is to stand" });
    expect([play.phase, play.mark("b"), play.waiting]).toEqual(["compensating", "failed", ["-a"]]);
    play.ok("-a");
    expect([play.phase, play.failure, play.mark("a")]).toEqual(["failed", "COMPENSATION_FAILED", "compensated"]);
    expect(play.run.compensations).toBeUndefined();
  });

  test("a run that was cancelled while its last task was under way is not completed when that cannot be undone", () => {
    const play = new Play(planOf(({ task }) => task("last", nothing, saga)));
    play.send({ kind: "cancel", reason: "enough" });
    play.ok("last");
    play.fail("-last", "STUCK");
    expect([play.phase, play.failure, play.waiting]).toEqual(["held", "COMPENSATION_FAILED", []]);
    play.send({ kind: "retry" });
    play.ok("-last");
    expect([play.phase, play.failure]).toEqual(["cancelled", "CANCELLED"]);
  });

  test("cancel of a run that is being undone tells a child that has not ended once more, and changes nothing else", () => {
    const runs = { type: "workflow-x" } as never;
    const play = new Play(planOf(({ child }) => child("sub", { run: runs, actors: [] }, { input: () => ({}) })));
    play.send({ kind: "cancel", reason: "" });
    const { marks } = play.run;
    play.send({ kind: "cancel", reason: "again" });
    expect([play.phase, play.cancelled]).toEqual(["compensating", ["sub", "sub"]]);
    expect([play.run.marks, play.run.failure?.message]).toEqual([marks, ""]);
  });

  test("cancel gives up what waits, compensates what was done, and ends as cancelled", () => {
    const plan = planOf(({ task, waitFor, attempt }) => [
      task("a", nothing, saga),
      attempt("inner", waitFor("go", { timeoutMs: 10 }), { otherwise: task("never", nothing) }),
    ]);
    const play = new Play(plan);
    play.ok("a");
    play.send({ kind: "cancel", reason: "a mistake" });
    expect(play.run.timerMs).toBeUndefined();
    expect(play.waiting).toEqual(["-a"]);
    play.ok("-a");
    expect([play.phase, play.failure]).toEqual(["cancelled", "CANCELLED"]);
    expect(play.run.failure?.message).toBe("a mistake");
  });

  test("a child that is given up is told so, and its end is waited for", () => {
    const runs = { type: "workflow-x" } as never;
    const plan = planOf(({ child }) => child("sub", { run: runs, actors: [] }, { input: () => ({}) }));
    const play = new Play(plan);
    play.send({ kind: "cancel", reason: "" });
    expect(play.cancelled).toEqual(["sub"]);
    expect(play.phase).toBe("compensating");
    play.fail("sub", "CANCELLED");
    expect(play.phase).toBe("cancelled");
  });

  test("W5: while it is paused no order is given; results, signals and time still count", () => {
    const plan = planOf(({ parallel, task, sleep }) =>
      parallel("p", {
        a: [task("one", nothing), task("two", nothing)],
        b: [sleep("nap", 100), task("late", nothing)],
        c: task("flaky", nothing, { retry: { attempts: 2, backoffMs: 10 } }),
      }),
    );
    const play = new Play(plan);
    play.send({ kind: "pause" });
    play.ok("p/a/one");
    play.fail("p/c/flaky");
    play.pass(1_000);
    expect(play.waiting).toEqual([]);
    expect([play.mark("p/a/two"), play.mark("p/b/late"), play.mark("p/c/flaky")]).toEqual([
      "ready",
      "ready",
      "backing-off",
    ]);
    expect(play.run.timerMs).toBeUndefined();
    play.send({ kind: "resume" });
    expect([...play.waiting].sort()).toEqual(["p/a/two", "p/b/late", "p/c/flaky"]);
    play.toEnd();
    expect(play.phase).toBe("completed");
  });

  test("hold: nothing is compensated until a person has decided; retry tries again what failed, cancel gives up", () => {
    const plan = planOf(({ task }) => [task("a", nothing, saga), task("b", nothing, saga), task("c", nothing)], {
      onFailure: "hold",
    });
    const held = () => {
      const play = new Play(plan);
      play.ok("a");
      play.fail("b");
      expect([play.phase, play.failure, play.mark("b")]).toEqual(["held", "E", "held"]);
      expect(play.waiting).toEqual([]);
      return play;
    };
    const retried = held();
    retried.send({ kind: "retry" });
    expect(retried.phase).toBe("running");
    expect(retried.toEnd()).toEqual(["a", "b", "c"]);
    const cancelled = held();
    cancelled.send({ kind: "cancel", reason: "no" });
    expect(cancelled.toEnd()).toEqual(["a", "-a"]);
    expect(cancelled.phase).toBe("cancelled");
  });

  test("hold: what provides for a failure itself is not held", () => {
    const plan = planOf(
      ({ task, attempt, parallel }) => [
        attempt("try", task("t", nothing, saga), { otherwise: task("else", nothing, saga) }),
        parallel("p", { a: task("t", nothing, saga), b: task("t", nothing, saga) }, { join: "any" }),
      ],
      { onFailure: "hold" },
    );
    const play = new Play(plan);
    play.fail("try/try/t");
    play.ok("try/otherwise/else");
    play.fail("p/a/t");
    play.ok("p/b/t");
    expect(play.phase).toBe("completed");
  });
});
