import { statSync } from "node:fs";

/** What a file looked like; undefined when it is not there. A change of its content changes this. */
export function signatureOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.mtimeMs} ${stats.size} ${stats.ino}`;
}
