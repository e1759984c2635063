// The tables of docs/monitoring.md, made of the catalogue of figures.

import type { Figure } from "../../src/core/figure-catalog.ts";
import { figureCatalog } from "../../src/core/figure-catalog.ts";
import { prometheusName } from "../../src/monitoring/metric-names.ts";

const unitWords: Readonly<Record<string, string>> = {
  s: "seconds",
  By: "bytes",
  "By/h": "bytes an hour",
  "1": "share, 0 to 1",
};

/** Markdown: those of each process, or those of the app as a whole. */
export function metricTable(source: Figure["source"]): string {
  const rows = (Object.entries(figureCatalog) as [string, Figure][])
    .filter(([, figure]) => figure.source === source)
    .map(([name, figure]) => {
      const { kind, unit, labels, help, whenHigh } = figure;
      const said = labels.length === 0 ? "" : ` {${labels.join(", ")}}`;
      return `| \`${prometheusName(name, figure)}\`${said} | ${kind}, ${unitWord(unit)} | ${help} | ${whenHigh} |`;
    });
  return ["| metric {labels} | kind, unit | what it says | when it is high |", "|---|---|---|---|", ...rows].join("\n");
}

function unitWord(unit: string): string {
  const counted = /^\{(\w+)\}$/.exec(unit)?.[1];
  if (counted === undefined) return unitWords[unit] ?? unit;
  return counted.endsWith("s") ? `${counted}es` : counted.replace(/y$/, "ie").concat("s");
}
