// A worker's letter on its colour.

import { markOf } from "./owner-marks.ts";

export function Mark({ worker }: { readonly worker: string }) {
  const { letter, color } = markOf(worker);
  return (
    <span class={`owner-mark owner-${color}`} aria-hidden="true">
      {letter}
    </span>
  );
}
