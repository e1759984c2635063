// What all commands have in common: their options, the examples in their help, and what they are run with.

import { Command, InvalidArgumentError, Option } from "commander";
import type { Settings, SharedOptions } from "./settings.ts";
import { poolDefault, resolveSettings } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

/** What a command is run with. */
export interface Shell {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  /** Sets the exit code of a command that does not fail by throwing. */
  setExitCode(code: number): void;
}

export interface CommandHead {
  /** Name and arguments, as in `ask <type> <id> <method> [input]`. */
  readonly usage: string;
  /** What it does, as an order without a full stop. */
  readonly summary: string;
  /** Further sentences for `--help`: what it does in full, then its arguments in capitals. */
  readonly description: string;
  readonly examples: readonly (readonly [command: string, what: string])[];
}

/** A command; `makeProgram` adds the options that all have, behind its own. */
export function makeCommand(head: CommandHead): Command {
  const command = new Command(head.usage.split(" ")[0]);
  const [, ...parts] = head.usage.split(" ");
  for (const part of parts) command.argument(part);
  command.summary(head.summary).description(`${head.summary}.\n\n${head.description}`);
  return command.addHelpText("after", `\n${printExamples(head.examples)}`);
}

const sharedGroup = "Options of all commands:";

export function addSharedOptions(command: Command): Command {
  const shared = new Command()
    .option("--server <url>", "where NATS is (default: NATS_URL, else the server of `troupe dev` in this folder)")
    .option("--app <name>", 'the app\'s name on the server (default: "troupe")')
    .option("--creds <file>", "credentials for the server (.creds)")
    .option("--otlp <url>", "send traces to this OpenTelemetry collector, as in http://127.0.0.1:4318")
    .option("--json", "JSON on standard output, errors as JSON on standard error");
  for (const option of shared.options) command.addOption(option.helpGroup(sharedGroup));
  return command.addHelpOption(new Option("-h, --help", "print this").helpGroup(sharedGroup));
}

export function printExamples(examples: CommandHead["examples"]): string {
  const width = Math.max(...examples.map(([command]) => command.length));
  return `Examples:\n${examples.map(([command, what]) => `  ${command.padEnd(width)}   ${what}`).join("\n")}`;
}

/** The command's options, wherever on the line they stand. */
export function optionsOf<Options extends object>(command: Command): Options & SharedOptions {
  return command.optsWithGlobals();
}

export function settingsOf(command: Command, { env, terminal }: Shell): Promise<Settings> {
  return resolveSettings(optionsOf(command), env, (line) => terminal.remark(line));
}

/** For `option(…, …, collect)`: an option that may be given several times. */
export function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

/** For commands that send to a type by its name: the workers that have a type say which pool it belongs to. */
export const poolOfUnknown = [
  "--pool <name>",
  `the pool of a type that no worker has had yet (default: "${poolDefault}")`,
] as const;

/** For `option(…, …, wholeFrom(1))`. */
export function wholeFrom(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It takes a whole number of ${least} or more.`);
  };
}
