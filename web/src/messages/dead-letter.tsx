// One message that was given up on.

import { useState } from "preact/hooks";
import type { DeadRow } from "../../../src/monitoring/dashboard/api/messages.ts";
import { plural } from "../format/figures.ts";
import { JsonTree } from "../parts/json-tree.tsx";
import { LongText } from "../parts/long-text.tsx";
import { TimeAgo } from "../parts/time-ago.tsx";
import { TraceLink } from "../parts/trace-link.tsx";
import { ActorLink } from "./live-feed.tsx";

export interface DeadLetterProps {
  readonly letter: DeadRow;
  readonly onAsk: (action: "replay" | "drop") => void;
}

export function DeadLetter({ letter, onAsk }: DeadLetterProps) {
  const { sequence, type, id, method, code, reason, attempts, from, trace, buriedAtMs, input } = letter;
  const [isOpen, setOpen] = useState(false);
  const actor = type === null || id === null ? null : `${type}/${id}`;
  return (
    <li class="dead">
      <p class="dead-head">
        <span class="dead-actor">
          {actor === null ? <span class="quiet">an actor whose name cannot be read</span> : <ActorLink actor={actor} />}
        </span>
        <b>
          <bdi>{method}</bdi>
        </b>
        <code class="dead-code">{code}</code>
        <span class="quiet">
          after {plural(attempts, "attempt")}
          {from !== null && (
            <>
              , sent by <bdi>{from}</bdi>
            </>
          )}
        </span>
        <TimeAgo atMs={buriedAtMs} />
        <TraceLink trace={trace} />
      </p>
      <p class="dead-reason" dir="auto">
        <LongText text={reason} />
      </p>
      <div class="dead-ends">
        <button type="button" class="link" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? "Hide argument" : "Argument"}
          <span class="unseen"> of dead letter {sequence}</span>
        </button>
        <button type="button" onClick={() => onAsk("replay")}>
          Replay<span class="unseen"> dead letter {sequence}</span>
        </button>
        <button type="button" class="link dead-drop" onClick={() => onAsk("drop")}>
          Drop<span class="unseen"> dead letter {sequence}</span>
        </button>
      </div>
      {isOpen && (
        <div class="dead-input">
          <Input input={input} sequence={sequence} />
        </div>
      )}
    </li>
  );
}

function Input({ input, sequence }: { readonly input: string | null; readonly sequence: number }) {
  if (input === null) return <p class="quiet">Its argument was too large to be kept.</p>;
  const value = parsed(input);
  if (value.kind === "json") return <JsonTree value={value.value} label={`argument of dead letter ${sequence}`} />;
  return (
    <p class="dead-reason mono" dir="auto">
      <LongText text={input === "" ? "nothing came with it" : input} />
    </p>
  );
}

/** What was cut, or is no JSON, is shown as the text that it is. */
function parsed(text: string): { readonly kind: "json"; readonly value: unknown } | { readonly kind: "text" } {
  try {
    return { kind: "json", value: JSON.parse(text) };
  } catch {
    return { kind: "text" };
  }
}
