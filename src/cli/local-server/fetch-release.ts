// nats-server from its official release: the archive for this platform, checked against the release's SHA256SUMS.

import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { messageOf } from "../../core/errors.ts";
import type { FetchContext, FetchOutcome } from "./fetch.ts";
import { failed } from "./fetch.ts";
import { run } from "./run.ts";

export interface Release {
  /** Folder of the releases: `<baseUrl>/v<version>/<file>`. */
  readonly baseUrl: string;
  /** Without the "v". */
  readonly version: string;
}

export const serverRelease: Release = {
  baseUrl: "https://github.com/nats-io/nats-server/releases/download",
  version: "2.15.2",
};

/** The list of checksums is small: a network that does not bring it within this time has no way there. Unit: ms. */
const answerMsMax = 8_000;
const downloadMsMax = 5 * 60_000;

const platforms: Record<string, string> = { linux: "linux", darwin: "darwin" };
const architectures: Record<string, string> = { x64: "amd64", arm64: "arm64", ia32: "386", arm: "arm7" };

export async function fetchRelease(context: FetchContext, release: Release = serverRelease): Promise<FetchOutcome> {
  const name = archiveName(release.version, process.platform, process.arch);
  if (name === undefined) return failed(`there is no archive for ${process.platform} on ${process.arch}`);
  const base = `${release.baseUrl}/v${release.version}`;
  const listed = await readText(`${base}/SHA256SUMS`);
  if ("reason" in listed) return failed(listed.reason);
  const expected = checksumOf(listed.text, `${name}.tar.gz`);
  if (expected === undefined) return failed(`${base}/SHA256SUMS does not list ${name}.tar.gz`);

  context.onProgress(`downloading ${base}/${name}.tar.gz`);
  const archive = join(context.folder, `${name}.tar.gz`);
  const written = await download(`${base}/${name}.tar.gz`, archive);
  if ("reason" in written) return failed(written.reason);
  if (written.checksum !== expected) {
    return failed(`${name}.tar.gz has the SHA-256 ${written.checksum}, but the release says ${expected}`);
  }
  const unpacked = await run("tar", ["-xzf", archive, "-C", context.folder], { timeoutMs: 60_000, env: context.env });
  if (unpacked.kind === "failed") return failed(unpacked.reason);
  return { kind: "fetched", path: join(context.folder, name, "nats-server") };
}

/** The archive's name without its ending; undefined when there is none for this platform. */
export function archiveName(version: string, platform: string, architecture: string): string | undefined {
  const [os, cpu] = [platforms[platform], architectures[architecture]];
  return os === undefined || cpu === undefined ? undefined : `nats-server-v${version}-${os}-${cpu}`;
}

/** The checksum of `file` in the output of sha256sum, lower case. */
export function checksumOf(sums: string, file: string): string | undefined {
  for (const line of sums.split("\n")) {
    const [checksum, name] = line.trim().split(/\s+\*?/);
    if (name === file && checksum !== undefined && /^[0-9a-f]{64}$/i.test(checksum)) return checksum.toLowerCase();
  }
  return undefined;
}

async function readText(url: string): Promise<{ readonly text: string } | { readonly reason: string }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(answerMsMax) });
    if (!response.ok) return { reason: `${url} answers ${response.status}` };
    return { text: await response.text() };
  } catch (thrown) {
    return { reason: `${url}: ${reasonOf(thrown)}` };
  }
}

async function download(
  url: string,
  path: string,
): Promise<{ readonly checksum: string } | { readonly reason: string }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(downloadMsMax) });
    if (!response.ok || response.body === null) return { reason: `${url} answers ${response.status}` };
    const hash = createHash("sha256");
    const body = Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
    body.on("data", (chunk: Uint8Array) => hash.update(chunk));
    await pipeline(body, createWriteStream(path));
    return { checksum: hash.digest("hex") };
  } catch (thrown) {
    return { reason: `${url}: ${reasonOf(thrown)}` };
  }
}

/** `fetch` says only "fetch failed"; its cause says why. */
function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause === undefined ? messageOf(thrown) : `${messageOf(thrown)} (${messageOf(cause)})`;
}
