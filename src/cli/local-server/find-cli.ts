// Where the `nats` command is, which people look into the server with: on the PATH, in the cache, or built by go.

import { fetchGo, natsCliModule } from "./fetch-go.ts";
import { cachedPath, defaultCacheDir, findOnPath, isExecutable } from "./locate.ts";
import { fetchAlone, openStaging } from "./staging.ts";

export interface FindCliOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Default: `$XDG_CACHE_HOME/troupe`, or `~/.cache/troupe`. */
  readonly cacheDir?: string;
  readonly onProgress: (line: string) => void;
  /** True: build it with go when it is not there. Default false: it is only a convenience. */
  readonly mayFetch?: boolean;
}

const program = "nats";

/** The path of `nats`; undefined when it is not there and could not or may not be fetched, which is then said. */
export async function findNatsCli(options: FindCliOptions): Promise<string | undefined> {
  const { env, onProgress, mayFetch = false } = options;
  const cacheDir = options.cacheDir ?? defaultCacheDir(env);
  const [onPath] = await findOnPath(program, env);
  if (onPath !== undefined) return onPath;
  const cached = cachedPath(cacheDir, program);
  if (await isExecutable(cached)) return cached;
  if (!mayFetch) return undefined;
  return fetchAlone(cacheDir, program, onProgress, async () => {
    // Another process may have built it while this one waited.
    if (await isExecutable(cached)) return cached;
    await using staging = await openStaging(cacheDir);
    const outcome = await fetchGo({ env, folder: staging.folder, onProgress }, natsCliModule);
    // Waited for here: what is only returned goes on while the staging is removed.
    if (outcome.kind === "fetched") return await staging.install(outcome.path, program);
    onProgress(`the nats command could not be built: ${outcome.reason}`);
    return undefined;
  });
}
