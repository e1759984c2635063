// Tracing through @opentelemetry/api alone: whoever sets up an SDK gets spans, everybody else pays nothing.
// W3C trace context (https://www.w3.org/TR/trace-context/) travels as one string, lower-case `traceparent`.
//
//   T1. With no SDK registered no span is made, but a traceparent that came in goes on to whatever it causes, and its
//       trace id stands in the commits.
//   T2. A turn's context holds its own span and nothing else. The context in which its message happened to arrive is that
//       of whoever opened the connection, or of another turn.

import type { Attributes, Context, Link, Span, Tracer } from "@opentelemetry/api";
import {
  context,
  isSpanContextValid,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { isTroupeError, messageOf } from "./errors.ts";

export type Traceparent = string;

// An id of zeros alone is no id.
const traceparentForm = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;
/** A trace id as it stands in commits and in what agents remember. */
export const traceIdForm = /^(?!0{32})[0-9a-f]{32}$/;
// An SDK is registered once and for good in a process, so the answer is kept when it is yes. Taken late: a tracer that is
// taken before would never make a span when the SDK came with another copy of the API.
let tracer: Tracer | undefined;

export interface SpanRequest {
  /** `{operation} {destination}`, low in cardinality: never an actor's id. */
  readonly name: string;
  readonly kind: "client" | "producer" | "consumer" | "internal";
  /** "active": the span in whose context this is called, if there is one. Undefined: a new trace begins. */
  readonly parent: Traceparent | "active" | undefined;
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
  if (tracer !== undefined) return true;
  const provider = trace.getTracerProvider();
  if (provider instanceof ProxyTracerProvider) tracer = provider.getDelegateTracer("troupe");
  else tracer = provider.getTracer("troupe");
  return tracer !== undefined;
}

/** Starts a span; undefined when nobody traces. */
export function startSpan(request: SpanRequest): Span | undefined {
  if (!isTracing()) return undefined;
  const { name, kind, parent, attributes } = request;
  const links = (request.links ?? []).flatMap(linkOf);
  const from = parent === "active" ? context.active() : contextOf(parent);
  return tracer?.startSpan(name, { kind: kinds[kind], attributes, links }, from);
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

/** Ends a span as failed with what was thrown: its code, or its name, as `error.type`. */
export function endFailed(span: Span | undefined, thrown: unknown): void {
  if (span === undefined) return;
  const code = isTroupeError(thrown) ? thrown.code : thrown instanceof Error ? thrown.name : "_OTHER";
  endSpan(span, { code, message: messageOf(thrown) });
}

/** What to send along: this span's context, else what came in. */
export function traceparentOf(span: Span | undefined, incoming?: Traceparent): Traceparent | undefined {
  if (span === undefined) return incoming;
  const spanContext = span.spanContext();
  // Where tracing is suppressed, or the SDK is switched off, spans have no ids.
  if (!isSpanContextValid(spanContext)) return incoming;
  const { traceId, spanId, traceFlags } = spanContext;
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

/** True when the code that runs now is inside of a span. */
export function hasActiveSpan(): boolean {
  return isTracing() && trace.getActiveSpan() !== undefined;
}

/** The traceparent of the active span, if there is one. */
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

/** Runs `fn` with the span active, so that spans of the user's own become its children (T2). */
export function inSpan<T>(span: Span | undefined, fn: () => T): T {
  return span === undefined ? fn() : context.with(trace.setSpan(ROOT_CONTEXT, span), fn);
}

/** Runs `fn` outside of any span: for what begins here, whoever opened the connection on which it came (T2). */
export function outsideSpans<T>(fn: () => T): T {
  return isTracing() ? context.with(ROOT_CONTEXT, fn) : fn();
}

function spanContextOf(traceparent: Traceparent) {
  const parts = traceparentForm.exec(traceparent);
  const [, traceId, spanId, flags] = parts ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

function contextOf(traceparent: Traceparent | undefined): Context {
  const spanContext = traceparent === undefined ? undefined : spanContextOf(traceparent);
  return spanContext === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContext);
}

function linkOf(traceparent: Traceparent): Link[] {
  const spanContext = spanContextOf(traceparent);
  return spanContext === undefined ? [] : [{ context: spanContext }];
}
