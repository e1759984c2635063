// The bench's command line.

import { parseArgs } from "node:util";
import type { SideName } from "./side.ts";
import { sideNames } from "./side.ts";

export interface BenchOptions {
  /** Names of cases, in the order in which they are known. */
  readonly names: readonly string[];
  readonly sides: readonly SideName[];
  readonly isQuick: boolean;
  readonly isJson: boolean;
}

export type Command =
  | { readonly kind: "run"; readonly options: BenchOptions }
  | { readonly kind: "help" }
  | { readonly kind: "refused"; readonly reason: string };

/** What the arguments ask for. `known`: the names of all cases. A name ending in `.` or `*` stands for its family. */
export function readCommand(args: readonly string[], known: readonly string[]): Command {
  const parsed = tryParse(args);
  if (typeof parsed === "string") return { kind: "refused", reason: parsed };
  const { values, positionals } = parsed;
  if (values.help) return { kind: "help" };

  const wanted = new Set<string>();
  for (const pattern of positionals.flatMap((argument) => argument.split(","))) {
    const found = known.filter((name) => matches(pattern, name));
    if (found.length === 0) {
      return { kind: "refused", reason: `no case is called ${pattern}; there are: ${known.join(", ")}` };
    }
    for (const name of found) wanted.add(name);
  }
  const sides = sideNames.filter((side) => values.sides === undefined || values.sides.split(",").includes(side));
  const strange = (values.sides?.split(",") ?? []).find((side) => !sideNames.some((name) => name === side));
  if (strange !== undefined) {
    return { kind: "refused", reason: `no side is called ${strange}; there are: ${sideNames.join(", ")}` };
  }
  const names = known.filter((name) => positionals.length === 0 || wanted.has(name));
  return { kind: "run", options: { names, sides, isQuick: values.quick, isJson: values.json } };
}

function tryParse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        sides: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

function matches(pattern: string, name: string): boolean {
  const family = /^(.+?)\.?\*?$/.exec(pattern)?.[1] ?? pattern;
  return pattern === name || (pattern !== name && name.startsWith(`${family}.`));
}

/** The text of `--help`. `cases`: name and what it measures. */
export function helpText(cases: readonly { readonly name: string; readonly what: string }[]): string {
  const width = Math.max(...cases.map(({ name }) => name.length));
  return `Measures Troupe against the same work written by hand on the official NATS client.

Usage: npm run bench -- [NAMES] [--quick] [--json] [--sides LIST]

  ours    Troupe
  raw     the client's plain calls: nc.request, js.publish with expectations, an ordered consumer
  limit   the tightest version by hand: shared inbox, callbacks, no timers, one header

Cases (all when none is named; \`ask\` stands for all that begin with \`ask.\`):
${cases.map(({ name, what }) => `  ${name.padEnd(width)}  ${what}`).join("\n")}

Options:
  --quick        Short rounds: under 90 seconds in all, for the order of magnitude
  --json         One line of JSON per case on standard output
  --sides LIST   Only these sides, e.g. raw,limit; the others' figures are null
  -h, --help     This text

The nats-server comes from NATS_SERVER (a path), PATH or the cache, or is fetched. It is private, on a free port of the
loopback interface, with file storage in a folder of its own under TMPDIR.

Examples:
  npm run bench
  npm run bench -- --quick
  npm run bench -- ask.spread tell.spread --json
  npm run bench -- ask --sides raw,limit

Exit codes: 0 all cases ran, 1 a case failed, 2 the arguments are wrong.
`;
}
