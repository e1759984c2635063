// `troupe dead`: messages that were given up on, with the reason, and the ways out.

import type { Command } from "commander";
import { count } from "../../core/amounts.ts";
import { isTroupeError } from "../../core/errors.ts";
import { checkName } from "../../core/ids.ts";
import type { BuriedMail, DeadFilter } from "../../runtime/dead-letters.ts";
import { dropDeadLetter, readDeadLetter, readDeadLetters, replayDeadLetter } from "../../runtime/dead-letters.ts";
import type { Shell } from "../command.ts";
import { makeCommand, optionsOf, poolOfUnknown, settingsOf, wholeFrom } from "../command.ts";
import { CommandFailure, usage } from "../failure.ts";
import type { OpenApp } from "../open-app.ts";
import { withApp } from "../open-app.ts";
import { letterJson, printLetter, printLetters } from "../print/dead.ts";

interface FilterFlags {
  readonly type?: string;
  readonly code?: string;
}
interface ListFlags extends FilterFlags {
  readonly limit: number;
  readonly from: number;
}
interface ManyFlags extends FilterFlags {
  readonly all: boolean;
  readonly yes: boolean;
}

/** Letters that `--all` takes at a time: those that came meanwhile are left for the next call. */
const allMax = 100_000;
const progressEvery = 100;

const head = {
  usage: "dead",
  summary: "List messages that were given up on, and send them again",
  description: "A message that fails again and again is kept as a dead letter, with the reason, and blocks nobody.",
  examples: [
    ["troupe dead", "the first hundred, oldest first: the same as `troupe dead ls`"],
    ["troupe dead show 17", "all of one"],
    ["troupe dead replay 17", "puts it into its actor's mailbox again"],
    ["troupe dead drop 17", "forgets it"],
  ],
} as const;

const listHead = {
  usage: "ls",
  summary: "List dead letters, oldest first",
  description: "Each with its number, its actor, its argument and the reason why it was given up on.",
  examples: [
    ["troupe dead ls --from 240", "those from a number on"],
    ["troupe dead ls --type desk --code HANDLER_FAILED", "some of them"],
    ["troupe dead ls --json | jq '.letters[].code'", "for a program"],
  ],
} as const;

const showHead = {
  usage: "show <number>",
  summary: "Print all of a dead letter",
  description: "Its argument and the reason in full, and the trace that leads to the run that failed last.",
  examples: [["troupe dead show 17", "the one that `troupe dead ls` lists as 17"]],
} as const;

const replayHead = {
  usage: "replay [numbers...]",
  summary: "Put dead letters into their actors' mailboxes again",
  description:
    "Each is taken off the list once the server has it in the mailbox, behind what waits there already. Correct what they " +
    "failed at first.",
  examples: [
    ["troupe dead replay 17 18", "two of them"],
    ["troupe dead replay --all --type desk --yes", "all of one actor type"],
  ],
} as const;

const dropHead = {
  usage: "drop [numbers...]",
  summary: "Forget dead letters",
  description: "Nothing brings them back.",
  examples: [
    ["troupe dead drop 17", "one"],
    ["troupe dead drop --all --code INPUT_INVALID --yes", "all that their actors refused"],
  ],
} as const;

export function deadCommand(shell: Shell): Command {
  const list = withFilter(makeCommand(listHead))
    .option("--limit <n>", "messages to list at most", wholeFrom(1), 100)
    .option("--from <number>", "leave out those before that number", wholeFrom(1), 1)
    .action(async (_flags, self: Command) => listLetters(shell, self));
  const show = makeCommand(showHead).action(async (text: string, _flags, self: Command) => {
    const [number = 0] = numbersOf([text]);
    const settings = await settingsOf(self, shell);
    const letter = await withApp(settings, ({ inspector }) => find(inspector, number));
    const { terminal } = shell;
    terminal.print(
      terminal.isJson ? JSON.stringify(letterJson(letter)) : printLetter(letter, Date.now(), terminal.paint),
    );
  });
  const replay = manyCommand(shell, replayHead, "replayed", async ({ inspector, troupe }, letter) => {
    const { mail, partitionOf } = await troupe.routeOfType(letter.key.split(".")[0] ?? "");
    return { sequence: await replayDeadLetter(inspector, mail, partitionOf(letter.key), letter) };
  }).option(...poolOfUnknown);
  const drop = manyCommand(shell, dropHead, "dropped", async ({ inspector }, { sequence }) => {
    await dropDeadLetter(inspector, sequence);
    return {};
  });
  return makeCommand(head).addCommand(list, { isDefault: true }).addCommand(show).addCommand(replay).addCommand(drop);
}

