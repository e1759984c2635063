// A text that may be of any length: its beginning, and all of it when somebody asks. It is text, never HTML.

import { useState } from "preact/hooks";
import { exact } from "../format/figures.ts";

const shownMax = 600;

export function LongText({ text }: { readonly text: string }) {
  const [isWhole, showWhole] = useState(false);
  if (text.length <= shownMax || isWhole) return <bdi>{text}</bdi>;
  return (
    <>
      <bdi>{text.slice(0, shownMax)}…</bdi>{" "}
      <button type="button" class="link" onClick={() => showWhole(true)}>
        all {exact(text.length)} characters
      </button>
    </>
  );
}
