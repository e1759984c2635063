// The rooms of src/ and who may see whom. One direction: core <- kv <- memory <- actors <- runtime.

import { posix } from "node:path";
import { expect, test } from "vitest";
import type { SourceFile } from "./source-files.ts";
import { typeScriptFiles, withoutComments } from "./source-files.ts";

const mayImport: Record<string, readonly string[] | "everything"> = {
  core: [],
  kv: ["core"],
  memory: ["core", "kv"],
  actors: ["core", "memory"],
  runtime: ["core", "kv", "memory", "actors"],
  workflow: ["core", "memory", "actors"],
  monitoring: ["core", "kv", "memory", "actors", "runtime", "workflow"],
  cli: "everything",
};
/** The public surface: these two files are in no room. */
const entries = ["src/index.ts", "src/testing.ts"];
const roomsWithNats = ["kv", "runtime"];

const importForm = /(?:\bfrom\s+|\bimport\s*\(\s*|\bimport\s+)"([^"]+)"/g;

function faultsOf({ path, text }: SourceFile): string[] {
  const room = path.split("/")[1] ?? "";
  const allowed = entries.includes(path) ? "everything" : mayImport[room];
  if (allowed === undefined) return [`${path}: src/${room} is not on the map of rooms`];
  const faults: string[] = [];
  for (const [, target = ""] of withoutComments(text).matchAll(importForm)) {
    if (target.startsWith("@nats-io/") && !roomsWithNats.includes(room)) {
      faults.push(`${path}: only ${roomsWithNats.join(" and ")} may import ${target}`);
    }
    if (!target.startsWith(".")) continue;
    if (!target.endsWith(".ts")) faults.push(`${path}: the import of ${target} does not end in .ts`);
    const place = posix.join(posix.dirname(path), target);
    if (!place.startsWith("src/")) faults.push(`${path}: may not import ${target}, which is outside of src`);
    const other = place.split("/")[1] ?? "";
    if (allowed === "everything" || other === room || !place.startsWith("src/")) continue;
    if (!allowed.includes(other)) faults.push(`${path}: ${room} may not import ${other}`);
  }
  return faults;
}

test("each room imports only from the rooms that it may see", () => {
  expect(typeScriptFiles("src").flatMap(faultsOf)).toEqual([]);
});

/** The page is built apart from the runtime: all that it knows of it is the form of what the dashboard's server says. */
function pageFaultsOf({ path, text }: SourceFile): string[] {
  const faults: string[] = [];
  for (const [form, target = ""] of withoutComments(text).matchAll(/\b(?:im|ex)port[^;]*?"([^"]+)"/g)) {
    const place = posix.join(posix.dirname(path), target);
    if (!target.startsWith(".") || place.startsWith("web/src/")) continue;
    if (!place.startsWith("src/monitoring/dashboard/api/")) faults.push(`${path}: may not import ${target}`);
    if (!/^(?:im|ex)port type\b/.test(form)) faults.push(`${path}: may import ${target} as types alone`);
  }
  return faults;
}

test("the page imports nothing from the runtime but the types of what the dashboard's server says", () => {
  expect(typeScriptFiles("web/src").flatMap(pageFaultsOf)).toEqual([]);
  const faults = (text: string) => pageFaultsOf({ path: "web/src/now/a.tsx", text });
  expect(faults('import type { Page } from "../../../src/monitoring/dashboard/api/page.ts";')).toEqual([]);
  expect(faults('import { Page } from "../../../src/monitoring/dashboard/api/page.ts";')).toHaveLength(1);
  expect(faults('import type { A } from "../../../src/core/ids.ts";')).toHaveLength(1);
  expect(faults('import "uplot/dist/uPlot.min.css";\nimport { go } from "../router.ts";')).toEqual([]);
});

test("the map notices what it forbids", () => {
  const faults = (path: string, text: string) => faultsOf({ path, text });
  expect(faults("src/core/a.ts", 'import { b } from "../kv/b.ts";')).toEqual(["src/core/a.ts: core may not import kv"]);
  expect(faults("src/actors/a.ts", 'const b = await import("../runtime/deep/b.ts");')).toHaveLength(1);
  expect(faults("src/cli/deep/a.ts", 'export type { B } from "../../runtime/b.ts";')).toEqual([]);
  expect(faults("src/actors/a.ts", 'import type { Msg } from "@nats-io/transport-node";')).toHaveLength(1);
  expect(faults("src/kv/a.ts", 'import type { Msg } from "@nats-io/transport-node";')).toEqual([]);
  expect(faults("src/core/a.ts", 'import "../../test/support/x.ts";')).toHaveLength(1);
  expect(faults("src/kv/a.ts", 'import { b } from "./b";')).toHaveLength(1);
  expect(faults("src/attic/a.ts", "")).toEqual(["src/attic/a.ts: src/attic is not on the map of rooms"]);
  expect(faults("src/core/a.ts", '// as in `import { b } from "../kv/b.ts"`')).toEqual([]);
});
