// Words that may not be there: doors to time and chance other than the clock, names that say nothing, and in tests what
// makes them lie or flake.

import { basename } from "node:path";
import { expect, test } from "vitest";
import type { SourceFile } from "./source-files.ts";
import { allPaths, typeScriptFiles, withoutComments } from "./source-files.ts";

const timeAndChance =
  /\b(?:Date\.now|performance\.now|setTimeout|setInterval|Math\.random|process\.hrtime|new Date\(\))/g;

/** Files that may read the machine's time, with the reason. */
const mayReadTime: Record<string, string> = {
  "src/core/clock.ts": "it is the door",
  "src/kv/nats-link.ts": "deadlines of requests on a real connection; in a simulation there is no connection",
  "web/src/page-clock.ts": "it is the door of the page",
};

function timeFaults({ path, text }: SourceFile): string[] {
  if (path in mayReadTime || path.startsWith("src/cli/")) return [];
  return [...withoutComments(text).matchAll(timeAndChance)].map(([word]) => `${path}: ${word}; take it from the Clock`);
}

test("time and chance come in by the clock alone", () => {
  expect(typeScriptFiles("src", "web").flatMap(timeFaults)).toEqual([]);
  expect(timeFaults({ path: "src/kv/a.ts", text: "const now = Date.now(); // Math.random" })).toHaveLength(1);
});

const emptyNames = ["utils", "util", "common", "helpers", "helper", "manager", "base", "misc"];

function nameFaults(path: string): string[] {
  const parts = path
    .split("/")
    .flatMap((part) => part.replace(/(?:\.test|\.contract|\.config)?\.tsx?$/, "").split("-"));
  const faults = parts.filter((part) => emptyNames.includes(part)).map((part) => `${path}: "${part}" says nothing`);
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test|\.contract|\.config)?\.tsx?$/.test(basename(path)))
    faults.push(`${path}: not in kebab-case`);
  return faults;
}

test("files are named for the one thing that they hold", () => {
  const ours = allPaths().filter((path) => /^(?:src|test|bench|examples|web)\/.*\.tsx?$/.test(path));
  expect(ours.flatMap(nameFaults)).toEqual([]);
  expect(nameFaults("src/kv/key-utils.ts")).toHaveLength(1);
  expect(nameFaults("src/kv/KvStore.ts")).toHaveLength(1);
});

const entries = ["src/index.ts", "src/testing.ts"];
const passesOn = /export\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s+from\s+"[^"]+";?/g;

function barrelFaults({ path, text }: SourceFile): string[] {
  if (entries.includes(path)) return [];
  const code = withoutComments(text);
  if (/^export\s+\*/m.test(code)) return [`${path}: export *`];
  return code.trim() !== "" && code.replaceAll(passesOn, "").trim() === "" ? [`${path}: only passes on`] : [];
}

test("nothing but the two public entries passes on what others export", () => {
  expect(typeScriptFiles("src", "test", "bench", "examples", "web").flatMap(barrelFaults)).toEqual([]);
  expect(barrelFaults({ path: "src/kv/index.ts", text: 'export { a } from "./a.ts";\n' })).toHaveLength(1);
  expect(barrelFaults({ path: "src/kv/a.ts", text: 'export * from "./b.ts";\nexport const c = 1;' })).toHaveLength(1);
});

/** What a test may not do, and what to do instead. A node of a workflow is called `sleep` too: it has a name in quotes. */
const inTests: readonly (readonly [RegExp, string])[] = [
  [/\bvi\.(?:mock|doMock|hoisted|stubGlobal)\b/, "replaces a module; write an adapter for the port"],
  [/\b(?:test|it|describe|suite)\.only\b/, "leaves the other tests out"],
  [/\b(?:retry|repeats)\s*:\s*\d/, "repeats until it passes; find the order that fails"],
  [/\b(?:function\s+|const\s+)(?:sleep|wait|pause)\b|\bsleep\((?!["`])/, "sleeps; wait for an event with a deadline"],
  [/\btimers\/promises\b|\bdelay\(systemClock\b/, "sleeps; wait for an event with a deadline"],
  [/new Promise(?:<\w*>)?\(\s*\(?\w*\)?\s*=>\s*\{?\s*setTimeout\(/, "sleeps; wait for an event with a deadline"],
];

function testFaults({ path, text }: SourceFile): string[] {
  const code = withoutComments(text);
  return inTests.flatMap(([form, why]) => {
    const word = form.exec(code)?.[0];
    return word === undefined ? [] : [`${path}: ${word.replace(/\s+/g, " ")}: ${why}`];
  });
}

test("tests replace no modules, leave nothing out, repeat nothing and do not sleep", () => {
  const files = typeScriptFiles("test").filter(({ path }) => path !== "test/tidy/words.test.ts");
  expect(files.flatMap(testFaults)).toEqual([]);
  const forbidden = [
    'vi.mock("./a.ts");',
    'test.only("a", () => {});',
    'test("a", { retry: 2 }, () => {});',
    "await new Promise((resolve) => setTimeout(resolve, 100));",
    'import { setTimeout } from "node:timers/promises";',
    "await sleep(10);",
  ];
  for (const text of forbidden) expect(testFaults({ path: "a.ts", text }), text).toHaveLength(1);
  expect(testFaults({ path: "a.ts", text: 'expect(error).toMatchObject({ retry: "later" });' })).toEqual([]);
});
