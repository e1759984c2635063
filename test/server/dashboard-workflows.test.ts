// Workflows on the dashboard, which has not their code: figures against the runs' committed states, actions against what they change.

import { expect, test } from "vitest";
import { z } from "zod";
import { decodeText } from "../../src/core/codec.ts";
import type { Page } from "../../src/monitoring/dashboard/api/page.ts";
import type { GraphNode, RunRow, RunView, WorkflowsView } from "../../src/monitoring/dashboard/api/workflows.ts";
import { defineWorkflow } from "../../src/workflow/define-workflow.ts";
import { graphOf } from "../../src/workflow/definition-graph.ts";
import { eventually } from "../contract/mail-support.ts";
import { isAt, runWhen } from "../contract/workflow-actors.ts";
import { LiveReader } from "../support/dashboard-ground.ts";
import { DashboardStage } from "../support/dashboard-stage.ts";

const decision = z.object({ by: z.string(), grade: z.enum(["good", "bad"]) });

/** Weighs, takes a way by weight; the heavy way waits for a person. A run of weight 7 fails and is held. */
const shipping = defineWorkflow(
  "shipping",
  {
    state: z.object({ weight: z.number(), label: z.string() }),
    input: z.number(),
    initial: (weight: number) => ({ weight, label: "" }),
    version: 3,
    onFailure: "hold",
    result: ({ label }) => label,
  },
  ({ task, branch, when, otherwise, waitFor, change }) => [
    task("weigh", () => "weighed", {
      save: (state, label) => {
        state.label = label;
      },
    }),
    branch(
      "size",
      when("heavy", ({ weight }) => weight > 10, waitFor("go", { schema: decision })),
      otherwise(
        change("small", (state) => {
          state.label = "small";
        }),
      ),
    ),
    task(
      "send",
      ({ state }) => {
        if (state.weight === 7) throw new Error("nobody carries that");
        return "sent";
      },
      { retry: { attempts: 1 } },
    ),
  ],
);

async function open() {
  const ground = await DashboardStage.open();
  await ground.worker(shipping.actors);
  await ground.look();
  const start = async (id: string, weight: number) => {
    const run = ground.client.actor(shipping.run, id);
    await run.ask.start(weight);
    return run;
  };
  const viewOf = (id: string) => ground.read<RunView>(`/api/workflows/shipping/runs/${encodeURIComponent(id)}`);
  return { ground, start, viewOf };
}

test("a run's graph, its branch with the state that decided it, and the signal that it waits for are shown without its code", async () => {
  const { ground, start, viewOf } = await open();
  await using _ground = ground;
  const run = await start("a/b ü", 20);
  await runWhen(run, isAt("size/heavy/go", "waiting"));
  const view = await viewOf("a/b ü");
  const { nodes, edges } = graphOf(shipping.plan.tree);
  expect(view.graph?.nodes.map(({ id, kind, label }: GraphNode) => [id, kind, label])).toEqual(
    nodes.map(({ id, kind, label }) => [id, kind, label]),
  );
  expect(view.graph?.edges).toHaveLength(edges.length);
  expect(view).toMatchObject({ phase: "running", version: 3, waiting: ["size/heavy/go"], done: 1, failed: 0 });
  expect(view.nodes.find(({ path }) => path === "size")).toMatchObject({
    ...{ way: "heavy", is: "open", decidedBy: { weight: 20, label: "weighed" } },
  });
  expect(view.signals).toMatchObject([
    { signal: "go", path: "size/heavy/go", schema: { type: "object", required: ["by", "grade"] } },
  ]);
  const row = await eventually("its progress is known", async () => {
    const page = await ground.read<Page<RunRow>>("/api/workflows/shipping/runs?phase=running&search=B");
    return page.rows.find(({ waiting }) => waiting.length > 0);
  });
  expect(row).toMatchObject({ workflow: "shipping", run: "a/b ü", waiting: ["size/heavy/go"], done: 1 });
  expect((await viewOf("a/b ü")).past).toMatchObject([{ phase: "running" }]);
  expect((await viewOf("a/b ü")).startedAtMs).toBe(row.startedAtMs);
});

test("R1: the outline of other code of the same version is not shown", async () => {
  const { ground, start, viewOf } = await open();
  await using _ground = ground;
  const run = await start("r", 1);
  await runWhen(run);
  expect((await viewOf("r")).graph).not.toBeNull();
  const { cluster } = ground.client.ports;
  const standing = await cluster.get("outline.workflow-shipping.3");
  const outline = JSON.parse(decodeText(standing?.value ?? new Uint8Array())) as object;
  await cluster.put("outline.workflow-shipping.3", Buffer.from(JSON.stringify({ ...outline, hash: "other" })));
  expect((await viewOf("r")).graph).toBeNull();
});

