// Tracing through @opentelemetry/api alone: whoever sets up an SDK gets spans, everybody else pays nothing.
// W3C trace context (https://www.w3.org/TR/trace-context/) travels as one string, lower-case `traceparent`.
//
//   T1. With no SDK registered no span is made, but a traceparent that came in goes on to whatever it causes, and its
//       trace id stands in the commits.

import type { Attributes, Context, Link, Span } from "@opentelemetry/api";
import { context, ProxyTracerProvider, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";

export type Traceparent = string;

const traceparentForm = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const tracer = trace.getTracer("troupe");
// Registered once and for good in a process, so the answer is kept when it is yes.
let hasProvider = false;

export interface SpanRequest {
  /** `{operation} {destination}`, low in cardinality: never an actor's id. */
  readonly name: string;
  readonly kind: "client" | "producer" | "consumer" | "internal";
  readonly parent?: Traceparent | undefined;
  readonly links?: readonly Traceparent[];
  readonly attributes: Attributes;
}

const kinds = {
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const;

/** True once an SDK has registered a provider. Cheap enough for hot paths. */
export function isTracing(): boolean {
  if (hasProvider) return true;
  const provider = trace.getTracerProvider();
  hasProvider = !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer("troupe") !== undefined;
  return hasProvider;
}

/** Starts a span; undefined when nobody traces. Without `parent` the active span is the parent. */
export function startSpan(request: SpanRequest): Span | undefined {
  if (!isTracing()) return undefined;
  const parent = request.parent === undefined ? context.active() : contextOf(request.parent);
  const links = (request.links ?? []).flatMap(linkOf);
  return tracer.startSpan(request.name, { kind: kinds[request.kind], attributes: request.attributes, links }, parent);
}

/** Ends a span; `failure` marks it as failed, with the code as `error.type`. */
export function endSpan(span: Span | undefined, failure?: { readonly code: string; readonly message: string }): void {
  if (span === undefined) return;
  if (failure !== undefined) {
    span.setAttribute("error.type", failure.code);
    span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message });
  }
  span.end();
}

/** What to send along: this span's context, else what came in. */
export function traceparentOf(span: Span | undefined, incoming?: Traceparent): Traceparent | undefined {
  if (span === undefined) return incoming;
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

/** The traceparent of the active span, if a user's code has one. */
export function activeTraceparent(): Traceparent | undefined {
  return isTracing() ? traceparentOf(trace.getActiveSpan()) : undefined;
}

/** The 32 hex digits that name the trace. */
export function traceIdOf(traceparent: Traceparent | undefined): string | undefined {
  return traceparent === undefined ? undefined : traceparentForm.exec(traceparent)?.[1];
}

/** True for a well-formed traceparent; anything else that comes in is dropped, not passed on. */
export function isTraceparent(text: string): boolean {
  return traceparentForm.test(text);
}

/** Runs `fn` with the span active, so that spans of the user's own become its children. */
export function inSpan<T>(span: Span | undefined, fn: () => T): T {
  return span === undefined ? fn() : context.with(trace.setSpan(context.active(), span), fn);
}

function spanContextOf(traceparent: Traceparent) {
  const parts = traceparentForm.exec(traceparent);
  const [, traceId, spanId, flags] = parts ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

function contextOf(traceparent: Traceparent): Context {
  const spanContext = spanContextOf(traceparent);
  const active = context.active();
  return spanContext === undefined ? active : trace.setSpanContext(active, spanContext);
}

function linkOf(traceparent: Traceparent): Link[] {
  const spanContext = spanContextOf(traceparent);
  return spanContext === undefined ? [] : [{ context: spanContext }];
}
