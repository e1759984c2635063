// What retention lets go, for a person.

import { count, printBytes } from "../../core/amounts.ts";
import type { AppliedScope } from "../../memory/retention.ts";
import type { RetentionPlan } from "../../memory/retention-plan.ts";
import { scopeKey } from "../../memory/scope.ts";
import type { Paint } from "../text.ts";
import { printable } from "../text.ts";

const entriesOf = (number: number): string => `${number} ${number === 1 ? "entry" : "entries"}`;

export function printPlan({ scopes }: RetentionPlan, paint: Paint): string {
  if (scopes.length === 0) return "Nothing would go.";
  const lines = scopes.flatMap(({ scope, entries, bytes, reasons, examples, spared, staying, forks, ...others }) => {
    const why = Object.entries(reasons).flatMap(([reason, number]) => (number === 0 ? [] : [`${reason} ${number}`]));
    const parts = [
      ...(entries === 0 ? [] : [`${entriesOf(entries)} (${why.join(", ")}), ${printBytes(bytes)}`]),
      ...(others.expiredFacts === 0 ? [] : [count(others.expiredFacts, "expired fact")]),
      ...(others.strays === 0 ? [] : [`${count(others.strays, "record")} left before the first`]),
    ];
    const kept = `${staying} stay${spared === 0 ? "" : `, ${spared} of them pinned or the summary`}`;
    const shared = forks === 0 ? "" : `; ${count(forks, "fork")} will lose what they share`;
    return [
      `${paint("bold", scopeKey(scope))}  ${parts.join("; ")} would go; ${kept}${shared}`,
      ...examples.map(({ position, text }) => paint("dim", `  ${position}  ${printable(text)}`)),
    ];
  });
  return [...lines, paint("dim", "Nothing was changed; --apply does it.")].join("\n");
}

export function printApplied(applied: readonly AppliedScope[], paint: Paint): string {
  if (applied.length === 0) return "Nothing had to go.";
  return applied
    .map(({ scope, skipped, entries, expiredFacts, strays }) => {
      const what = `${entriesOf(entries)}, ${count(expiredFacts, "expired fact")}, ${count(strays, "stray record")} gone`;
      return `${paint("bold", scopeKey(scope))}  ${skipped === undefined ? what : `left alone: it was ${skipped} meanwhile`}`;
    })
    .join("\n");
}
