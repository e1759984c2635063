// A program that some tests ask and that need not be here: named in a variable of the environment (a path), on the PATH, or in the cache.
// Where it is nowhere those tests are skipped, and say so; the value `require` gets it into the cache.

import { cachedPath, defaultCacheDir, findOnPath, isExecutable } from "../../src/cli/local-server/locate.ts";

export interface OptionalProgram {
  readonly program: string;
  /** The value of its variable. */
  readonly named: string | undefined;
  /** What is said where there is none. */
  readonly absent: string;
  /** Gets it into the cache; its path there. */
  readonly get: (cacheDir: string, onProgress: (line: string) => void) => Promise<string>;
}

/** Its path; undefined when there is none. Rejects when it is required and cannot be got. */
export async function findOptional({ program, named, absent, get }: OptionalProgram): Promise<string | undefined> {
  const isRequired = named === "require";
  if (named !== undefined && !isRequired) return named;
  const [onPath] = await findOnPath(program, process.env);
  const cacheDir = defaultCacheDir(process.env);
  const cached = cachedPath(cacheDir, program);
  const found = onPath ?? ((await isExecutable(cached)) ? cached : undefined);
  if (found !== undefined || isRequired) return found ?? get(cacheDir, (line) => console.error(line));
  console.error(absent);
  return undefined;
}
