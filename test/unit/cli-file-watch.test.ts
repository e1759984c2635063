// Which files have changed: what `troupe dev` restarts for.

import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FileWatch } from "../../src/cli/dev/file-watch.ts";
import { signatureOf } from "../../src/cli/dev/signature.ts";
import { tempFolder } from "../support/temp-folder.ts";

const fail = (text: string) => {
  throw new Error(text);
};
const soon = () => AbortSignal.timeout(10_000);

async function watched(folder: string, ...names: readonly string[]) {
  const files = new FileWatch(fail);
  for (const name of names) {
    const path = join(folder, name);
    await writeFile(path, "1");
    files.noteLoaded(path, signatureOf(path) ?? "");
  }
  return files;
}

test("W1: a change is seen that came before anybody waited, or between loading and watching", async () => {
  await using folder = await tempFolder();
  using files = await watched(folder.path, "a.ts");
  await writeFile(join(folder.path, "a.ts"), "22");
  expect(await files.changes(soon())).toEqual([join(folder.path, "a.ts")]);
  await writeFile(join(folder.path, "b.ts"), "new");
  files.beginRun();
  const waiting = files.changes(soon());
  files.noteLoaded(join(folder.path, "b.ts"), "as it was before");
  expect(await waiting).toEqual([join(folder.path, "b.ts")]);
});

test("a change wakes whoever waits, also when the editor writes another file and renames it", async () => {
  await using folder = await tempFolder();
  using files = await watched(folder.path, "a.ts", "b.ts");
  const waiting = files.changes(soon());
  await writeFile(join(folder.path, "a.ts.tmp"), "333");
  await rename(join(folder.path, "a.ts.tmp"), join(folder.path, "a.ts"));
  expect(await waiting).toEqual([join(folder.path, "a.ts")]);
});

test("other files count only while something that was not there may be the trouble", async () => {
  await using folder = await tempFolder();
  using files = await watched(folder.path, "a.ts");
  const waiting = files.changes(soon(), true);
  await writeFile(join(folder.path, "missing.ts"), "1");
  expect(await waiting).toEqual([join(folder.path, "missing.ts")]);
  files.beginRun();
  const stop = new AbortController();
  const patient = files.changes(stop.signal);
  await writeFile(join(folder.path, "other.ts"), "1");
  stop.abort();
  expect(await patient).toEqual([]);
});

test("what the last run did not load any more is of no interest", async () => {
  await using folder = await tempFolder();
  using files = await watched(folder.path, "a.ts", "b.ts");
  files.beginRun();
  const a = join(folder.path, "a.ts");
  files.noteLoaded(a, signatureOf(a) ?? "");
  files.endLoading();
  await writeFile(join(folder.path, "b.ts"), "22");
  await writeFile(a, "22");
  expect(await files.changes(soon())).toEqual([a]);
});
