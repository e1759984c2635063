import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { debianMirrors } from "../../src/cli/local-server/debian-mirror.ts";
import { fetchDebian } from "../../src/cli/local-server/fetch-debian.ts";
import { archiveName, checksumOf, fetchRelease } from "../../src/cli/local-server/fetch-release.ts";
import { run } from "../../src/cli/local-server/run.ts";
import { bareEnvironment, saysVersion, writeProgram } from "../support/fake-programs.ts";
import { tempFolder } from "../support/temp-folder.ts";

const version = "2.15.2";

/** A web server that holds one release as the official one is laid out, or with a wrong checksum. */
async function releaseServer(folder: string, lie: { checksum?: string; status?: number } = {}) {
  const name = archiveName(version, process.platform, process.arch) ?? "unknown";
  await writeProgram(join(folder, "packed", name, "nats-server"), saysVersion(version));
  const archive = join(folder, `${name}.tar.gz`);
  await run("tar", ["-czf", archive, "-C", join(folder, "packed"), name], { timeoutMs: 10_000 });
  const bytes = await readFile(archive);
  const checksum = lie.checksum ?? createHash("sha256").update(bytes).digest("hex");
  const files = new Map<string, string | Buffer>([
    [
      `/v${version}/SHA256SUMS`,
      `${"0".repeat(64)}  nats-server-v${version}-plan9-amd64.zip\n${checksum}  ${name}.tar.gz\n`,
    ],
    [`/files/${name}.tar.gz`, bytes],
  ]);
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    if (lie.status !== undefined) return response.writeHead(lie.status).end();
    // The official place answers with a redirection to where the files are.
    if (path.endsWith(".tar.gz") && path.startsWith("/v")) {
      return response.writeHead(302, { location: `/files/${name}.tar.gz` }).end();
    }
    const file = files.get(path);
    return file === undefined ? response.writeHead(404).end() : response.end(file);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    release: { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, version },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function fetchContext(folder: string) {
  const { env, bin } = await bareEnvironment(folder);
  const stage = join(folder, "stage");
  await mkdir(stage);
  return { env, bin, folder: stage, onProgress: () => {} };
}

test("a release is downloaded over a redirection, checked and unpacked", async () => {
  await using folder = await tempFolder();
  await using server = await releaseServer(folder.path);
  const outcome = await fetchRelease(await fetchContext(folder.path), server.release);
  if (outcome.kind === "failed") throw new Error(outcome.reason);
  expect(await run(outcome.path, ["--version"], { timeoutMs: 5_000 })).toMatchObject({
    kind: "done",
    output: "nats-server: v2.15.2\n",
  });
});

test("a release whose checksum is another one is refused", async () => {
  await using folder = await tempFolder();
  await using server = await releaseServer(folder.path, { checksum: "ab".repeat(32) });
  const outcome = await fetchRelease(await fetchContext(folder.path), server.release);
  expect(outcome).toMatchObject({
    kind: "failed",
    reason: expect.stringMatching(/SHA-256 .* but the release says abab/),
  });
});

test("a release place that answers with an error, or not at all, is an outcome", async () => {
  await using folder = await tempFolder();
  await using server = await releaseServer(folder.path, { status: 503 });
  const context = await fetchContext(folder.path);
  expect(await fetchRelease(context, server.release)).toMatchObject({ reason: expect.stringMatching(/answers 503/) });
  const nowhere = { baseUrl: "http://127.0.0.1:1", version };
  expect(await fetchRelease(context, nowhere)).toMatchObject({
    kind: "failed",
    reason: expect.stringMatching(/SHA256SUMS/),
  });
});

test("archives are named as the release names them", () => {
  expect(archiveName("2.15.2", "linux", "x64")).toBe("nats-server-v2.15.2-linux-amd64");
  expect(archiveName("2.15.2", "darwin", "arm64")).toBe("nats-server-v2.15.2-darwin-arm64");
  expect(archiveName("2.15.2", "linux", "riscv64")).toBeUndefined();
  expect(archiveName("2.15.2", "win32", "x64")).toBeUndefined();
});

test("a checksum is found by the exact name of its file", () => {
  const sum = "0123456789abcdef".repeat(4);
  const sums = `${"f".repeat(64)}  other-nats.tar.gz\n${sum.toUpperCase()} *nats.tar.gz\n`;
  expect(checksumOf(sums, "nats.tar.gz")).toBe(sum);
  expect(checksumOf("<html>not found</html>", "nats.tar.gz")).toBeUndefined();
});

test("Debian's mirrors are those of this machine, then everybody's", async () => {
  await using folder = await tempFolder();
  const parts = join(folder.path, "sources.list.d");
  await mkdir(parts);
  await writeFile(
    join(folder.path, "sources.list"),
    "# deb http://commented.example/debian stable main\ndeb [arch=amd64 signed-by=/k.gpg] https://one.example/debian/ stable main\n",
  );
  await writeFile(
    join(parts, "debian.sources"),
    "Types: deb deb-src\nURIs: http://two.example/debian http://three.example/debian\nSuites: stable\n\n" +
      "Types: deb\nURIs: http://two.example/debian-security\nSuites: stable-security\n\n" +
      "Types: deb\nEnabled: no\nURIs: http://off.example/debian\nSuites: stable\n",
  );
  await writeFile(join(parts, "vendor.list"), "deb https://vendor.example/apt stable main\n");
  expect(await debianMirrors(folder.path)).toEqual([
    "https://one.example/debian",
    "http://two.example/debian",
    "http://three.example/debian",
    "http://deb.debian.org/debian",
  ]);
  expect(await debianMirrors(join(folder.path, "nowhere"))).toEqual(["http://deb.debian.org/debian"]);
});

const fakeAptGet = `
[ "$1" = -c ] || exit 9
cat "$2" >> "$LOG"
case "$3" in
  update) cat sources.list >> "$LOG"; case "$(cat sources.list)" in *broken.example*) echo "E: cannot connect"; exit 100;; esac;;
  download) echo package > nats-server_2.15.1-1_amd64.deb;;
esac`;

test("Debian's package is fetched with lists of its own, from the next mirror when one fails, and unpacked", async () => {
  await using folder = await tempFolder();
  await writeFile(join(folder.path, "sources.list"), "deb http://broken.example/debian stable main\n");
  const context = await fetchContext(folder.path);
  const log = join(folder.path, "log");
  context.env.LOG = log;
  await writeProgram(join(context.bin, "apt-get"), fakeAptGet);
  await writeProgram(
    join(context.bin, "dpkg-deb"),
    `[ "$1" = -x ] || exit 9\nmkdir -p "$3/usr/sbin"\n` +
      `printf '#!/bin/sh\\necho "nats-server: v2.15.1"\\n' > "$3/usr/sbin/nats-server"\nchmod +x "$3/usr/sbin/nats-server"`,
  );
  const outcome = await fetchDebian(context, folder.path);
  if (outcome.kind === "failed") throw new Error(outcome.reason);
  expect(outcome.path).toMatch(/usr\/sbin\/nats-server$/);
  const seen = await readFile(log, "utf8");
  expect(seen).toMatch(/deb .*http:\/\/broken\.example\/debian unstable main/);
  expect(seen).toMatch(/deb .*http:\/\/deb\.debian\.org\/debian unstable main/);
  expect(seen).not.toContain("trusted=");
  expect(seen).toContain(`Dir::State::lists "${context.folder}`);
  expect(seen).toContain(`Dir::Cache "${context.folder}`);
  expect(seen).toContain("#clear APT::Update::Post-Invoke;");
});

test("of a package that is called another way in another release the name that the suite has is taken", async () => {
  await using folder = await tempFolder();
  const context = await fetchContext(folder.path);
  await writeProgram(
    join(context.bin, "apt-get"),
    `[ "$3" = update ] && exit 0\n[ "$5" = prometheus ] || { echo "E: Unable to locate package $5"; exit 100; }\necho package > "$5.deb"`,
  );
  await writeProgram(
    join(context.bin, "dpkg-deb"),
    `mkdir -p "$3/usr/bin"\necho '#!/bin/sh' > "$3/usr/bin/promtool"\nchmod +x "$3/usr/bin/promtool"`,
  );
  const wanted = { suite: "bookworm", names: ["promtool", "prometheus"], program: "promtool" };
  expect(await fetchDebian(context, folder.path, wanted)).toMatchObject({ kind: "fetched" });
  expect(await fetchDebian(context, folder.path, { ...wanted, names: ["promtool", "other"] })).toEqual({
    kind: "failed",
    reason: "http://deb.debian.org/debian: apt-get ended with code 100: E: Unable to locate package other",
  });
  expect(await fetchDebian(context, folder.path, { ...wanted, program: "amtool" })).toEqual({
    kind: "failed",
    reason: "http://deb.debian.org/debian: prometheus.deb holds no amtool",
  });
});

test("a Debian archive that cannot be read says why for each mirror", async () => {
  await using folder = await tempFolder();
  const context = await fetchContext(folder.path);
  await writeProgram(join(context.bin, "apt-get"), "echo 'E: no network'; exit 100");
  await writeProgram(join(context.bin, "dpkg-deb"), "exit 0");
  expect(await fetchDebian(context, folder.path)).toEqual({
    kind: "failed",
    reason: "http://deb.debian.org/debian: apt-get ended with code 100: E: no network",
  });
});
