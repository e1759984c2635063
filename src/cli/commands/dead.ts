// `troupe dead`: messages that were given up on, with the reason, and the way back.

import type { Command } from "commander";
import { addressOf } from "../../core/ids.ts";
import type { BuriedMail } from "../../runtime/dead-letters.ts";
import { readDeadLetter, readDeadLetters, resendDeadLetter } from "../../runtime/dead-letters.ts";
import type { Shell } from "../command.ts";
import { makeCommand, optionsOf, poolOfUnknown, settingsOf, wholeFrom } from "../command.ts";
import { CommandFailure, usage } from "../failure.ts";
import { withApp } from "../open-app.ts";
import { letterJson, printLetters } from "../print/dead.ts";

interface DeadFlags {
  readonly limit: number;
  readonly from: number;
}

const head = {
  usage: "dead",
  summary: "List messages that were given up on, and send them again",
  description: "A message that fails again and again is kept here with the reason, and blocks nobody.",
  examples: [
    ["troupe dead", "the first hundred, oldest first"],
    ["troupe dead --from 240", "those from a number on"],
    ["troupe dead resend 17", "puts one into its actor's mailbox again, and takes it off this list"],
    ["troupe dead --json | jq '.letters[].code'", "for a program"],
  ],
} as const;

const resendHead = {
  usage: "resend <number>",
  summary: "Put a message into its actor's mailbox again",
  description: "It is taken off the list once the server has it in the mailbox. Correct what it failed at first.",
  examples: [["troupe dead resend 17", "the one that `troupe dead` lists as 17"]],
} as const;

export function deadCommand(shell: Shell): Command {
  const command = makeCommand(head)
    .option("--limit <n>", "messages to list at most", wholeFrom(1), 100)
    .option("--from <number>", "leave out those before that number", wholeFrom(1), 1)
    .action(async (_flags, self: Command) => list(shell, self));
  return command.addCommand(
    makeCommand(resendHead)
      .option(...poolOfUnknown)
      .action(async (text: string, _flags, self: Command) => resend(shell, self, text)),
  );
}

async function list(shell: Shell, command: Command): Promise<void> {
  const { terminal } = shell;
  const { limit, from } = optionsOf<DeadFlags>(command);
  const settings = await settingsOf(command, shell);
  const { letters, total } = await withApp(settings, async ({ inspector, facts }) => ({
    letters: await readDeadLetters(inspector, from, limit),
    total: facts.streams.find(({ role }) => role === "dead")?.messages ?? 0,
  }));
  terminal.print(
    terminal.isJson
      ? JSON.stringify({ total, letters: letters.map(letterJson) })
      : printLetters(letters, total, Date.now(), terminal.paint, terminal.width),
  );
}

async function resend(shell: Shell, command: Command, text: string): Promise<void> {
  const { terminal } = shell;
  if (!/^[1-9]\d*$/.test(text))
    throw usage(`NUMBER must be one that \`troupe dead\` lists, got ${JSON.stringify(text)}`);
  const number = Number(text);
  const settings = await settingsOf(command, shell);
  const { letter, sequence } = await withApp(settings, async ({ inspector, troupe }) => {
    const found = await readDeadLetter(inspector, number);
    if (found === undefined) throw notThere(number);
    const { mail, partitionOf } = await troupe.routeOfType(found.key.split(".")[0] ?? "");
    const sequence = await resendDeadLetter(inspector, mail, partitionOf(found.key), found);
    return { letter: found, sequence };
  });
  terminal.print(terminal.isJson ? JSON.stringify({ number, sequence }) : `${nameOf(letter)}: stored, as ${sequence}`);
}

function nameOf({ key, method }: BuriedMail): string {
  const address = addressOf(key);
  return address === undefined ? key : `${address.type}/${address.id} ${method}`;
}

function notThere(number: number): CommandFailure {
  return new CommandFailure("LETTER_NOT_FOUND", `there is no dead letter ${number}`, "List them with `troupe dead`.");
}
