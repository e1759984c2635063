// What is committed works on any machine: it names no folder of the machine that it was written on, and no registry.

import { expect, test } from "vitest";
import { allPaths, readSource } from "./source-files.ts";

/** Folders that only some machine has, written so that this file does not name them. */
const machineFolders = ["work", "root", "home/\\w+", "Users/\\w+", "tmp/gobin"];
const machinePath = new RegExp(`(?<![\\w.~-])/(?:${machineFolders.join("|")})/`, "g");
const binary = /\.(?:png|jpe?g|gif|ico|webp|woff2?|gz|tgz)$/;

const pathsIn = (text: string) => [...text.matchAll(machinePath)].map(([found]) => found);

test("nothing names a folder of somebody's machine", () => {
  const texts = allPaths().filter((path) => !binary.test(path));
  expect(texts.flatMap((path) => pathsIn(readSource(path).text).map((found) => `${path}: ${found}`))).toEqual([]);
  for (const folder of ["work", "root", "home/somebody"]) expect(pathsIn(`cd /${folder}/x`), folder).toHaveLength(1);
  expect(pathsIn("src/work/a.ts ./root/ ~/work/ https://example.org/home")).toEqual([]);
});

test("the lock file names no registry, so that npm asks the one that the user has set", () => {
  const { text } = readSource("package-lock.json");
  const hosts = [...text.matchAll(/"resolved": "(https?:\/\/[^/"]+)/g)].map(([, host]) => host);
  expect([...new Set(hosts)]).toEqual([]);
});

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

test("the lock file holds the packages of every platform: without one of them `npm ci` refuses to do anything", () => {
  const { packages } = JSON.parse(readSource("package-lock.json").text) as { packages: Record<string, LockedPackage> };
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages))
      .map((name) => `${path} needs ${name}`),
  );
  expect(missing).toEqual([]);
});
