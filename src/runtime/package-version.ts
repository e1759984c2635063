// Which version of the package this is.

import { readFileSync } from "node:fs";

let known: string | undefined;

/** As `package.json` says it, which is somewhere above: from the source as from the package. "0.0.0" when it is nowhere. */
export function packageVersion(): string {
  known ??= readVersion();
  return known;
}

function readVersion(): string {
  for (const up of ["../../", "../../../"]) {
    try {
      const text = readFileSync(new URL(`${up}package.json`, import.meta.url), "utf8");
      return (JSON.parse(text) as { version?: string }).version ?? "0.0.0";
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") throw thrown;
    }
  }
  return "0.0.0";
}
