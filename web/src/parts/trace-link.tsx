// Where a trace is looked at, when somebody has said where (`troupe dashboard --jaeger URL`); otherwise its id, to be copied.

import { app } from "../live/now-store.ts";
import { CopyButton } from "./copy-button.tsx";
import { Icon } from "./icon.tsx";

export interface TraceLinkProps {
  /** Null: none was made, so there is nothing to look at. */
  readonly trace: string | null;
  /** Where a person looks for one, that there is none is said. */
  readonly isExpected?: boolean;
}

export function TraceLink({ trace, isExpected = false }: TraceLinkProps) {
  if (trace === null) return isExpected ? <NoTrace /> : null;
  const id = traceIdOf(trace);
  const url = app.value?.traceUrl ?? null;
  if (url === null)
    return (
      <span class="trace">
        <code title={id}>{id.slice(0, 8)}…</code>
        <CopyButton text={id} what="trace id" />
      </span>
    );
  return (
    <a class="trace" href={url.replace("{trace}", id)} target="_blank" rel="noreferrer">
      <Icon name="link" />
      trace
    </a>
  );
}

/** A commit names its trace if, and only if, the trace is made: one that was not sampled has no name. */
function NoTrace() {
  return (
    <span class="quiet" title="Its trace was not sampled (sampledShare), or nobody traces (troupe worker --otlp URL).">
      not traced <span class="wide-only">(not sampled, or tracing is off)</span>
    </span>
  );
}

/** Of `00-<trace>-<span>-01` (W3C), or what is an id already. */
export const traceIdOf = (trace: string): string => /^\w\w-(\w{32})-/.exec(trace)?.[1] ?? trace;
