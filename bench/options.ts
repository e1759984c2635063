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
  /** Instead of the scale's own number. */
  readonly rounds: number | undefined;
  /** How many workers `failover.*` kills, instead of the scale's own number. */
  readonly kills: number | undefined;
  /** The folder that the cases with data read. */
  readonly data: string | undefined;
}

export type Command =
  | { readonly kind: "run"; readonly options: BenchOptions }
  | { readonly kind: "help" }
  | { readonly kind: "refused"; readonly reason: string };

/**
 * What the arguments ask for. `known`: the names of all cases; `onlyNamed`: those of them that run only when they are
 * named. A name ending in `.` or `*` stands for its family.
 */
export function readCommand(
  args: readonly string[],
  known: readonly string[],
  onlyNamed: readonly string[] = [],
): Command {
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
  const counts = { rounds: readCount(values.rounds), kills: readCount(values.kills) };
  const odd = (["rounds", "kills"] as const).find((name) => Number.isNaN(counts[name]));
  if (odd !== undefined) {
    return { kind: "refused", reason: `--${odd} must be a whole number of 1 or more, got ${values[odd]}` };
  }
  const names = known.filter((name) => (positionals.length === 0 ? !onlyNamed.includes(name) : wanted.has(name)));
  return {
    kind: "run",
    options: { names, sides, isQuick: values.quick, isJson: values.json, ...counts, data: values.data },
  };
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
        rounds: { type: "string" },
        kills: { type: "string" },
        data: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

/** NaN for what is no whole number of 1 or more. */
function readCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;
}

function matches(pattern: string, name: string): boolean {
  const family = /^(.+?)\.?\*?$/.exec(pattern)?.[1] ?? pattern;
  return pattern === name || (pattern !== name && name.startsWith(`${family}.`));
}

interface Described {
  readonly name: string;
  readonly what: string;
}

/** The text of `--help`. */
export function helpText(
  cases: readonly Described[],
  clusterCases: readonly Described[],
  dataCases: readonly Described[] = [],
): string {
  const width = Math.max(...[...cases, ...clusterCases, ...dataCases].map(({ name }) => name.length));
  const lines = (all: readonly Described[]) =>
    all.map(({ name, what }) => `  ${name.padEnd(width)}  ${what}`).join("\n");
  return `Measures Troupe against the same work written by hand on the official NATS client.

Usage: npm run bench -- [NAMES] [--quick] [--json] [--sides LIST] [--rounds N] [--kills N] [--data DIR]

  ours    Troupe
  raw     the client's plain calls: nc.request, js.publish with expectations, an ordered consumer
  limit   the tightest version by hand: shared inbox, callbacks, no timers, one header

Cases (all when none is named; \`ask\` stands for all that begin with \`ask.\`):
${lines(cases)}

Cases with many workers, Troupe's alone, which run only when they are named:
${lines(clusterCases)}

Cases that read data which is not ours to keep, and run only when they are named:
${lines(dataCases)}

Options:
  --quick        Short rounds: under 90 seconds in all, for the order of magnitude
  --json         One line of JSON per case on standard output
  --sides LIST   Only these sides, e.g. raw,limit; the others' figures are null
  --rounds N     Rounds of a case (3); of \`scale.join\`, how many workers join (5, quick 2)
  --kills N      How many workers \`failover\` kills, freezes or drains (20, quick 3)
  --data DIR     Where the cases with data read it: of \`memory.recall\` a folder of LoCoMo's conversations, as *.json
  -h, --help     This text

The nats-server comes from NATS_SERVER (a path), PATH or the cache, or is fetched. It is private, on a free port of the
loopback interface, with file storage in a folder of its own under TMPDIR.

Examples:
  npm run bench
  npm run bench -- --quick
  npm run bench -- ask.spread tell.spread --json
  npm run bench -- ask --sides raw,limit
  npm run bench -- failover.kill failover.drain --json
  npm run bench -- memory.recall --data ~/locomo --json

Exit codes: 0 all cases ran, 1 a case failed, 2 the arguments are wrong, or the data is not there.
`;
}
