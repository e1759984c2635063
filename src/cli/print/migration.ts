// What `troupe migrate` found, for a person.

import { count } from "../../core/amounts.ts";
import type { MigrationReport } from "../../runtime/migration.ts";
import type { Paint } from "../text.ts";
import { clip, printable, printTable } from "../text.ts";

/** States that cannot be read and are shown to a person. */
export const failuresShown = 20;

export function printMigration(report: MigrationReport, isCheck: boolean, paint: Paint, width: number): string {
  const { types, unknown, failures, failed } = report;
  const head = ["TYPE", "SCHEMA", "ACTORS", isCheck ? "TO UPCAST" : "UPCAST", "FAILED", "STORED AS"];
  const rows = types.map(({ type, schema, actors, upcast, failed: failedOfType, stored }) => [
    ...[type, String(schema), String(actors), String(upcast), String(failedOfType)],
    Object.entries(stored)
      .map(([number, many]) => `schema ${number}: ${many}`)
      .join(", ") || "-",
  ]);
  const lines = [printTable(head, rows, paint, width)];
  const others = Object.entries(unknown).map(([type, many]) => `${printable(type)} (${many})`);
  if (others.length > 0) lines.push(paint("yellow", `Not in this file: ${others.join(", ")}`));
  for (const { key, code, reason } of failures.slice(0, failuresShown)) {
    lines.push(clip(`${paint("red", code)} ${printable(key)}: ${printable(reason)}`, width));
  }
  const hidden = failed - Math.min(failures.length, failuresShown);
  if (hidden > 0) lines.push(paint("dim", `and ${hidden} more (--json lists all)`));
  return [...lines, summaryOf(report, isCheck, paint)].join("\n");
}

function summaryOf({ types, failed }: MigrationReport, isCheck: boolean, paint: Paint): string {
  const upcast = types.reduce((sum, type) => sum + type.upcast, 0);
  const verb = isCheck ? "would be led to today's schema; nothing was written" : "led to today's schema";
  const first = `${count(upcast, "state")} ${verb}`;
  if (failed === 0) return `${first}. All states can be read.`;
  return `${first}. ${paint("red", `${count(failed, "state")} cannot be read.`)}`;
}
