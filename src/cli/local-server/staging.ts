// How a fetched program gets into the cache, whoever else is fetching it at the same time.
//
//   S1. A program appears in the cache whole or not at all: it is prepared in a folder of its own beside it, and renamed.
//   S2. One process fetches and the others wait for it. That saves work; S1 holds also when it fails to.

import { chmod, mkdir, mkdtemp, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { delay, systemClock } from "../../core/clock.ts";
import { cachedPath } from "./locate.ts";
import { isRunning } from "./process-running.ts";

/** A fetch that took longer is given up on by those who wait for it. Unit: ms. */
const fetchMsMax = 15 * 60_000;
const lookEveryMs = 200;

export interface Staging extends AsyncDisposable {
  /** An empty folder on the cache's file system. */
  readonly folder: string;
  /** Makes the file at `path`, which lies in `folder`, the cached `program` (S1). Returns where it is now. */
  install(path: string, program: string): Promise<string>;
}

export async function openStaging(cacheDir: string): Promise<Staging> {
  await mkdir(cacheDir, { recursive: true });
  const folder = await mkdtemp(join(cacheDir, "fetch-"));
  return {
    folder,
    install: async (path, program) => {
      const target = cachedPath(cacheDir, program);
      await mkdir(dirname(target), { recursive: true });
      await chmod(path, 0o755);
      await rename(path, target);
      return target;
    },
    [Symbol.asyncDispose]: async () => {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until no other process fetches `program`, then runs `work` while the others wait (S2). */
export async function fetchAlone<T>(
  cacheDir: string,
  program: string,
  onProgress: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(cacheDir, { recursive: true });
  const note = join(cacheDir, `${program}.fetching`);
  const giveUpAtMs = systemClock.monotonicMs() + fetchMsMax;
  let hasSaid = false;
  while (!(await tryTakeNote(note)) && systemClock.monotonicMs() < giveUpAtMs) {
    if (await isStale(note)) await rm(note, { force: true });
    else {
      if (!hasSaid) onProgress(`another process is fetching ${program}, waiting for it`);
      hasSaid = true;
      await delay(systemClock, lookEveryMs);
    }
  }
  try {
    return await work();
  } finally {
    await rm(note, { force: true });
  }
}

async function tryTakeNote(note: string): Promise<boolean> {
  try {
    await using file = await open(note, "wx");
    await file.writeFile(String(process.pid));
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw thrown;
  }
}

/** Whoever wrote the note is gone, or has been at it for too long. */
async function isStale(note: string): Promise<boolean> {
  try {
    if (Date.now() - (await stat(note)).mtimeMs > fetchMsMax) return true;
    const pid = Number(await readFile(note, "utf8"));
    // The note is created first and written to an instant later.
    if (!(pid > 0)) return false;
    return !isRunning(pid);
  } catch (thrown) {
    // Removed since: not stale, free.
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw thrown;
  }
}
