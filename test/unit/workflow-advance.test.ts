// The interpreter, one law after the other; `workflow-laws.test.ts` holds them on definitions that chance makes.

import { describe, expect, test } from "vitest";
import { advance } from "../../src/workflow/advance.ts";
import { Play, planOf } from "./workflow-play.ts";

const nothing = () => {};
const once = { retry: { attempts: 1 } };

describe("the order of things", () => {
  test("W2: the nodes of a block begin one after the other, and the run is completed with the last", () => {
    const play = new Play(planOf(({ task }) => [task("a", nothing), task("b", nothing)]));
    expect(play.waiting).toEqual(["a"]);
    play.ok("a");
    expect(play.waiting).toEqual(["b"]);
    expect(play.phase).toBe("running");
    play.ok("b");
    expect(play.phase).toBe("completed");
    expect(play.ran).toEqual(["a", "b"]);
  });

  test("W1: a result that comes late, twice, or from another attempt changes nothing", () => {
    const play = new Play(planOf(({ task }) => [task("a", nothing), task("b", nothing)]));
    const ended = { kind: "ended", path: "a", order: 1, attempt: 1, outcome: { kind: "ok" } } as const;
    for (const stale of [
      { ...ended, attempt: 2 },
      { ...ended, order: 7 },
      { ...ended, path: "b" },
    ]) {
      const before = play.run;
      expect(advance(play.plan, before, stale, 0)).toEqual({ run: before, commands: [], transitions: [] });
    }
    play.ok("a");
    expect(play.send(ended)).toEqual([]);
    expect(play.waiting).toEqual(["b"]);
    play.ok("b");
    const over = play.run;
    for (const event of [ended, { kind: "cancel", reason: "" }, { kind: "due" }, { kind: "pause" }] as const) {
      expect(advance(play.plan, over, event, 0).run).toBe(over);
    }
  });

  test("results are taken into the state as it is when they come", () => {
    const plan = planOf(({ parallel, task }) => {
      const push = (name: string) =>
        task(name, () => name, {
          save: (state, result) => {
            state.log.push(result);
          },
        });
      return parallel("both", { left: push("l"), right: push("r") });
    });
    const play = new Play(plan);
    play.ok("both/right/r", "R");
    play.ok("both/left/l", "L");
    expect(play.state.log).toEqual(["R", "L"]);
    expect(play.phase).toBe("completed");
  });

  test("W7: a save that throws, or leaves what JSON cannot carry, fails the task, changes nothing, and is not tried again", () => {
    const plan = planOf(({ task, attempt }) =>
      attempt(
        "try",
        task("a", nothing, {
          save: (state) => {
            state.log.push("half");
            throw Object.assign(new Error("no"), { code: "SAVE" });
          },
        }),
        { on: { SAVE: task("b", nothing) } },
      ),
    );
    const play = new Play(plan);
    play.ok("try/try/a");
    expect(play.state.log).toEqual([]);
    expect(play.waiting).toEqual(["try/SAVE/b"]);
  });
});

describe("branches", () => {
  test("W8: the first way whose condition holds is taken, else otherwise, else nothing", () => {
    const plan = planOf(({ branch, when, otherwise, task }) => [
      branch(
        "size",
        when("large", ({ n }) => Number(n) > 100, task("l", nothing)),
        when("middle", ({ n }) => Number(n) > 10, task("m", nothing)),
        otherwise(task("s", nothing)),
      ),
      branch(
        "sign",
        when("minus", ({ n }) => Number(n) < 0, task("neg", nothing)),
      ),
    ]);
    const table: [number, string[]][] = [
      [1_000, ["size/large/l"]],
      [50, ["size/middle/m"]],
      [5, ["size/otherwise/s"]],
      [-5, ["size/otherwise/s", "sign/minus/neg"]],
    ];
    for (const [n, ran] of table) {
      const play = new Play(plan, { log: [], n });
      expect(play.toEnd(), String(n)).toEqual(ran);
      expect(play.phase).toBe("completed");
    }
  });

  test("a condition that throws, or answers later, is the branch's failure", () => {
    for (const condition of [() => Promise.resolve(true) as never, () => (undefined as unknown as { x: boolean }).x]) {
      const play = new Play(planOf(({ branch, when, task }) => branch("b", when("w", condition, task("t", nothing)))));
      expect(play.phase).toBe("failed");
      expect(play.ran).toEqual([]);
    }
  });
});

