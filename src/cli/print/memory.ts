// What agents remember, for a person.

import { count, printBytes } from "../../core/amounts.ts";
import type { Entry } from "../../memory/entry.ts";
import type { ErasureReceipt } from "../../memory/erasure-receipt.ts";
import type { ErasureScan } from "../../memory/erasure-scan.ts";
import type { Fact } from "../../memory/fact.ts";
import type { FactVersion } from "../../memory/fact-history.ts";
import type { KnownScope } from "../../memory/known-scopes.ts";
import type { RecallResult } from "../../memory/recall/hit.ts";
import { scopeKey } from "../../memory/scope.ts";
import type { Paint } from "../text.ts";
import { clip, printable, printJson, printTable } from "../text.ts";

const timeOf = (atMs: number): string => new Date(atMs).toISOString().replace("T", " ").slice(0, 19);

export function printScopes(scopes: readonly KnownScope[], total: number, paint: Paint, width: number): string {
  if (total === 0) return "No scope holds anything.";
  const rows = scopes.map(({ scope, records, facts }) => [String(records), String(facts), scopeKey(scope)]);
  const shown = scopes.length < total ? `, ${scopes.length} shown (--limit)` : "";
  return [
    printTable(["RECORDS", "FACTS", "SCOPE"], rows, paint, width),
    paint("dim", `${count(total, "scope")}${shown}`),
  ].join("\n");
}

export function printEntries(entries: readonly Entry[], paint: Paint, width: number): string {
  if (entries.length === 0) return "Nothing is logged there.";
  return entries.map((entry) => clip(printEntry(entry, paint), width)).join("\n");
}

function printEntry({ position, kind, role, speaker, text, data, atMs, pinned }: Entry, paint: Paint): string {
  const who = speaker === undefined ? role : `${role} ${speaker}`;
  const marks = `${kind === "turn" ? "" : ` [${kind}]`}${pinned ? " [pinned]" : ""}`;
  const more = data === undefined ? "" : ` ${printable(printJson(data))}`;
  const head = `${paint("dim", `${timeOf(atMs)}  ${position}`)}  ${paint("bold", printable(who))}${marks}`;
  return `${head}: ${printable(text)}${paint("dim", more)}`;
}

export function printHits({ hits, degraded }: RecallResult, paint: Paint, width: number): string {
  if (hits.length === 0) return "Nothing there answers that.";
  const lines = hits.flatMap(({ document, score, why }, at) => {
    const { key, revision, kind, speaker, role = kind, text, atMs } = document;
    const words = why.matched.map(({ word, field, score: part }) => `${word} (${field} ${part.toFixed(2)})`);
    const byVector = why.vectorRank === undefined ? [] : [`by meaning in place ${why.vectorRank}`];
    const reasons = [...words, ...byVector].join(", ");
    return [
      clip(`${paint("bold", `${at + 1}.`)} ${printable(speaker ?? role)}: ${printable(text)}`, width),
      clip(paint("dim", `   ${timeOf(atMs)}  ${key}@${revision}  ${score.toFixed(3)}: ${printable(reasons)}`), width),
    ];
  });
  return [...lines, ...(degraded === undefined ? [] : [paint("yellow", printable(degraded))])].join("\n");
}

export function printFacts(facts: readonly Fact[], paint: Paint, width: number): string {
  if (facts.length === 0) return "Nothing is known there.";
  return facts.map((fact) => clip(`${paint("bold", printable(fact.name))}  ${printFact(fact)}`, width)).join("\n");
}

function printFact({ value, revision, writtenAtMs, by, expiresAtMs, validFromMs, validUntilMs }: Fact): string {
  const parts = [
    `revision ${revision}, ${timeOf(writtenAtMs)}`,
    ...(by === undefined ? [] : [`by ${printable(by)}`]),
    ...(validFromMs === undefined ? [] : [`valid from ${timeOf(validFromMs)}`]),
    ...(validUntilMs === undefined ? [] : [`valid until ${timeOf(validUntilMs)}`]),
    ...(expiresAtMs === undefined ? [] : [`expires ${timeOf(expiresAtMs)}`]),
  ];
  return `${printable(printJson(value))}  (${parts.join(", ")})`;
}

export function printVersions(versions: readonly FactVersion[], width: number): string {
  if (versions.length === 0) return "Nothing of it is kept.";
  const lines = versions.map(({ fact, revision, writtenAtMs }) =>
    fact === undefined ? `deleted  (revision ${revision}, ${timeOf(writtenAtMs)})` : printFact(fact),
  );
  return lines.map((line) => clip(line, width)).join("\n");
}

export function printReceipt({ id, atMs, scopes }: ErasureReceipt, scan: ErasureScan, paint: Paint): string {
  const lines = scopes.map(({ scope, records, entries, facts, bytes, revisions, forks }) => {
    const share = forks.length === 0 ? "" : `, ${count(forks.length, "fork")} cut off`;
    const what = `${count(entries, "entr")
      .replace(/entrs$/, "entries")
      .replace(
        /entr$/,
        "entry",
      )} in ${count(records, "record")}, ${count(facts, "fact")}, ${printBytes(bytes)}${share}`;
    const upTo = `nothing up to revision ${revisions.memory[1]} (log) and ${revisions.facts[1]} (facts) is left`;
    return `${paint("bold", scopeKey(scope))}  ${what}; ${upTo}`;
  });
  const verdict =
    scan.kind === "clean"
      ? paint("green", `Erased, and verified: ${count(scan.scanned, "key")} scanned, nothing is left.`)
      : paint(
          "red",
          `NOT CLEAN: ${scan.left.map(({ bucket, key, revision }) => `${bucket} ${key}@${revision}`).join(", ")}`,
        );
  return [...lines, verdict, paint("dim", `Receipt ${id}, begun ${new Date(atMs).toISOString()}`)].join("\n");
}
