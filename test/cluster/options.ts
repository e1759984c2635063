// The command line of a run.

import { parseArgs } from "node:util";
import type { RunOptions } from "./run.ts";
import type { Sabotage } from "./sabotage.ts";
import { sabotages } from "./sabotage.ts";
import type { FaultKind } from "./schedule.ts";
import { faultForms, faultKinds, kindsFor } from "./schedule.ts";
import { workloadNames } from "./workloads/workload.ts";

export interface ChaosOptions
  extends Pick<RunOptions, "seed" | "seconds" | "servers" | "workers" | "workloads" | "faults" | "faultEveryMs"> {
  readonly sabotage: Sabotage | undefined;
  readonly isJson: boolean;
  readonly isKept: boolean;
}

export type Command =
  | { readonly kind: "run"; readonly options: ChaosOptions }
  | { readonly kind: "help" }
  | { readonly kind: "refused"; readonly reason: string };

/** What the arguments ask for. `anySeed` is taken when none is named. */
export function readCommand(args: readonly string[], anySeed: number): Command {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: "string" },
        seconds: { type: "string" },
        seed: { type: "string" },
        servers: { type: "string", default: "1" },
        workers: { type: "string", default: "3" },
        workloads: { type: "string" },
        faults: { type: "string" },
        "fault-every": { type: "string", default: "2500" },
        sabotage: { type: "string" },
        json: { type: "boolean", default: false },
        keep: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) return { kind: "help" };
    const seconds =
      values.seconds === undefined
        ? 60 * amount("--minutes", values.minutes ?? "1")
        : amount("--seconds", values.seconds);
    const [servers] = listOf("--servers", values.servers, ["1", "3"]);
    const count = servers === "3" ? 3 : 1;
    const [sabotage] =
      values.sabotage === undefined ? [] : listOf("--sabotage", values.sabotage, Object.keys(sabotages) as Sabotage[]);
    const options: ChaosOptions = {
      ...{ seconds, servers: count, sabotage, isJson: values.json, isKept: values.keep },
      seed: values.seed === undefined ? anySeed : whole("--seed", values.seed, 0),
      workers: whole("--workers", values.workers, 1),
      workloads:
        values.workloads === undefined ? workloadNames : listOf("--workloads", values.workloads, workloadNames),
      faults: values.faults === undefined ? kindsFor(count) : faultsOf(values.faults, kindsFor(count)),
      faultEveryMs: whole("--fault-every", values["fault-every"], 100),
    };
    return { kind: "run", options };
  } catch (thrown) {
    return { kind: "refused", reason: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

const faultsOf = (text: string, known: readonly FaultKind[]) =>
  text === "none" ? [] : listOf("--faults", text, known);

function listOf<Name extends string>(option: string, text: string, known: readonly Name[]): readonly Name[] {
  return text.split(",").map((name) => {
    const found = known.find((each) => each === name);
    if (found === undefined) throw new TypeError(`${option} takes ${known.join(", ")}; got ${JSON.stringify(name)}`);
    return found;
  });
}

function amount(option: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0 && text.trim() !== "") return number;
  throw new TypeError(`${option} takes a number above 0, got ${JSON.stringify(text)}`);
}

function whole(option: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least && text.trim() !== "") return number;
  throw new TypeError(`${option} takes a whole number of ${least} or more, got ${JSON.stringify(text)}`);
}

export function helpText(): string {
  const width = Math.max(...faultKinds.map((kind) => kind.length));
  return `Runs worker processes and nats-servers under load while they are killed, frozen and cut off, and counts what is lost.

Usage: npm run chaos -- [--minutes N | --seconds N] [--seed S] [--servers 1|3] [--workers N]

Options:
  --minutes N         How long faults are made. Default 1
  --seconds N         The same in seconds
  --seed S            Decides faults and what clients do. Default: another one each time; it is printed
  --servers 1|3       One nats-server, or a cluster of three with three copies of each stream. Default 1
  --workers N         Worker processes when nothing is wrong. Default 3
  --workloads LIST    Of ${workloadNames.join(", ")}. Default: all
  --faults LIST       Only these, or "none". Default: all that make sense for the servers
  --fault-every MS    Mean time between the beginnings of two faults. Unit: ms. Default 2500
  --sabotage NAME     Breaks the workers on purpose, to see that it is noticed
  --json              One JSON object on standard output instead of the table
  --keep              Keeps journal, logs and stores also when all promises held
  -h, --help          This text

Faults:
${faultKinds.map((kind) => `  ${kind.padEnd(width)}  ${faultForms[kind].what}`).join("\n")}

Sabotage:
${Object.entries(sabotages)
  .map(([name, what]) => `  ${name.padEnd(width)}  ${what}`)
  .join("\n")}

Everything is private: free ports of the loopback, a folder under TMPDIR that is kept when a promise was broken.

Examples:
  npm run chaos -- --minutes 10 --seed 7
  npm run chaos -- --minutes 10 --seed 8 --servers 3
  npm run chaos -- --seconds 30 --faults freeze-worker,mute-worker --workloads registers
  npm run chaos -- --seconds 20 --sabotage blind-store --faults freeze-worker

Exit codes: 0 all promises held, 1 one was broken, 2 the arguments are wrong.
`;
}