describe("parallel and forEach", () => {
  const three = (join: "all" | "any" | number) =>
    planOf(({ parallel, task }) => [
      parallel(
        "p",
        { a: task("t", nothing, once), b: task("t", nothing, once), c: task("t", nothing, once) },
        { join },
      ),
      task("after", nothing),
    ]);
  const table: readonly [join: "all" | "any" | number, ends: string, after: string][] = [
    ["all", "aok bok cok", "after"],
    ["all", "aok bno", "failed E"],
    ["any", "bok", "after"],
    ["any", "ano bno cok", "after"],
    ["any", "ano bno cno", "failed JOIN_FAILED"],
    [2, "ano bok cok", "after"],
    [2, "aok cok", "after"],
    [2, "ano bno", "failed JOIN_FAILED"],
  ];
  for (const [join, ends, after] of table) {
    test(`join ${join}: ${ends} leads to ${after}`, () => {
      const play = new Play(three(join));
      for (const end of ends.split(" ")) {
        if (end.endsWith("ok")) play.ok(`p/${end[0]}/t`);
        else play.fail(`p/${end[0]}/t`);
      }
      if (after === "after") expect(play.waiting).toContain("after");
      else {
        play.toEnd();
        expect(`${play.phase} ${play.failure}`).toBe(after);
      }
    });
  }

  test("W6: at most `concurrency` items are under way; what each is given stays what it was", () => {
    const plan = planOf(({ forEach }) =>
      forEach("each", { items: ({ list }) => list as string[], concurrency: 2 }, (each) =>
        each.task("t", nothing, {
          save: (state, _, { item, index }) => {
            state.list = [];
            state.log.push(`${index}${item}`);
          },
        }),
      ),
    );
    const play = new Play(plan, { log: [], list: ["a", "b", "c", "d"] });
    expect(play.waiting).toEqual(["each[0]/t", "each[1]/t"]);
    play.ok("each[1]/t");
    expect(play.waiting).toEqual(["each[0]/t", "each[2]/t"]);
    play.toEnd();
    expect(play.state.log).toEqual(["1b", "0a", "2c", "3d"]);
    expect(Object.keys(play.run.marks)).toEqual(["each"]);
  });

  test("what failed of an item that is over is forgotten, apart from what was given up in it", () => {
    const plan = planOf(({ forEach }) =>
      forEach("each", { items: ({ list }) => list as number[], concurrency: 2, join: "any" }, (each) => [
        each.parallel("p", {
          a: each.task("t", nothing, once),
          b: each.task("long", nothing, { compensate: nothing }),
        }),
      ]),
    );
    const play = new Play(plan, { log: [], list: [...Array(300).keys()] });
    for (let at = 0; at < 299; at += 1) {
      const data = { body: "b".repeat(1_000) };
      play.end(`each[${at}]/p/a/t`, { kind: "failed", failure: { code: "E", message: "m".repeat(500), data } });
      if (at > 0) play.fail(`each[${at}]/p/b/long`);
    }
    expect(JSON.stringify(play.run.marks).length).toBeLessThan(4_000);
    expect([play.mark("each"), play.mark("each[0]/p/b/long")]).toEqual(["open", "left"]);
    play.ok("each[299]/p/a/t");
    play.ok("each[299]/p/b/long");
    expect(play.phase).toBe("completed");
  });

  test("no items are done at once, and items that are none fail", () => {
    const plan = planOf(({ forEach }) =>
      forEach("each", { items: ({ list }) => list as [] }, (each) => each.task("t", nothing)),
    );
    expect(new Play(plan, { log: [], list: [] }).phase).toBe("completed");
    expect(new Play(plan, { log: [], list: 7 }).failure).toBe("JOIN_FAILED");
  });
});

