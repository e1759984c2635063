// `troupe tell`: puts a message into an actor's mailbox.

import type { Command } from "commander";
import type { Shell } from "../command.ts";
import { makeCommand, optionsOf, poolOfUnknown, settingsOf, wholeFrom } from "../command.ts";
import { readJsonArgument } from "../json-argument.ts";
import { withApp } from "../open-app.ts";

const head = {
  usage: "tell <type> <id> <method> [input]",
  summary: "Tell an actor something, and do not wait for it",
  description:
    "Ends when the server has stored the message; it is then handled exactly once, also when no worker runs now. What " +
    "cannot be handled is kept with the reason: `troupe dead`. INPUT is JSON; `-` reads it from standard input.",
  examples: [
    ["troupe tell counter c1 add 5", "a number"],
    [`troupe tell note n1 write '"milk"'`, "a text is JSON in double quotes"],
    [`troupe tell desk d1 open '{"name":"Ada"}'`, "an object"],
    ["troupe tell desk d1 open - < ada.json", "from a file"],
  ],
} as const;

export function tellCommand(shell: Shell): Command {
  return makeCommand(head)
    .option("--timeout <ms>", "how long to wait for the server", wholeFrom(1), 10_000)
    .option(...poolOfUnknown)
    .action(async (type: string, id: string, method: string, text: string | undefined, _flags, command: Command) => {
      const { terminal } = shell;
      const { timeout } = optionsOf<{ timeout: number }>(command);
      const input = await readJsonArgument("INPUT", text, process.stdin);
      const settings = await settingsOf(command, shell);
      const { sequence } = await withApp(settings, ({ troupe }) =>
        troupe.untyped(type, id).tell(method, input, { timeoutMs: timeout }),
      );
      terminal.print(terminal.isJson ? JSON.stringify({ sequence }) : `stored, as number ${sequence} of the mail`);
    });
}
