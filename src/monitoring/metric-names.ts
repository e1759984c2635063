// What the figures are called where others keep them. OpenTelemetry takes the catalogue's names and units as they are;
// Prometheus wants the unit in the name, in base units, and counters to end in `_total`.

import type { Figure } from "../core/figure-catalog.ts";

/** Of the units of the catalogue. What is counted in braces, like `{turn}`, has none in Prometheus. */
const prometheusUnits: Readonly<Record<string, string>> = {
  s: "seconds",
  By: "bytes",
  "By/h": "bytes_per_hour",
  "1": "ratio",
};

/** `troupe.turn.duration` becomes `troupe_turn_duration_seconds`. */
export function prometheusName(name: string, { kind, unit }: Pick<Figure, "kind" | "unit">): string {
  const plain = name.replaceAll(/[^A-Za-z0-9_]/g, "_");
  const word = prometheusUnit(unit);
  const named = word === "" || plain.endsWith(`_${word}`) ? plain : `${plain}_${word}`;
  return kind === "counter" ? `${named}_total` : named;
}

/** Empty for what is counted. Throws for a unit that has no word yet. */
export function prometheusUnit(unit: string): string {
  if (unit.startsWith("{")) return "";
  const word = prometheusUnits[unit];
  if (word === undefined) throw new Error(`no word for the unit ${unit}: add it to prometheusUnits`);
  return word;
}
