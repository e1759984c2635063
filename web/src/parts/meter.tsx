// A share of something bounded, as a bar with its figure beside it.

import { share } from "../format/figures.ts";

export interface MeterProps {
  /** 0 to 1; null: not known. */
  readonly of: number | null;
  readonly label: string;
  /** From here on it is drawn as a warning, and as a problem. Default 0.8 and 0.95. */
  readonly warnAt?: number;
  readonly problemAt?: number;
  /** Instead of percent. */
  readonly text?: string;
}

export function Meter({ of, label, warnAt = 0.8, problemAt = 0.95, text }: MeterProps) {
  const value = Math.min(1, Math.max(0, of ?? 0));
  const tone = value >= problemAt ? "problem" : value >= warnAt ? "warning" : "good";
  return (
    <span class={`meter tone-${tone}`}>
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false">
        <rect class="meter-ground" width="100" height="6" />
        <rect class="meter-fill" width={value * 100} height="6" />
      </svg>
      <span class="meter-text">
        <span class="unseen">{label} </span>
        {text ?? share(of)}
      </span>
    </span>
  );
}
