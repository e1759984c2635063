// The words of tracing, with an SDK that comes late: the first tests see a process in which nobody traces.

import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TroupeError } from "../../src/core/errors.ts";
import {
  activeTraceparent,
  endFailed,
  endSpan,
  hasActiveSpan,
  inSpan,
  inTrace,
  isTraceparent,
  isTracing,
  madeTraceIdOf,
  noteInSpan,
  outsideSpans,
  startSpan,
  traced,
  traceIdOf,
  traceparentOf,
} from "../../src/core/trace.ts";
import { AsyncContextManager } from "../../src/monitoring/async-context.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const incoming = `00-${traceId}-b7ad6b7169203331-01`;
const request = { name: "send counter.add", kind: "producer", parent: undefined, attributes: {} } as const;

test("a traceparent is taken in its form alone: version 00, lower case, no id of zeros", () => {
  expect(isTraceparent(incoming)).toBe(true);
  expect(traceIdOf(incoming)).toBe(traceId);
  for (const text of [
    "",
    incoming.toUpperCase(),
    `01${incoming.slice(2)}`,
    `ff${incoming.slice(2)}`,
    `${incoming}-extra`,
    ` ${incoming}`,
    `${incoming}\n`,
    incoming.slice(0, -1),
    incoming.replace(traceId, "0".repeat(32)),
    incoming.replace("b7ad6b7169203331", "0".repeat(16)),
  ]) {
    expect(isTraceparent(text), text).toBe(false);
    expect(traceIdOf(text)).toBeUndefined();
  }
  expect(traceIdOf(undefined)).toBeUndefined();
  // A link is to lead somewhere: what came in with a name, but is not made, has one in commits and none on the dashboard.
  expect([madeTraceIdOf(incoming), madeTraceIdOf(`${incoming.slice(0, -2)}00`), madeTraceIdOf(undefined)]).toEqual([
    ...[traceId, undefined, undefined],
  ]);
});

test("nothing that is sent in as a traceparent throws", () => {
  fc.assert(fc.property(fc.string(), (text) => traceIdOf(text) === undefined || isTraceparent(text)));
});

test("T1: with no SDK there is no span, and what came in goes on", async () => {
  expect(isTracing()).toBe(false);
  expect(startSpan(request)).toBeUndefined();
  expect(traceparentOf(undefined, incoming)).toBe(incoming);
  expect(activeTraceparent()).toBeUndefined();
  expect(hasActiveSpan()).toBe(false);
  expect(inSpan(undefined, () => 7)).toBe(7);
  expect(outsideSpans(() => 8)).toBe(8);
  expect(inTrace(incoming, () => 9)).toBe(9);
  noteInSpan("nothing", () => expect.unreachable("nobody traces"));
  const unbuilt = () => expect.unreachable("nobody traces");
  await expect(traced(unbuilt, (span) => Promise.resolve(span))).resolves.toBeUndefined();
  endSpan(undefined);
  endFailed(undefined, new Error("no"));
});

