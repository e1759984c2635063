// The drawing of a workflow, whole: read the difference when it changes.

import { expect, test } from "vitest";
import { printGraph } from "../../src/workflow/graph.ts";
import { Play, planOf } from "./workflow-play.ts";

const nothing = () => {};

const plan = planOf(({ task, branch, when, otherwise, parallel, forEach, loop, attempt, fail, waitFor, sleep }) => [
  task("first", nothing, { compensate: nothing }),
  branch(
    "size",
    when("big", ({ n }) => Number(n) > 1, sleep("nap", 10)),
    otherwise(fail("no", { code: "SMALL" })),
  ),
  parallel("both", { a: task("t", nothing), b: task("t", nothing) }, { join: "any" }),
  attempt("try", waitFor("go", { timeoutMs: 5, late: task("remind", nothing) }), { on: { E: task("mend", nothing) } }),
  forEach("each", { items: () => [1, 2, 3], concurrency: 2 }, (each) => each.task("t", nothing)),
  loop("again", { until: () => true }, task("t", nothing)),
]);

test("a definition is drawn with all its ways", () => {
  expect(printGraph(plan.tree).split("\n")).toEqual([
    "flowchart TD",
    '  begin(("start"))',
    '  n_first["first<br/>can be compensated"]',
    '  n_size{"size"}',
    '  n_size_big_nap(["nap"])',
    '  n_size_otherwise_no{{"no<br/>SMALL"}}',
    '  n_both[/"both"\\]',
    '  n_both_a_t["t"]',
    '  n_both_b_t["t"]',
    '  join_both[\\"any of 2"/]',
    '  n_try[\\"try"\\]',
    '  n_try_E_mend["mend"]',
    '  n_try_try_go>"go<br/>signal go"]',
    '  n_try_try_go_late_remind["remind"]',
    '  n_each[["each"]]',
    '  n_each___t["t"]',
    '  n_again[["again"]]',
    '  n_again___t["t"]',
    '  finish(("end"))',
    "  begin --> n_first",
    "  n_first --> n_size",
    "  n_size -->|big| n_size_big_nap",
    "  n_size -->|otherwise| n_size_otherwise_no",
    "  n_size_big_nap --> n_both",
    "  n_both -->|a| n_both_a_t",
    "  n_both -->|b| n_both_b_t",
    "  n_both_a_t --> join_both",
    "  n_both_b_t --> join_both",
    "  join_both --> n_try",
    "  n_try -.->|E| n_try_E_mend",
    "  n_try --> n_try_try_go",
    "  n_try_try_go -.->|late| n_try_try_go_late_remind",
    "  n_try_try_go --> n_each",
    "  n_try_try_go_late_remind --> n_each",
    "  n_try_E_mend --> n_each",
    "  n_each -->|each item| n_each___t",
    "  n_each___t --> n_each",
    "  n_each -->|all| n_again",
    "  n_again -->|again| n_again___t",
    "  n_again___t --> n_again",
    "  n_again -->|enough| finish",
  ]);
});

test("two paths that look alike are two nodes", () => {
  const alike = planOf(({ task }) => [task("a-b", nothing), task("a_b", nothing)]);
  expect(printGraph(alike.tree)).toContain("n_a_b --> n_a_b_2");
});

test("a run's progress stands on it", () => {
  const play = new Play(plan, { log: [], n: 2 });
  play.ok("first");
  play.pass(10);
  play.fail("both/a/t");
  const early = printGraph(plan.tree, play.run.marks).split("\n");
  expect(early).toContain('  n_first["first<br/>can be compensated<br/>done"]');
  expect(early).toContain('  n_both_a_t["t<br/>backing-off"]');
  expect(early).toContain("  class n_both_b_t running");
  expect(early).toContain("  classDef backingoff fill:#fff2cc,stroke:#b08800");
  play.ok("both/b/t");
  play.signal("go");
  play.ok("each[1]/t");
  const late = printGraph(plan.tree, play.run.marks).split("\n");
  expect(late).toContain('  n_each[["each<br/>open, 1 of 3"]]');
  expect(late).toContain('  n_each___t["t<br/>2 running"]');
});
