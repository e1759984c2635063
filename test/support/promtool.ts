// Prometheus' own promtool, which says what rules and configurations mean: a rule is true when series that are put in bring out the
// alerts that are expected. TROUPE_PROMTOOL (optional-program.ts) `=require` fetches Debian's package (20 MB). Its licence is Apache-2.0.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { fetchDebian } from "../../src/cli/local-server/fetch-debian.ts";
import { cachedPath, isExecutable } from "../../src/cli/local-server/locate.ts";
import { fetchAlone, openStaging } from "../../src/cli/local-server/staging.ts";
import { findOptional } from "./optional-program.ts";

const program = "promtool";
const runMsMax = 60_000;
const outputBytesMax = 16 * 1024 * 1024;

/** Its path; undefined when there is none. Rejects when it is required and cannot be fetched. */
export function findPromtool(): Promise<string | undefined> {
  const { TROUPE_PROMTOOL: named } = process.env;
  const absent = "no promtool here: the alert rules are not evaluated (TROUPE_PROMTOOL=require fetches it from Debian)";
  return findOptional({ program, named, absent, get: fetchPromtool });
}

/** What it says. Rejects when it finds a fault, with all that it says of it. */
export async function promtool(path: string, args: readonly string[]): Promise<string> {
  const options = { timeout: runMsMax, maxBuffer: outputBytesMax };
  try {
    const { stdout } = await promisify(execFile)(path, args, options);
    return stdout;
  } catch (thrown) {
    const { stdout = "", stderr = "" } = thrown as { readonly stdout?: string; readonly stderr?: string };
    throw new Error(`promtool ${args.slice(0, 2).join(" ")}: ${stdout}${stderr}`);
  }
}

function fetchPromtool(cacheDir: string, onProgress: (line: string) => void): Promise<string> {
  const cached = cachedPath(cacheDir, program);
  return fetchAlone(cacheDir, program, onProgress, async () => {
    // Another process may have fetched it while this one waited.
    if (await isExecutable(cached)) return cached;
    await using staging = await openStaging(cacheDir);
    const context = { env: process.env, folder: staging.folder, onProgress };
    // A package of its own since Debian 13.
    const wanted = { suite: await ownSuite(), names: [program, "prometheus"], program };
    const outcome = await fetchDebian(context, undefined, wanted);
    if (outcome.kind === "failed") throw new Error(`promtool cannot be fetched: ${outcome.reason}`);
    return await staging.install(outcome.path, program);
  });
}

/** The release of this machine: its programs run with this machine's libraries. */
async function ownSuite(): Promise<string> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  return /^VERSION_CODENAME=(\w+)$/m.exec(text)?.[1] ?? "stable";
}
