// Copies a text: an id, a trace, a state.

import { useState } from "preact/hooks";
import { later } from "../page-clock.ts";
import { Icon } from "./icon.tsx";

/** `what` names it for whoever cannot see what it stands beside: "trace id". */
export function CopyButton({ text, what }: { readonly text: string; readonly what: string }) {
  const [said, say] = useState<string | null>(null);
  const copy = async () => {
    // The clipboard is only there on https and loopback; elsewhere the text is marked for ⌘C by the browser's own prompt.
    if (navigator.clipboard === undefined) {
      prompt(`Copy the ${what}:`, text);
      return;
    }
    await navigator.clipboard.writeText(text);
    say("copied");
    later(1_500, () => say(null));
  };
  return (
    <button type="button" class="copy" onClick={copy} title={`Copy the ${what}`}>
      <Icon name={said === null ? "copy" : "good"} />
      <span class="unseen" aria-live="polite">
        {said ?? `Copy the ${what}`}
      </span>
    </button>
  );
}