describe("loops", () => {
  test("a loop repeats until its condition holds, and fails with its last time", () => {
    const plan = planOf(({ loop, task }) =>
      loop(
        "refine",
        { until: ({ log }) => log.length >= 3, timesMax: 5 },
        task("draft", nothing, {
          save: (state, _, { index }) => {
            if (state.never !== true) state.log.push(String(index));
          },
        }),
      ),
    );
    const play = new Play(plan);
    expect(play.toEnd()).toEqual(["refine[0]/draft", "refine[1]/draft", "refine[2]/draft"]);
    expect(play.state.log).toEqual(["0", "1", "2"]);
    const endless = new Play(plan, { log: [], never: true });
    expect(endless.toEnd()).toHaveLength(5);
    expect(endless.failure).toBe("LOOP_EXHAUSTED");
  });

  test("a loop of ten thousand changes takes no depth of calls", () => {
    const plan = planOf(({ loop, change }) =>
      loop(
        "count",
        { until: ({ n }) => n === 10_000, timesMax: 10_000 },
        change("add", (state) => {
          state.n = Number(state.n) + 1;
        }),
      ),
    );
    expect(new Play(plan, { log: [], n: 0 }).phase).toBe("completed");
  });
});

describe("time and signals", () => {
  test("a sleep ends when its time has come, not before", () => {
    const play = new Play(planOf(({ sleep, task }) => [sleep("nap", 500), task("a", nothing)]));
    expect(play.run.timerMs).toBe(play.nowMs + 500);
    play.pass(499);
    expect(play.waiting).toEqual([]);
    play.pass(1);
    expect(play.waiting).toEqual(["a"]);
    expect(play.run.timerMs).toBeUndefined();
  });

  test("a signal goes to the first that waits for it; one that came before is taken at once", () => {
    const save = (state: { log: string[] }, data: unknown) => {
      state.log.push(String(data));
    };
    const plan = planOf(({ waitFor, task }) => [
      waitFor("one", { signal: "go", save }),
      task("a", nothing),
      waitFor("two", { signal: "go", save }),
    ]);
    const play = new Play(plan);
    play.signal("go", "first");
    play.signal("go", "second");
    expect(play.run.signals).toEqual([{ name: "go", data: "second" }]);
    play.ok("a");
    expect(play.phase).toBe("completed");
    expect(play.state.log).toEqual(["first", "second"]);
  });

  test("a signal that says for which wait it is goes to that one, or to none", () => {
    const plan = planOf(({ parallel, waitFor }) => parallel("p", { a: waitFor("go"), b: waitFor("go") }));
    const play = new Play(plan);
    for (const at of ["p/b/go", "p/b/go", "nowhere"]) {
      play.send({ kind: "signal", name: "go", data: undefined, at });
      expect([play.mark("p/a/go"), play.mark("p/b/go"), play.run.signals]).toEqual(["waiting", "done", undefined]);
    }
  });

  test("a signal that does not come in time leads to `late`, or fails", () => {
    const late = planOf(({ waitFor, task }) => waitFor("go", { timeoutMs: 100, late: task("remind", nothing) }));
    const play = new Play(late);
    play.pass(100);
    expect(play.waiting).toEqual(["go/late/remind"]);
    play.ok("go/late/remind");
    expect(play.phase).toBe("completed");
    const failing = new Play(planOf(({ waitFor }) => waitFor("go", { timeoutMs: 100 })));
    failing.pass(100);
    expect(failing.failure).toBe("SIGNAL_LATE");
  });

  test("a task is tried again after a while that doubles, by the plan of its failure's code, then fails", () => {
    const plan = planOf(({ task }) =>
      task("a", nothing, {
        retry: {
          attempts: 3,
          backoffMs: 100,
          kinds: { BUSY: { attempts: 5, backoffMs: 1_000 }, BAD: { attempts: 1 } },
        },
      }),
    );
    const waits = (...codes: string[]) => {
      const play = new Play(plan);
      const all = codes.map((code) => {
        play.fail("a", code);
        const ms = play.run.timerMs === undefined ? 0 : play.run.timerMs - play.nowMs;
        play.pass(ms);
        return ms;
      });
      return { all, phase: play.phase };
    };
    const within = (ms: number, of: number) => ms >= of / 2 && ms <= of;
    const { all, phase } = waits("E", "E", "E");
    expect(all.map((ms, at) => ms === 0 || within(ms, 100 * 2 ** at))).toEqual([true, true, true]);
    expect([all[2], phase]).toEqual([0, "failed"]);
    expect(waits("BAD").phase).toBe("failed");
    expect(waits("BUSY", "BUSY", "BUSY", "BUSY").phase).toBe("running");
    expect(within(waits("BUSY").all[0] ?? 0, 1_000)).toBe(true);
  });
});
