// Tracing through @opentelemetry/api alone: whoever sets up an SDK gets spans, everybody else pays nothing.
// W3C trace context (https://www.w3.org/TR/trace-context/) travels as one string, lower-case `traceparent`.
//
//   T1. With no SDK registered no span is made, but a traceparent that came in goes on to whatever it causes, and its
//       trace id stands in the commits.
//   T2. A turn's context holds its own span and nothing else. The context in which its message happened to arrive is that
//       of whoever opened the connection, or of another turn.
//   T3. What is caused by a part of a trace that is not made (its traceparent says so) makes no span either, as parent-based samplers
//       have it, and does not ask one: the traceparent goes on as it is, and nothing is built.
//   T4. A trace that would begin here and is not made has no name of its own: all such go by one traceparent, `unseen`, which every
//       process knows, so that it can travel as a mark. No commit, event or log line names it.

import type { Attributes, Context, Link, Span, Tracer } from "@opentelemetry/api";
import {
  context,
  INVALID_TRACEID,
  isSpanContextValid,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { isTroupeError, messageOf } from "./errors.ts";

export type Traceparent = string;

// An id of zeros alone is no id.
const traceparentForm = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;
/**
 * What all traces go by that are made nowhere (T4). A sampler that goes by the id alone makes nothing of it either: by the first 32 bits
 * as by the last 56, which ratios are read from, it is the last that would be made.
 */
export const unseen: Traceparent = "00-ffffffff000000000000000000000000-0000000000000001-00";
/** A trace id as it stands in commits and in what agents remember. */
export const traceIdForm = /^(?!0{32})[0-9a-f]{32}$/;
const unseenSpan = trace.wrapSpanContext({
  traceId: unseen.slice(3, 35),
  spanId: unseen.slice(36, 52),
  traceFlags: TraceFlags.NONE,
  isRemote: true,
});
const unseenContext = trace.setSpan(ROOT_CONTEXT, unseenSpan);
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
  /** As a function: called only when somebody wants to see the span. */
  readonly attributes: Attributes | (() => Attributes);
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

/** Whether the trace is made; for what is no traceparent: it would begin one. */
export function isSampled(traceparent: Traceparent | undefined): boolean {
  return traceparent === undefined || (Number.parseInt(traceparent.slice(-1), 16) & 1) === 1;
}

/** Each once, in their order, but those that are made before those that are not: the first is to lead somewhere. */
export function madeFirst(traces: Iterable<Traceparent>): readonly Traceparent[] {
  const all = [...new Set(traces)];
  return all.every(isSampled) ? all : [...all.filter(isSampled), ...all.filter((one) => !isSampled(one))];
}

/** Runs `fn` so that spans of the user's own know that they are part of a trace that is not made (T3). */
export function outOfSight<T>(traceparent: Traceparent | undefined, fn: () => T): T {
  return isSampled(traceparent) ? fn() : inTrace(traceparent, fn);
}

/** Starts a span; undefined when nobody traces, or nobody wants to see this trace (T3). */
export function startSpan(request: SpanRequest): Span | undefined {
  if (!isTracing()) return undefined;
  const { name, kind, parent, attributes } = request;
  if (parent !== "active" && !isSampled(parent)) return undefined;
  const links = request.links?.flatMap(linkOf);
  const from = parent === "active" ? context.active() : contextOf(parent);
  // What describes it is handed over once it is known that somebody wants it: most of the cost of a span that nobody does.
  const span = tracer?.startSpan(
    name,
    links === undefined ? { kind: kinds[kind] } : { kind: kinds[kind], links },
    from,
  );
  if (span?.isRecording() === true) {
    return span.setAttributes(typeof attributes === "function" ? attributes() : attributes);
  }
  return span !== undefined && beginsUnseen(span, from) ? unseenSpan : span;
}

/** True for a span that would begin a trace, which is not made (T4). */
function beginsUnseen(span: Span, from: Context): boolean {
  const { traceFlags, traceId } = span.spanContext();
  // Where tracing is suppressed there are no ids.
  if ((traceFlags & TraceFlags.SAMPLED) !== 0 || traceId === INVALID_TRACEID) return false;
  return from === ROOT_CONTEXT || trace.getSpanContext(from) === undefined;
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
  if (span === unseenSpan) return unseen;
  const spanContext = span.spanContext();
  // Where tracing is suppressed, or the SDK is switched off, spans have no ids.
  if (!isSpanContextValid(spanContext)) return incoming;
  const { traceId, spanId, traceFlags } = spanContext;
  const flags = traceFlags.toString(16).padStart(2, "0");
  const text = `00-${traceId}-${spanId}-${flags}`;
  readLast = { text, parts: [text, traceId, spanId, flags] };
  return text;
}

/** True when the code that runs now is inside of a span. */
export function hasActiveSpan(): boolean {
  return isTracing() && trace.getActiveSpan() !== undefined;
}

/** The traceparent of the active span, if there is one. */
export function activeTraceparent(): Traceparent | undefined {
  return isTracing() ? traceparentOf(trace.getActiveSpan()) : undefined;
}

/** The 32 hex digits that name the trace; undefined for what has no name (T4). */
export function traceIdOf(traceparent: Traceparent | undefined): string | undefined {
  return traceparent === undefined || traceparent === unseen ? undefined : partsOf(traceparent)?.[1];
}

/** The same where it is to lead somewhere: what came from outside keeps its name (T4), whether its trace is made or not. */
export function madeTraceIdOf(traceparent: Traceparent | undefined): string | undefined {
  return isSampled(traceparent) ? traceIdOf(traceparent) : undefined;
}

/** True for a well-formed traceparent; anything else that comes in is dropped, not passed on. */
export function isTraceparent(text: string): boolean {
  return partsOf(text) !== null;
}

/** Runs `fn` with the span active, so that spans of the user's own become its children (T2). */
export function inSpan<T>(span: Span | undefined, fn: () => T): T {
  return span === undefined ? fn() : context.with(trace.setSpan(ROOT_CONTEXT, span), fn);
}

/** Runs `fn` as part of what a traceparent names, which may be of another process (T2). */
export function inTrace<T>(traceparent: Traceparent | undefined, fn: () => T): T {
  return traceparent !== undefined && isTracing() ? context.with(contextOf(traceparent), fn) : fn();
}

/**
 * Runs `work` within a span of its own, which ends with it: as failed, when it rejects. Nothing is built when nobody traces:
 * `work` is given undefined then.
 */
export function traced<T>(request: () => SpanRequest, work: (span: Span | undefined) => Promise<T>): Promise<T> {
  return isTracing() ? endingWith(startSpan(request()), work) : work(undefined);
}

async function endingWith<T>(span: Span | undefined, work: (span: Span | undefined) => Promise<T>): Promise<T> {
  try {
    const value = await inSpan(span, () => work(span));
    endSpan(span);
    return value;
  } catch (thrown) {
    endFailed(span, thrown);
    throw thrown;
  }
}

/** Adds to the active span what happened within it, when there is one. `attributes` is called only then. */
export function noteInSpan(name: string, attributes: () => Attributes): void {
  if (isTracing()) trace.getActiveSpan()?.addEvent(name, attributes());
}

/** Runs `fn` outside of any span: for what begins here, whoever opened the connection on which it came (T2). */
export function outsideSpans<T>(fn: () => T): T {
  return isTracing() ? context.with(ROOT_CONTEXT, fn) : fn();
}

let readLast: { readonly text: string; readonly parts: readonly string[] | null } = { text: "", parts: null };

/** Whoever takes a message in looks at its traceparent several times in a row. */
function partsOf(text: string): readonly string[] | null {
  if (readLast.text !== text) readLast = { text, parts: traceparentForm.exec(text) };
  return readLast.parts;
}

function spanContextOf(traceparent: Traceparent) {
  const [, traceId, spanId, flags] = partsOf(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

function contextOf(traceparent: Traceparent | undefined): Context {
  if (traceparent === unseen) return unseenContext;
  const spanContext = traceparent === undefined ? undefined : spanContextOf(traceparent);
  return spanContext === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContext);
}

function linkOf(traceparent: Traceparent): Link[] {
  const spanContext = spanContextOf(traceparent);
  return spanContext === undefined ? [] : [{ context: spanContext }];
}
