// Where programs lie that need not be fetched: on the PATH, and in the cache of this user.

import { access, constants, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join, resolve } from "node:path";

/** `$XDG_CACHE_HOME/troupe`, or `~/.cache/troupe`. */
export function defaultCacheDir(env: NodeJS.ProcessEnv): string {
  const base = env.XDG_CACHE_HOME;
  return join(base === undefined || base === "" ? join(env.HOME ?? homedir(), ".cache") : base, "troupe");
}

/** Where a fetched program lies in the cache. */
export function cachedPath(cacheDir: string, program: string): string {
  return join(cacheDir, "bin", program);
}

/** Every executable file of that name on the PATH, in its order. */
export async function findOnPath(program: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const paths = [...new Set(folders.map((folder) => resolve(folder, program)))];
  const found: string[] = [];
  for (const path of paths) if (await isExecutable(path)) found.push(path);
  return found;
}

export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    // Not there, or not for us to run: the same thing to whoever asks.
    return false;
  }
}

export async function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}