describe("with an SDK", () => {
  const exporter = new InMemorySpanExporter();

  beforeAll(() => {
    trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
    context.setGlobalContextManager(new AsyncContextManager());
  });
  afterAll(() => context.disable());

  const finished = (name: string) => exporter.getFinishedSpans().find((span) => span.name === name);

  test("it is seen although it came after this library", () => {
    expect(isTracing()).toBe(true);
  });

  test("a span has the parent, kind, links and attributes that were asked for", () => {
    const link = `00-${"c".repeat(32)}-${"d".repeat(16)}-00`;
    const span = startSpan({
      ...request,
      name: "a",
      parent: incoming,
      links: [link, "nonsense"],
      attributes: { b: 1 },
    });
    endSpan(span);
    const context = { traceId: "c".repeat(32), spanId: "d".repeat(16), traceFlags: 0, isRemote: true };
    expect(finished("a")).toMatchObject({
      kind: SpanKind.PRODUCER,
      parentSpanContext: { traceId, spanId: "b7ad6b7169203331", isRemote: true },
      links: [{ context }],
      attributes: { b: 1 },
    });
    expect(traceIdOf(traceparentOf(span))).toBe(traceId);
  });

  test("without a parent a trace begins, whatever is active; with `active` the active span is the parent", () => {
    trace.getTracer("test").startActiveSpan("outer", (outer) => {
      const child = startSpan({ ...request, parent: "active" });
      const root = startSpan(request);
      expect(traceIdOf(traceparentOf(child))).toBe(outer.spanContext().traceId);
      expect(traceIdOf(traceparentOf(root))).not.toBe(outer.spanContext().traceId);
      expect(activeTraceparent()).toBe(traceparentOf(outer));
      outsideSpans(() => expect(hasActiveSpan()).toBe(false));
      outer.end();
    });
  });

  test("T2: a span stays active across awaits, and does not leak out of them", async () => {
    const span = startSpan(request);
    const after = inSpan(span, async () => {
      await Promise.resolve();
      return activeTraceparent();
    });
    expect(hasActiveSpan()).toBe(false);
    expect(await after).toBe(traceparentOf(span));
    expect(hasActiveSpan()).toBe(false);
  });

  test("work within a span ends it, as failed with its code when it rejects, and is given none outside of an SDK's reach", async () => {
    const outer = startSpan(request);
    const seen = await inSpan(outer, () =>
      traced(
        () => ({ ...request, name: "inner", parent: "active" }),
        async (span) => {
          await Promise.resolve();
          noteInSpan("half way", () => ({ done: 1 }));
          return [activeTraceparent(), traceparentOf(span)];
        },
      ),
    );
    expect(seen[0]).toBe(seen[1]);
    expect(finished("inner")).toMatchObject({
      parentSpanContext: { spanId: outer?.spanContext().spanId },
      events: [{ name: "half way", attributes: { done: 1 } }],
    });
    const failing = traced(
      () => ({ ...request, name: "failing" }),
      () => Promise.reject(new TroupeError("WRITE_CONTENDED", "too many")),
    );
    await expect(failing).rejects.toMatchObject({ code: "WRITE_CONTENDED" });
    expect(finished("failing")).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { "error.type": "WRITE_CONTENDED" },
    });
  });

  test("what runs in a trace that came from elsewhere is part of it, and nothing is outside of it", () => {
    expect(inTrace(incoming, () => activeTraceparent())).toBe(incoming);
    expect(inTrace(undefined, () => activeTraceparent())).toBeUndefined();
    noteInSpan("nowhere", () => expect.unreachable("nobody is asked for what nobody keeps"));
  });

  test("a function that is bound runs in its context, with its own `this` and arguments", () => {
    const span = startSpan(request);
    const bound = inSpan(span, () =>
      context.bind(context.active(), function (this: { readonly a: number }, b: number) {
        return [this.a + b, activeTraceparent()];
      }),
    );
    expect(bound.call({ a: 1 }, 2)).toEqual([3, traceparentOf(span)]);
  });

  test("a failure has its code, or its name, as error.type", () => {
    endFailed(startSpan({ ...request, name: "ours" }), new TroupeError("ASK_TIMEOUT", "too late"));
    endFailed(startSpan({ ...request, name: "theirs" }), new DOMException("stop", "AbortError"));
    endFailed(startSpan({ ...request, name: "odd" }), "thrown text");
    const errorOf = (name: string) => [finished(name)?.attributes["error.type"], finished(name)?.status];
    const status = (message: string) => ({ code: SpanStatusCode.ERROR, message });
    expect(errorOf("ours")).toEqual(["ASK_TIMEOUT", status("too late")]);
    expect(errorOf("theirs")).toEqual(["AbortError", status("stop")]);
    expect(errorOf("odd")).toEqual(["_OTHER", status("thrown text")]);
  });

  test("a span without ids, as where tracing is suppressed, is not sent along", () => {
    const none = trace.wrapSpanContext({ traceId: "0".repeat(32), spanId: "0".repeat(16), traceFlags: 0 });
    expect(traceparentOf(none)).toBeUndefined();
    expect(traceparentOf(none, incoming)).toBe(incoming);
  });
});
