// Where nats-server is: named by the user, on the PATH, in the cache, or else fetched into the cache.
//
//   F1. What the user names in NATS_SERVER is used or refused, never passed over.
//   F2. No binary is used before it has said itself that it is new enough, wherever it comes from.
//   F3. When nothing works, the error lists everything that was tried and why each failed.

import { TroupeError } from "../../core/errors.ts";
import type { FetchContext, FetchOutcome } from "./fetch.ts";
import { fetchDebian } from "./fetch-debian.ts";
import { fetchGo, serverModule } from "./fetch-go.ts";
import type { Release } from "./fetch-release.ts";
import { fetchRelease, serverRelease } from "./fetch-release.ts";
import { cachedPath, defaultCacheDir, findOnPath, isExecutable } from "./locate.ts";
import { fetchAlone, openStaging } from "./staging.ts";
import { isAtLeast, readVersion, versionMin } from "./version.ts";

export interface FindOptions {
  /** `NATS_SERVER`, `PATH`, `XDG_CACHE_HOME` and `HOME` are read from it; programs that fetch run in it. */
  readonly env: NodeJS.ProcessEnv;
  /** Default: `$XDG_CACHE_HOME/troupe`, or `~/.cache/troupe`. */
  readonly cacheDir?: string;
  /** A line for people, each time that something goes on which takes long or is worth knowing. */
  readonly onProgress: (line: string) => void;
  /** True: fetch nothing. Default false. */
  readonly offline?: boolean;
  /** Where releases come from. Default: the official place. */
  readonly release?: Release;
  /** Where apt keeps its sources. Default `/etc/apt`. */
  readonly aptDir?: string;
}

export type BinarySource = "NATS_SERVER" | "PATH" | "cache" | "release" | "debian" | "go";

export interface FoundBinary {
  readonly path: string;
  readonly version: string;
  readonly source: BinarySource;
}

const program = "nats-server";

/** Rejects with SERVER_TOO_OLD for an old NATS_SERVER (F1), and with SERVER_NOT_FOUND (F3). */
export async function findServerBinary(options: FindOptions): Promise<FoundBinary> {
  const { env, onProgress } = options;
  const named = env.NATS_SERVER;
  if (named !== undefined && named !== "") return useNamed(named);
  const cacheDir = options.cacheDir ?? defaultCacheDir(env);
  const tried = ["NATS_SERVER is not set"];
  const skip = (reason: string) => {
    tried.push(reason);
    onProgress(`skipping ${reason}`);
  };

  const onPath = await findOnPath(program, env);
  if (onPath.length === 0) tried.push(`PATH: no ${program} there`);
  for (const path of onPath) {
    const version = await tryVersion(path, skip);
    if (version !== undefined) return { path, version, source: "PATH" };
  }
  const cached = await lookInCache(cacheDir, skip);
  if (cached !== undefined) return cached;
  tried.push(`cache: no usable ${cachedPath(cacheDir, program)}`);
  if (options.offline === true) throw notFound([...tried, "fetching: not allowed here"]);

  return fetchAlone(cacheDir, program, onProgress, async () => {
    // Another process may have fetched it while this one waited.
    const fetched = await lookInCache(cacheDir, () => {});
    return fetched ?? fetchServer(cacheDir, options, tried);
  });
}

async function useNamed(path: string): Promise<FoundBinary> {
  const outcome = await readVersion(path);
  if (outcome.kind === "failed") {
    throw new TroupeError("SERVER_NOT_FOUND", `NATS_SERVER is set to ${path}, which cannot be used: ${outcome.reason}`);
  }
  const { version } = outcome;
  if (isAtLeast(version, versionMin)) return { path, version, source: "NATS_SERVER" };
  throw new TroupeError(
    "SERVER_TOO_OLD",
    `NATS_SERVER is set to ${path}, which is version ${version}, but at least ${versionMin} is needed; ` +
      "install a newer nats-server there, or unset NATS_SERVER to have one fetched",
  );
}

async function lookInCache(cacheDir: string, skip: (reason: string) => void): Promise<FoundBinary | undefined> {
  const path = cachedPath(cacheDir, program);
  if (!(await isExecutable(path))) return undefined;
  const version = await tryVersion(path, skip);
  return version === undefined ? undefined : { path, version, source: "cache" };
}

/** The version of the binary when it can be used (F2); otherwise says why not. */
async function tryVersion(path: string, skip: (reason: string) => void): Promise<string | undefined> {
  const outcome = await readVersion(path);
  if (outcome.kind === "version" && isAtLeast(outcome.version, versionMin)) return outcome.version;
  skip(outcome.kind === "failed" ? outcome.reason : `${path}: version ${outcome.version} is older than ${versionMin}`);
  return undefined;
}

interface Way {
  readonly source: BinarySource;
  readonly label: string;
  readonly fetch: (context: FetchContext) => Promise<FetchOutcome>;
}

async function fetchServer(cacheDir: string, options: FindOptions, tried: string[]): Promise<FoundBinary> {
  const { env, onProgress, release = serverRelease, aptDir } = options;
  const ways: readonly Way[] = [
    { source: "release", label: "official release", fetch: (context) => fetchRelease(context, release) },
    { source: "debian", label: "Debian's archive", fetch: (context) => fetchDebian(context, aptDir) },
    { source: "go", label: "go install", fetch: (context) => fetchGo(context, serverModule) },
  ];
  onProgress(`no ${program} of version ${versionMin} or newer on this machine; fetching one into ${cacheDir}`);
  for (const { source, label, fetch } of ways) {
    await using staging = await openStaging(cacheDir);
    const outcome = await fetch({ env, folder: staging.folder, onProgress });
    const skip = (reason: string) => {
      tried.push(`${label}: ${reason}`);
      onProgress(`${label}: ${reason}`);
    };
    if (outcome.kind === "failed") {
      skip(outcome.reason);
      continue;
    }
    const version = await tryVersion(outcome.path, skip);
    if (version === undefined) continue;
    const path = await staging.install(outcome.path, program);
    onProgress(`${program} ${version} from ${label} is at ${path}`);
    return { path, version, source };
  }
  throw notFound(tried);
}

function notFound(tried: readonly string[]): TroupeError {
  const list = tried.map((reason) => `  - ${reason}`).join("\n");
  return new TroupeError(
    "SERVER_NOT_FOUND",
    `no ${program} of version ${versionMin} or newer was found, and none could be fetched:\n${list}\n` +
      "Install nats-server, set NATS_SERVER to its path, set NATS_URL to a server that runs, " +
      "or use --memory to do without a server (nothing is kept).",
    { data: { tried } },
  );
}