test("runs are counted by phase as their committed states say, and listed page by page", async () => {
  const { ground, start } = await open();
  await using _ground = ground;
  const runs = await Promise.all([1, 2, 7, 3, 20, 21].map((weight, at) => start(`r${at}`, weight)));
  const settled = (run: (typeof runs)[number]) =>
    runWhen(run, (at) => ["completed", "held"].includes(at.phase) || at.marks["size/heavy/go"]?.is === "waiting");
  const phases = (await Promise.all(runs.map(settled))).map(({ phase }) => phase);
  const wanted = Object.fromEntries(
    Object.entries(Object.groupBy(phases, (phase) => phase)).map(([phase, all]) => [phase, all.length]),
  );
  expect(wanted).toEqual({ completed: 3, held: 1, running: 2 });
  const shown = await eventually("all progress is known", async () => {
    const { workflows } = await ground.read<WorkflowsView>("/api/workflows");
    const [row] = workflows;
    return JSON.stringify(sorted(row?.phases)) === JSON.stringify(sorted(wanted)) ? workflows : undefined;
  });
  expect(shown).toMatchObject([{ name: "shipping", version: 3, paused: 0 }]);
  const found: string[] = [];
  let cursor = "";
  do {
    const query = cursor === "" ? "" : `&cursor=${cursor}`;
    const page = await ground.read<Page<RunRow>>(`/api/workflows/shipping/runs?limit=4${query}`);
    expect(page.total).toBe(6);
    found.push(...page.rows.map(({ run }) => run));
    cursor = page.cursor ?? "";
  } while (cursor !== "");
  expect(found.toSorted()).toEqual(["r0", "r1", "r2", "r3", "r4", "r5"]);
  const held = await ground.read<Page<RunRow>>("/api/workflows/shipping/runs?phase=held");
  expect(held.rows).toMatchObject([{ run: "r2", failure: { path: "send" } }]);
  expect((await ground.get("/api/workflows/shipping/runs/none")).status).toBe(404);
});

const sorted = (record: object = {}) => Object.entries(record).toSorted(([one], [other]) => (one < other ? -1 : 1));

test("signal, pause, resume, retry and cancel do what they say, for whoever has the token, and each is logged", async () => {
  const { ground, start } = await open();
  await using _ground = ground;
  const run = await start("r", 20);
  await runWhen(run, isAt("size/heavy/go", "waiting"));
  await using live = new LiveReader(ground.url, "runs", "shipping");
  await live.next("health"); // From here on it is heard.
  const at = "/api/workflows/shipping/runs/r";
  const good = { signal: "go", value: { by: "ada", grade: "good" } };
  const before = await run.get();
  for (const verb of ["signal", "pause", "resume", "retry", "cancel"]) {
    for (const token of ["", "another-token-than-that"]) {
      expect(await ground.post(`${at}/${verb}`, good, token)).toMatchObject({ status: 401 });
    }
  }
  expect((await run.get())?.revision).toBe(before?.revision);
  for (const [body, code, value] of [
    [{ signal: "go", value: { by: "ada", grade: "fair" } }, "INPUT_INVALID", "grade"],
    [{ signal: "gone" }, "SIGNAL_UNKNOWN", "gone"],
    [{ value: 1 }, "INPUT_INVALID", "nothing"],
    ["{", "INPUT_INVALID", "{"],
    ["[]", "INPUT_INVALID", "[]"],
  ] as const) {
    const { status, body: problem } = await ground.post(`${at}/signal`, body);
    expect([status, problem.code]).toEqual([400, code]);
    expect(problem.message).toContain(value);
    expect(problem.remedy).not.toBe("");
  }
  expect(await ground.post(`${at}/retry`)).toMatchObject({ status: 409, body: { code: "RUN_PHASE" } });
  const other = await ground.post(`${at}/signal`, { ...good, at: "size/light/go" });
  expect(other).toMatchObject({ status: 409, body: { code: "RUN_PHASE" } });
  expect((await run.get())?.revision).toBe(before?.revision);
  expect(await ground.post(`${at}/pause`)).toMatchObject({ status: 200 });
  expect((await run.get())?.state.paused).toBe(true);
  expect(await ground.post(`${at}/resume`)).toMatchObject({ status: 200 });
  expect((await run.get())?.state.paused).not.toBe(true);
  expect(await ground.post(`${at}/signal`, { ...good, at: "size/heavy/go" })).toMatchObject({ status: 200 });
  expect(await runWhen(run)).toMatchObject({ phase: "completed" });
  await live.next("runs", ({ rows }) => rows.some((row) => row.run === "r" && row.phase === "completed"));
  const held = await start("held", 7);
  await runWhen(held, ({ phase }) => phase === "held");
  expect(await ground.post("/api/workflows/shipping/runs/held/retry")).toMatchObject({ status: 200 });
  await runWhen(held, ({ phase }) => phase === "held");
  expect(await ground.post("/api/workflows/shipping/runs/held/cancel")).toMatchObject({ status: 200 });
  expect(await runWhen(held)).toMatchObject({ phase: "cancelled" });
  const acted = ground.logged.filter(({ text }) => text.endsWith("from the dashboard"));
  expect(acted.map(({ fields: { action }, text }) => `${String(action)} ${text.split(" ")[0]}`)).toEqual([
    ...Array<string>(5).fill("signal refused"),
    ...["retry refused", "signal refused", "pause done", "resume done", "signal done", "retry done", "cancel done"],
  ]);
  expect(acted[0]?.fields).toMatchObject({ on: "shipping r", from: expect.stringContaining("127.0.0.1") });
});
