// Attempts: which of their error paths is taken, what goes before what, and when one has taken too long.

import { describe, expect, test } from "vitest";
import { Play, planOf } from "./workflow-play.ts";

const nothing = () => {};
const saga = { compensate: nothing, retry: { attempts: 1 } };

test("an attempt that takes too long gives up what it waits for, undoes what was done, and goes on by ATTEMPT_TIMEOUT", () => {
  const runs = { type: "workflow-x" } as never;
  const plan = planOf(({ attempt, child, errorPath, parallel, task, waitFor }) => [
    attempt(
      "fix",
      [
        task("a", nothing, saga),
        parallel("p", {
          sub: child("c", { run: runs, actors: [] }, { input: () => ({}) }),
          flaky: task("f", nothing, { retry: { backoffMs: 10_000 } }),
          go: waitFor("go", { timeoutMs: 9_000 }),
        }),
      ],
      { timeoutMs: 5_000, on: [errorPath("slow", ["ATTEMPT_TIMEOUT"], task("page", nothing))] },
    ),
    task("after", nothing),
  ]);
  const play = new Play(plan);
  play.ok("fix/try/a");
  play.fail("fix/try/p/flaky/f");
  expect(play.run.timerMs).toBe(play.nowMs + 5_000);
  play.pass(4_999);
  expect([play.mark("fix"), play.cancelled]).toEqual(["open", []]);
  play.pass(1);
  expect([play.mark("fix"), play.cancelled, play.waiting]).toEqual([
    "compensating",
    ["fix/try/p/sub/c"],
    ["fix/try/p/sub/c"],
  ]);
  play.fail("fix/try/p/sub/c", "CANCELLED");
  play.ok("-fix/try/a");
  expect([play.waiting, play.run.timerMs]).toEqual([["fix/slow/page"], undefined]);
  play.pass(100_000);
  play.ok("fix/slow/page");
  play.ok("after");
  expect(play.phase).toBe("completed");
});

test("W3: what is due with the end of an attempt that takes too long is not begun", () => {
  const plan = planOf(({ attempt, task }) =>
    attempt("fix", task("t", nothing, { retry: { backoffMs: 100 } }), {
      timeoutMs: 5_000,
      otherwise: task("b", nothing),
    }),
  );
  const play = new Play(plan);
  play.fail("fix/try/t");
  play.pass(5_000);
  expect(play.waiting).toEqual(["fix/otherwise/b"]);
});

test("an attempt that ends in time, or is on its error path, is not too late any more", () => {
  const plan = planOf(({ attempt, task, fail, sleep }) => [
    attempt("one", task("a", nothing), { timeoutMs: 100 }),
    attempt("two", fail("f", { code: "F" }), {
      timeoutMs: 100,
      otherwise: [sleep("nap", 1_000), task("b", nothing)],
    }),
  ]);
  const play = new Play(plan);
  play.ok("one/try/a");
  play.pass(500);
  expect(play.mark("two")).toBe("open");
  play.pass(500);
  play.ok("two/otherwise/b");
  expect(play.phase).toBe("completed");
});

describe("priority of an error path", () => {
  const paths = planOf(({ attempt, errorPath, task }) =>
    attempt("fix", [task("done", nothing, saga), task("t", nothing, { retry: { attempts: 1 } })], {
      on: [
        errorPath("dear", (_, { isDear }) => isDear === true, task("page", nothing)),
        errorPath("busy", ["HTTP_429", "HTTP_503"], task("later", nothing)),
        errorPath("server", ({ code }) => code.startsWith("HTTP_5"), task("report", nothing)),
      ],
      otherwise: task("note", nothing),
    }),
  );
  const table: readonly [code: string, isDear: boolean, path: string][] = [
    ["HTTP_503", true, "fix/dear/page"],
    ["HTTP_503", false, "fix/busy/later"],
    ["HTTP_429", false, "fix/busy/later"],
    ["HTTP_500", false, "fix/server/report"],
    ["HTTP_404", false, "fix/otherwise/note"],
  ];
  test.each(table)("W8: of the error paths that fit %s (dear: %s) the first is taken: %s", (code, isDear, path) => {
    const play = new Play(paths, { log: [], isDear });
    play.ok("fix/try/done");
    play.fail("fix/try/t", code);
    expect(play.waiting, "what was done is undone before").toEqual(["-fix/try/done"]);
    play.ok("-fix/try/done");
    expect(play.waiting).toEqual([path]);
    play.ok(path);
    expect(play.phase).toBe("completed");
  });

  test("a condition of an error path that fails is what the attempt has failed with", () => {
    const broken = ({ data }: { readonly data?: unknown }) => (data as { readonly x: boolean }).x;
    const plan = planOf(({ attempt, errorPath, fail, task }) =>
      attempt("fix", fail("f", { code: "F" }), { on: [errorPath("x", broken)], otherwise: task("t", nothing) }),
    );
    expect([new Play(plan).phase, new Play(plan).failure]).toEqual(["failed", "TypeError"]);
  });

  test("an error path goes before the rest: in the commit that takes a failure the rest of its scope is given up", () => {
    const plan = planOf(({ attempt, parallel, sleep, task }) =>
      attempt("fix", parallel("p", { a: task("t", nothing, saga), b: [sleep("nap", 100), task("late", nothing)] }), {
        on: { E: task("mend", nothing) },
      }),
    );
    const play = new Play(plan);
    play.nowMs += 100; // The nap is over too, and nobody has said so yet.
    play.fail("fix/try/p/a/t");
    expect(play.waiting).toEqual(["fix/E/mend"]);
    play.send({ kind: "due" });
    expect([play.waiting, play.run.timerMs]).toEqual([["fix/E/mend"], undefined]);
  });

  test("W6: an error path goes before the rest: that of an item before the items that have not begun", () => {
    const plan = planOf(({ forEach }) =>
      forEach("each", { items: () => [1, 2], concurrency: 1 }, (each) =>
        each.attempt("fix", each.task("t", nothing, saga), { on: { E: each.task("mend", nothing) } }),
      ),
    );
    const play = new Play(plan);
    play.fail("each[0]/fix/try/t");
    expect(play.waiting).toEqual(["each[0]/fix/E/mend"]);
    play.ok("each[0]/fix/E/mend");
    expect(play.waiting).toEqual(["each[1]/fix/try/t"]);
  });
});
