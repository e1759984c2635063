// Traces that are not made, beside some that are, with a sampler that chooses by the name of the first span: T3 and T4 of core/trace.ts.

import { context, trace } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import {
  InMemorySpanExporter,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler } from "../../src/actors/definition.ts";
import type { RuntimeEvent } from "../../src/core/events.ts";
import { silentLogger } from "../../src/core/log.ts";
import {
  activeTraceparent,
  inSpan,
  inTrace,
  isSampled,
  isTraceparent,
  madeFirst,
  startSpan,
  traceIdOf,
  traceparentOf,
  unseen,
} from "../../src/core/trace.ts";
import { AsyncContextManager } from "../../src/monitoring/async-context.ts";
import { connect } from "../../src/runtime/client.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import { createWorker } from "../../src/runtime/worker.ts";

const exporter = new InMemorySpanExporter();
let isMade = (_name: string): boolean => true;

beforeAll(() => {
  const root = {
    shouldSample: (_context: unknown, _traceId: string, name: string) => ({ decision: isMade(name) ? 2 : 0 }),
  };
  trace.setGlobalTracerProvider(
    new TracerProvider({
      sampler: new ParentBasedSampler({ root }),
      spanProcessors: [new SimpleSpanProcessor({ exporter })],
    }),
  );
  context.setGlobalContextManager(new AsyncContextManager());
});
beforeEach(() => exporter.reset());
afterAll(() => context.disable());

const request = { name: "ask counter.add", kind: "client", parent: undefined, attributes: {} } as const;
const named = (start: string) => exporter.getFinishedSpans().filter(({ name }) => name.startsWith(start));
const parentOf = ({ parentSpanContext }: ReadableSpan) => parentSpanContext?.spanId;

test("T4: what would begin a trace that is not made goes by one traceparent, which names nobody and which no ratio chooses", () => {
  isMade = () => false;
  const span = startSpan(request);
  expect(traceparentOf(span)).toBe(unseen);
  expect([isTraceparent(unseen), isSampled(unseen), traceIdOf(unseen)]).toEqual([true, false, undefined]);
  const nearlyAll = new TraceIdRatioBasedSampler(1 - 1e-9);
  expect(nearlyAll.shouldSample(context.active(), unseen.slice(3, 35)).decision).toBe(0);
  expect(inSpan(span, () => activeTraceparent())).toBe(inTrace(unseen, () => activeTraceparent()));
  expect(inTrace(unseen, () => trace.getTracer("theirs").startSpan("below").isRecording())).toBe(false);
});

test("T4: a trace of the user's own keeps its id, whether it is made or not; so does one that came from outside", () => {
  isMade = () => false;
  trace.getTracer("theirs").startActiveSpan("checkout", (outer) => {
    const { traceId } = outer.spanContext();
    expect(traceIdOf(traceparentOf(startSpan({ ...request, parent: "active" })))).toBe(traceId);
    outer.end();
  });
  const outside = `00-${"a".repeat(32)}-${"b".repeat(16)}-00`;
  expect(startSpan({ ...request, parent: outside })).toBeUndefined();
  expect(traceparentOf(undefined, outside)).toBe(outside);
});

test("what is made comes first, each once", () => {
  const [one, two] = ["c", "d"].map((digit) => `00-${digit.repeat(32)}-${"1".repeat(16)}-01`) as [string, string];
  expect(madeFirst([unseen, one, unseen, two, one])).toEqual([one, two, unseen]);
  expect(madeFirst([two, one, two])).toEqual([two, one]);
});

const Counter = defineActor(
  "counter",
  { state: z.object({ count: z.number() }), initial: { count: 0 } },
  {
    seen: handler((ctx) => {
      trace.getTracer("theirs").startSpan("counting").end();
      ctx.state.count += 1;
    }),
    unseen: handler((ctx) => {
      trace.getTracer("theirs").startSpan("counting").end();
      ctx.state.count += 1;
    }),
  },
);

test("T3, T4: of turns in one batch those in traces that are made have a commit with its revision, the others leave no name anywhere", async () => {
  isMade = (name) => !name.includes("unseen");
  const ports = memoryPorts({ world: new MemoryWorld({}) });
  await using worker = await createWorker({ actors: [Counter], ports, partitions: 1, logger: silentLogger });
  await using troupe = await connect({ ports, partitions: 1 });
  const events: RuntimeEvent[] = [];
  worker.events.listen((event) => events.push(event));
  const counter = troupe.actor(Counter, "c");
  const rounds = 20;
  for (let round = 0; round < rounds; round += 1) {
    await Promise.all([counter.ask.unseen(), counter.ask.unseen(), counter.ask.seen(), counter.ask.unseen()]);
  }
  const turns = named("process ");
  expect(turns.map(({ name }) => name)).toEqual(Array.from({ length: rounds }, () => "process counter.seen"));
  expect(named("counting").map(parentOf)).toEqual(turns.map((turn) => turn.spanContext().spanId));
  const commits = named("commit ");
  expect(commits.map(parentOf)).toEqual(turns.map((turn) => turn.spanContext().spanId));
  expect(commits.flatMap(({ links }) => links)).toEqual([]);
  const revisions = new Map(commits.map((span) => [span.attributes["troupe.revision"], span.spanContext().traceId]));
  expect(revisions.size).toBe(rounds);
  for (const change of await counter.history()) {
    if (change.kind === "committed") expect(change.traceId).toBe(revisions.get(change.revision));
  }
  const ended = events.flatMap((event) => (event.kind === "turn-ended" ? [event] : []));
  expect(ended).toHaveLength(4 * rounds);
  expect(ended.filter(({ method, trace: id }) => (id === undefined) !== (method === "unseen"))).toEqual([]);
});