function withFilter(command: Command): Command {
  return command
    .option("--type <type>", "only those of an actor type")
    .option("--code <code>", "only those that were given up on with this code");
}

function filterOf({ type, code }: FilterFlags): DeadFilter {
  return { type: type === undefined ? undefined : checkName("an actor type", type), code };
}

async function listLetters(shell: Shell, command: Command): Promise<void> {
  const { terminal } = shell;
  const flags = optionsOf<ListFlags>(command);
  const filter = filterOf(flags);
  const settings = await settingsOf(command, shell);
  const { letters, total } = await withApp(settings, async ({ inspector, facts }) => ({
    letters: await readDeadLetters(inspector, flags.from, flags.limit, filter),
    total: facts.streams.find(({ role }) => role === "dead")?.messages ?? 0,
  }));
  terminal.print(
    terminal.isJson
      ? JSON.stringify({ total, letters: letters.map(letterJson) })
      : printLetters(letters, total, Date.now(), terminal.paint, terminal.width),
  );
}

/** A command that does something to each of the letters that are named, or to all that fit. */
function manyCommand(
  shell: Shell,
  its: typeof replayHead | typeof dropHead,
  done: "replayed" | "dropped",
  act: (app: OpenApp, letter: BuriedMail) => Promise<{ readonly sequence?: number }>,
): Command {
  return withFilter(makeCommand(its))
    .option("--all", "all that the other options leave", false)
    .option("--yes", "with --all: do it, not only count", false)
    .action(async (texts: readonly string[], _flags, self: Command) => {
      const { terminal } = shell;
      const flags = optionsOf<ManyFlags>(self);
      const numbers = chosen(texts, flags);
      const settings = await settingsOf(self, shell);
      const report = await withApp(settings, async (app) => {
        const letters = await lettersOf(app, numbers, flags);
        const failed: { number: number; code: string; message: string }[] = [];
        const well: { number: number; sequence?: number }[] = [];
        for (const letter of letters) {
          const number = letter.sequence;
          try {
            well.push({ number, ...(await act(app, letter)) });
          } catch (thrown) {
            if (letters.length === 1 || !isTroupeError(thrown) || thrown.code === "SERVER_UNREACHABLE") throw thrown;
            failed.push({ number, code: thrown.code, message: thrown.message });
          }
          const dealtWith = well.length + failed.length;
          if (dealtWith % progressEvery === 0) terminal.remark(`${dealtWith} of ${letters.length}`);
        }
        return { well, failed };
      });
      for (const { message } of report.failed) terminal.remark(message);
      const rest = report.failed.length === 0 ? "" : `, ${report.failed.length} not`;
      terminal.print(
        terminal.isJson
          ? JSON.stringify({ [done]: report.well, failed: report.failed })
          : `${count(report.well.length, "dead letter")} ${done}${rest}`,
      );
      if (report.failed.length > 0) shell.setExitCode(1);
    });
}

/** The numbers that are named; undefined for --all. */
function chosen(texts: readonly string[], { all, type, code }: ManyFlags): readonly number[] | undefined {
  if (all && texts.length === 0) return undefined;
  if (all) throw usage("name the dead letters or say --all, not both");
  if (type !== undefined || code !== undefined) throw usage("--type and --code go with --all");
  if (texts.length === 0) throw usage("no dead letter is named", "Name some by number, or all that fit with --all.");
  return numbersOf(texts);
}

function numbersOf(texts: readonly string[]): readonly number[] {
  const wrong = texts.find((text) => !/^[1-9]\d{0,15}$/.test(text));
  if (wrong === undefined) return [...new Set(texts.map(Number))].sort((a, b) => a - b);
  throw usage(`NUMBER must be one that \`troupe dead ls\` lists, got ${JSON.stringify(wrong)}`);
}

async function lettersOf(
  { inspector }: OpenApp,
  numbers: readonly number[] | undefined,
  flags: ManyFlags,
): Promise<readonly BuriedMail[]> {
  if (numbers !== undefined) return Promise.all(numbers.map((number) => find(inspector, number)));
  const letters = await readDeadLetters(inspector, 1, allMax, filterOf(flags));
  if (flags.yes || letters.length === 0) return letters;
  throw usage(`that is ${count(letters.length, "dead letter")}`, "Say --yes to do it.");
}

async function find(inspector: OpenApp["inspector"], number: number): Promise<BuriedMail> {
  const letter = await readDeadLetter(inspector, number);
  if (letter !== undefined) return letter;
  const text = `there is no dead letter ${number}`;
  throw new CommandFailure("LETTER_NOT_FOUND", text, "List them with `troupe dead ls`.");
}
