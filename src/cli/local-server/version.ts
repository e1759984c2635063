// Which version a nats-server binary has, and whether that is new enough.

import { run } from "./run.ts";

/** The oldest nats-server that has what Troupe uses: message schedules, per-key time to live, batches. */
export const versionMin = "2.14.0";

export type VersionOutcome =
  | { readonly kind: "version"; readonly version: string }
  | { readonly kind: "failed"; readonly reason: string };

/** Asks the binary itself (`--version`). */
export async function readVersion(path: string): Promise<VersionOutcome> {
  const outcome = await run(path, ["--version"], { timeoutMs: 15_000 });
  if (outcome.kind === "failed") return outcome;
  const version = /\bv?(\d+\.\d+\.\d+)/.exec(outcome.output)?.[1];
  if (version !== undefined) return { kind: "version", version };
  return {
    kind: "failed",
    reason: `${path} --version says no version: ${JSON.stringify(outcome.output.slice(0, 100))}`,
  };
}

/** True when `version` is `least` or newer. Both are `major.minor.patch`. */
export function isAtLeast(version: string, least: string): boolean {
  const [have, want] = [version, least].map((text) => text.split(".").map(Number));
  for (let at = 0; at < 3; at += 1) {
    const difference = (have?.[at] ?? 0) - (want?.[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
