// Files of at most 400 lines and functions of at most 70, counted on biome's formatting: a function's body ends at the
// first line with a closing brace at the indentation of the line on which the function starts.

import { expect, test } from "vitest";
import type { SourceFile } from "./source-files.ts";
import { typeScriptFiles } from "./source-files.ts";

const fileLinesMax = 400;
const functionLinesMax = 70;

const opensBody = /(?:\)|=>|[\w\]>}"]) \{$/;
/** What also ends in a brace and is no function. */
const otherBlock =
  /^(?:export )?(?:default )?(?:declare )?(?:abstract )?(?:class|interface|namespace|if|for|while|switch|do|try|return)\b|^\} (?:else|catch|finally|while)\b/;
/** A list of tests is no function to be read from top to bottom. */
const testList = /^describe(?:InBrowser)?\b.*=> \{$|^export function \w+Contract\b/;

const indentOf = (line: string) => line.length - line.trimStart().length;

function faultsOf({ path, text }: SourceFile): string[] {
  const lines = text.trimEnd().split("\n");
  const faults = lines.length > fileLinesMax ? [`${path}: ${lines.length} lines`] : [];
  for (const [at, line] of lines.entries()) {
    if (!opensBody.test(line)) continue;
    const first = startOf(lines, at);
    const head = (lines[first] ?? "").trim();
    const isFunction = line.includes(")") || line.includes("=>");
    if (!isFunction || otherBlock.test(head) || otherBlock.test(line.trim()) || testList.test(head)) continue;
    const length = endOf(lines, at) - first + 1;
    if (length > functionLinesMax) faults.push(`${path}:${first + 1}: a function of ${length} lines: ${head}`);
  }
  return faults;
}

/** A head that is spread over lines begins at the last line before its end with the same indentation. */
function startOf(lines: readonly string[], at: number): number {
  const line = lines[at] ?? "";
  if (!line.trimStart().startsWith(")") && !line.trimStart().startsWith("}")) return at;
  let first = at - 1;
  while (first > 0 && (lines[first]?.trim() === "" || indentOf(lines[first] ?? "") > indentOf(line))) first -= 1;
  return first;
}

function endOf(lines: readonly string[], at: number): number {
  const indent = indentOf(lines[at] ?? "");
  for (let end = at + 1; end < lines.length; end += 1) {
    const line = lines[end] ?? "";
    if (line.trimStart().startsWith("}") && indentOf(line) === indent) return end;
  }
  return lines.length - 1;
}

test("no file is longer than 400 lines, no function longer than 70", () => {
  expect(typeScriptFiles("src", "test", "bench", "examples", "web").flatMap(faultsOf)).toEqual([]);
});

test("long functions are noticed in every form, and nothing else is taken for one", () => {
  const body = (indent: string, count: number) => `${indent}  work();\n`.repeat(count);
  const faults = (text: string) => faultsOf({ path: "a.ts", text });
  const long = [
    `export async function f(a: number): Promise<void> {\n${body("", 69)}}`,
    `export function f(\n  a: number,\n): { readonly b: number } {\n${body("", 67)}}`,
    `const f = async (a: number) => {\n${body("", 69)}};`,
    `class A {\n  #f(a: number): void {\n${body("  ", 69)}  }\n}`,
    `class A extends B<C> {\n  get f() {\n${body("  ", 69)}  }\n}`,
    `test("f", async () => {\n${body("", 69)}});`,
  ];
  for (const text of long) expect(faults(text), text.slice(0, 60)).toHaveLength(1);
  expect(faults(`function f() {\n${body("", 68)}}`)).toEqual([]);
  expect(faults(`class A extends B<C> {\n${"  f() {\n  }\n".repeat(50)}}`)).toEqual([]);
  expect(faults(`const table = {\n${body("", 90)}};`)).toEqual([]);
  expect(faults(`describe("f", () => {\n${'  test("g", () => {});\n'.repeat(90)}});`)).toEqual([]);
  expect(faults(`export interface A<B> {\n${body("", 90)}}`)).toEqual([]);
  expect(faults("x\n".repeat(401))).toEqual(["a.ts: 401 lines"]);
});
