import { writeFileSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { FindOptions } from "../../src/cli/local-server/find.ts";
import { findServerBinary } from "../../src/cli/local-server/find.ts";
import { findNatsCli } from "../../src/cli/local-server/find-cli.ts";
import { run } from "../../src/cli/local-server/run.ts";
import { isAtLeast } from "../../src/cli/local-server/version.ts";
import { bareEnvironment, saysVersion, writeProgram } from "../support/fake-programs.ts";
import { tempFolder } from "../support/temp-folder.ts";

/** A world without nats-server: nothing on the PATH, an empty cache, and no way to fetch. */
async function emptyWorld() {
  const folder = await tempFolder();
  const { env, bin } = await bareEnvironment(folder.path);
  const progress: string[] = [];
  const options: FindOptions & { env: NodeJS.ProcessEnv; cacheDir: string } = {
    env,
    cacheDir: join(folder.path, "cache"),
    onProgress: (line) => progress.push(line),
    release: { baseUrl: "http://127.0.0.1:1/releases", version: "2.15.2" },
    aptDir: join(folder.path, "no-apt"),
  };
  return { folder, bin, options, progress, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test("F1: NATS_SERVER comes before everything else", async () => {
  await using world = await emptyWorld();
  await writeProgram(join(world.bin, "nats-server"), saysVersion("2.15.2"));
  const named = await writeProgram(join(world.folder.path, "mine", "server"), saysVersion("2.14.0"));
  world.options.env.NATS_SERVER = named;
  expect(await findServerBinary(world.options)).toEqual({ path: named, version: "2.14.0", source: "NATS_SERVER" });
});

test("F1: an old NATS_SERVER is refused with its version and what to do", async () => {
  await using world = await emptyWorld();
  world.options.env.NATS_SERVER = await writeProgram(join(world.folder.path, "old"), saysVersion("2.9.10"));
  const failure = findServerBinary(world.options);
  await expect(failure).rejects.toMatchObject({ code: "SERVER_TOO_OLD" });
  await expect(failure).rejects.toThrow(/version 2\.9\.10.*at least 2\.14\.0.*install a newer.*unset NATS_SERVER/s);
});

test("F1: a NATS_SERVER that is not there is refused, not passed over", async () => {
  await using world = await emptyWorld();
  await writeProgram(join(world.bin, "nats-server"), saysVersion("2.15.2"));
  world.options.env.NATS_SERVER = join(world.folder.path, "nowhere");
  await expect(findServerBinary(world.options)).rejects.toMatchObject({ code: "SERVER_NOT_FOUND" });
  await expect(findServerBinary(world.options)).rejects.toThrow(/NATS_SERVER is set to .*nowhere/);
});

test("F2: an older server on the PATH is skipped with a word, the next one on the PATH is used", async () => {
  await using world = await emptyWorld();
  await writeProgram(join(world.bin, "nats-server"), saysVersion("2.10.27"));
  const later = await writeProgram(join(world.folder.path, "later", "nats-server"), saysVersion("2.15.1"));
  world.options.env.PATH = `${world.bin}:${join(world.folder.path, "later")}`;
  expect(await findServerBinary(world.options)).toEqual({ path: later, version: "2.15.1", source: "PATH" });
  expect(world.progress).toEqual([
    expect.stringMatching(/skipping .*nats-server: version 2\.10\.27 is older than 2\.14/),
  ]);
});

test("the cache is used when the PATH has no server", async () => {
  await using world = await emptyWorld();
  const cached = await writeProgram(join(world.options.cacheDir, "bin", "nats-server"), saysVersion("2.15.0"));
  expect(await findServerBinary(world.options)).toEqual({ path: cached, version: "2.15.0", source: "cache" });
  expect(world.progress).toEqual([]);
});

test("without a cache folder of its own it is the one of XDG_CACHE_HOME, else of HOME", async () => {
  await using world = await emptyWorld();
  const { cacheDir: _, ...options } = world.options;
  const inHome = await writeProgram(
    join(world.folder.path, "home", ".cache", "troupe", "bin", "nats-server"),
    saysVersion("2.15.0"),
  );
  expect((await findServerBinary(options)).path).toBe(inHome);
  const inXdg = await writeProgram(
    join(world.folder.path, "xdg", "troupe", "bin", "nats-server"),
    saysVersion("2.15.0"),
  );
  options.env.XDG_CACHE_HOME = join(world.folder.path, "xdg");
  expect((await findServerBinary(options)).path).toBe(inXdg);
});

test("F2: a broken or old server in the cache is replaced by a fetched one", async () => {
  await using world = await emptyWorld();
  const cached = await writeProgram(join(world.options.cacheDir, "bin", "nats-server"), "exit 3");
  await writeProgram(
    join(world.bin, "go"),
    `[ "$1" = install ] || exit 9\ncase "$2" in github.com/nats-io/nats-server/v2@v*) ;; *) exit 8;; esac\n` +
      `printf '#!/bin/sh\\necho "nats-server: v2.15.2"\\n' > "$GOBIN/nats-server" && chmod +x "$GOBIN/nats-server"`,
  );
  expect(await findServerBinary(world.options)).toEqual({ path: cached, version: "2.15.2", source: "go" });
  expect(world.progress.join("\n")).toMatch(/skipping .*ended with code 3[\s\S]*official release: [\s\S]*with go/);
  expect(await readdir(world.options.cacheDir)).toEqual(["bin"]);
});

test("F2: what was fetched is not installed when it is too old", async () => {
  await using world = await emptyWorld();
  await writeProgram(
    join(world.bin, "go"),
    `printf '#!/bin/sh\\necho "nats-server: v2.11.0"\\n' > "$GOBIN/nats-server" && chmod +x "$GOBIN/nats-server"`,
  );
  await expect(findServerBinary(world.options)).rejects.toThrow(/go install: .*version 2\.11\.0 is older/);
  expect(await readdir(world.options.cacheDir)).toEqual([]);
});

test("F3: when nothing works the error lists all that was tried, and offers to do without a server", async () => {
  await using world = await emptyWorld();
  await writeProgram(join(world.bin, "nats-server"), saysVersion("2.2.0"));
  const failure = findServerBinary(world.options);
  await expect(failure).rejects.toMatchObject({ code: "SERVER_NOT_FOUND" });
  const { message } = (await failure.catch((thrown: unknown) => thrown)) as Error;
  for (const part of [
    "NATS_SERVER is not set",
    "version 2.2.0 is older than 2.14.0",
    `cache: no usable ${world.options.cacheDir}/bin/nats-server`,
    "official release: http://127.0.0.1:1/releases/v2.15.2/SHA256SUMS",
    "Debian's archive: apt-get is not installed",
    "go install: go is not installed",
    "--memory",
  ]) {
    expect(message).toContain(part);
  }
});

test("offline nothing is fetched", async () => {
  await using world = await emptyWorld();
  await writeProgram(join(world.bin, "go"), `echo called > ${world.folder.path}/called`);
  await expect(findServerBinary({ ...world.options, offline: true })).rejects.toThrow(/fetching: not allowed here/);
  expect(await readdir(world.folder.path)).not.toContain("called");
});

test("S2: of two that need to fetch, one fetches and the other uses what it got", async () => {
  await using world = await emptyWorld();
  const { progress } = world;
  const waits = "another process is fetching nats-server, waiting for it";
  const othersWait = join(world.folder.path, "others-wait");
  const onProgress = (line: string) => {
    progress.push(line);
    if (line === waits) writeFileSync(othersWait, "");
  };
  // It is not done before the other one waits. Where nobody ever does it goes on all the same.
  await writeProgram(
    join(world.bin, "go"),
    `looks=0\nwhile [ ! -e ${othersWait} ] && [ $looks -lt 500000 ]; do looks=$((looks + 1)); done\n` +
      `printf '#!/bin/sh\\necho "nats-server: v2.15.2"\\n' > "$GOBIN/nats-server" && chmod +x "$GOBIN/nats-server"`,
  );
  const options = { ...world.options, onProgress };
  const found = await Promise.all([findServerBinary(options), findServerBinary(options)]);
  expect(found.map(({ source }) => source).sort()).toEqual(["cache", "go"]);
  expect(progress).toContain(waits);
});

test("S2: a fetch that was killed does not hold up the next one", async () => {
  await using world = await emptyWorld();
  const gone = await writeProgram(join(world.folder.path, "gone"), "echo $$");
  const outcome = await run(gone, [], { timeoutMs: 5_000 });
  const pid = outcome.kind === "done" ? outcome.output.trim() : "";
  await mkdir(world.options.cacheDir);
  await writeFile(join(world.options.cacheDir, "nats-server.fetching"), pid);
  await expect(findServerBinary(world.options)).rejects.toMatchObject({ code: "SERVER_NOT_FOUND" });
});

test("the nats command is found on the PATH, then in the cache, and built only when that is allowed", async () => {
  await using world = await emptyWorld();
  const { env, cacheDir, onProgress } = world.options;
  await writeProgram(
    join(world.bin, "go"),
    `case "$2" in github.com/nats-io/natscli/nats@v*) ;; *) exit 8;; esac\n` +
      `printf '#!/bin/sh\\n' > "$GOBIN/nats" && chmod +x "$GOBIN/nats"`,
  );
  expect(await findNatsCli({ env, cacheDir, onProgress })).toBeUndefined();
  const built = join(cacheDir, "bin", "nats");
  expect(await findNatsCli({ env, cacheDir, onProgress, mayFetch: true })).toBe(built);
  expect(await findNatsCli({ env, cacheDir, onProgress })).toBe(built);
  const onPath = await writeProgram(join(world.bin, "nats"), "exit 0");
  expect(await findNatsCli({ env, cacheDir, onProgress })).toBe(onPath);
});

test("a nats command that cannot be built is said so and left out", async () => {
  await using world = await emptyWorld();
  expect(await findNatsCli({ ...world.options, mayFetch: true })).toBeUndefined();
  expect(world.progress).toEqual(["the nats command could not be built: go is not installed"]);
});

test("versions are compared by number, not by letter", () => {
  expect(isAtLeast("2.14.0", "2.14.0")).toBe(true);
  expect(isAtLeast("2.9.25", "2.14.0")).toBe(false);
  expect(isAtLeast("2.100.0", "2.14.0")).toBe(true);
  expect(isAtLeast("3.0.0", "2.14.0")).toBe(true);
  expect(isAtLeast("2.13.9", "2.14.0")).toBe(false);
});
