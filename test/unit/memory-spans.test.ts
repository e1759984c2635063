// The spans of what is beside messages: changes of the central state store, recall, and the tasks of workflows.

import { context, SpanStatusCode, trace } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { research, Source } from "../../examples/research-pipeline/research.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import { openContextStore } from "../../src/memory/context-store.ts";
import { defineState } from "../../src/memory/state-model.ts";
import { openStateStore } from "../../src/memory/state-store.ts";
import { AsyncContextManager } from "../../src/monitoring/async-context.ts";
import { createTestTroupe } from "../../src/runtime/test-troupe.ts";

const exporter = new InMemorySpanExporter();
const ticket = defineState("ticket", { schema: z.object({ title: z.string() }) });

beforeAll(() => {
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  context.setGlobalContextManager(new AsyncContextManager());
});
beforeEach(() => exporter.reset());
afterAll(() => context.disable());

const named = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name);
const parentOf = ({ parentSpanContext }: ReadableSpan) =>
  exporter.getFinishedSpans().find((span) => span.spanContext().spanId === parentSpanContext?.spanId);

/** Runs `work` in a span of the user's own; returns that span's trace id. */
const within = (work: () => Promise<unknown>): Promise<string> =>
  trace.getTracer("test").startActiveSpan("mine", async (span) => {
    await work();
    span.end();
    return span.spanContext().traceId;
  });

test("a change of the central state store is a span with its key and revision, and the state names its trace", async () => {
  await using kv = await openMemoryStore({ bucket: "central", history: 8 });
  const tickets = openStateStore({ kv }).of(ticket);
  const traceId = await within(() => tickets.create("t1", { title: "no tea" }));
  const state = await tickets.get("t1");
  expect(state?.trace).toBe(traceId);
  const [span] = named("update central");
  expect(span?.spanContext().traceId).toBe(traceId);
  expect(span?.attributes).toEqual({
    "db.system.name": "nats.kv",
    "db.collection.name": "central",
    "db.operation.name": "update",
    "troupe.state.key": "ticket.t1",
    "troupe.attempts": 1,
    "troupe.revision": state?.revision,
  });
});

test("a change that begins a trace of its own leaves that trace's id in the state", async () => {
  await using kv = await openMemoryStore({ bucket: "central", history: 8 });
  const tickets = openStateStore({ kv }).of(ticket);
  await tickets.create("t1", { title: "no tea" });
  expect((await tickets.get("t1"))?.trace).toBe(named("update central")[0]?.spanContext().traceId);
});

test("a transaction is one span, and one that is refused by an error says so", async () => {
  await using kv = await openMemoryStore({ bucket: "central", history: 8 });
  const store = openStateStore({ kv });
  const [a, b] = [store.of(ticket).ref("a"), store.of(ticket).ref("b")];
  await store.transact([b, a], (transaction) => {
    transaction.create(a, { title: "a" });
    transaction.create(b, { title: "b" });
  });
  expect(named("transact central")[0]?.attributes).toMatchObject({
    "db.operation.batch.size": 2,
    "troupe.state.keys": ["ticket.a", "ticket.b"],
  });
  expect((await store.of(ticket).get("a"))?.trace).toBe(named("transact central")[0]?.spanContext().traceId);
  exporter.reset();
  await expect(store.of(ticket).update("a", () => 7 as never)).rejects.toMatchObject({ code: "STATE_INVALID" });
  expect(named("update central")[0]).toMatchObject({
    status: { code: SpanStatusCode.ERROR },
    attributes: { "error.type": "STATE_INVALID" },
  });
});

test("a recall says where it looked and how much it found, but not what for", async () => {
  await using entries = await openMemoryStore({ bucket: "memory" });
  await using facts = await openMemoryStore({ bucket: "facts", history: 16 });
  await using memory = openContextStore({ entries, facts });
  await memory.log({ user: "anna" }).append({ text: "I am moving to Oslo" });
  await memory.recall("Where is Anna moving?", { scopes: { user: "anna" }, k: 3 });
  expect(named("recall memory").map(({ attributes }) => attributes)).toEqual([
    {
      "db.operation.name": "recall",
      "troupe.memory.scopes": ["user.anna"],
      "troupe.recall.k": 3,
      "troupe.recall.hits": 1,
    },
  ]);
});

test("each attempt of a workflow's task is a span, a failed one as such; what the run passed through stands on its turns", async () => {
  await using troupe = await createTestTroupe({ actors: [...research.actors, Source] });
  await troupe.actor(Source, "a").ask.fill("sagas are long");
  const run = troupe.actor(research.run, "r-1");
  await run.ask.start({ question: "What is a saga?", sources: ["a", "empty"], wanted: 1, goodFrom: 1 });
  for await (const change of run.watch()) if (change.kind === "committed" && change.state.phase === "completed") break;
  await troupe.worker.drain();

  const reads = named("task gather/try/sources/one/try/read");
  const outcomes = reads.map(({ attributes, status }) => [
    attributes["troupe.workflow.path"],
    attributes["troupe.workflow.attempt"],
    status.code === SpanStatusCode.ERROR ? attributes["error.type"] : "ok",
  ]);
  expect(outcomes.sort()).toEqual([
    ["gather/try/sources[0]/one/try/read", 1, "ok"],
    ["gather/try/sources[1]/one/try/read", 1, "HANDLER_FAILED"],
    ["gather/try/sources[1]/one/try/read", 2, "HANDLER_FAILED"],
  ]);
  for (const read of reads) {
    expect(read.attributes["troupe.workflow.run"]).toBe("r-1");
    expect(parentOf(read)?.attributes["troupe.actor.type"]).toMatch(/^workflow-research/);
  }
  // What a task asks is below it.
  expect(new Set(named("ask source.read").map((ask) => parentOf(ask)?.name))).toEqual(new Set([reads[0]?.name]));

  // Where its progress is shown is part of the turn that made it.
  const shown = named("update troupe_central");
  expect(shown.length).toBeGreaterThan(0);
  for (const span of shown) expect(parentOf(span)?.name).toMatch(/^process workflow-research/);

  const passed = exporter
    .getFinishedSpans()
    .flatMap(({ events }) => events)
    .filter(({ name }) => name === "workflow.transition")
    .map(({ attributes }) => attributes);
  expect(passed).toContainEqual({ path: "", from: "new", to: "running" });
  expect(passed).toContainEqual({ path: "", from: "running", to: "completed" });
  expect(passed.some((on) => on?.path === "gather/try/sources[1]/one/try/read" && on.code !== undefined)).toBe(true);
});
