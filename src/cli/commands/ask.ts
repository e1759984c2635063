// `troupe ask`: asks an actor and prints its answer.

import type { Command } from "commander";
import { askTimeoutMsDefault } from "../../runtime/asker.ts";
import type { Shell } from "../command.ts";
import { makeCommand, optionsOf, poolOfUnknown, settingsOf, wholeFrom } from "../command.ts";
import { readJsonArgument } from "../json-argument.ts";
import { withApp } from "../open-app.ts";
import { printJson } from "../text.ts";

interface AskFlags {
  readonly timeout: number;
  readonly key?: string;
}

const head = {
  usage: "ask <type> <id> <method> [input]",
  summary: "Ask an actor and print its answer",
  description:
    "INPUT is JSON; `-` reads it from standard input. The answer is printed as JSON, after the commit that it speaks of.",
  examples: [
    ["troupe ask counter c1 total", "a question without an argument"],
    ["troupe ask counter c1 add 5", "with one"],
    [`troupe ask note n1 write '"milk"'`, "a text is JSON in double quotes"],
    [`troupe ask desk d1 open '{"name":"Ada"}'`, "an object"],
    ["troupe ask desk d1 open - < ada.json", "from a file"],
    ["troupe ask counter c1 add 5 --key order-17", "safe to repeat: the same key gets the same answer, and adds once"],
  ],
} as const;

export function askCommand(shell: Shell): Command {
  return makeCommand(head)
    .option("--timeout <ms>", "how long to wait for the answer", wholeFrom(1), askTimeoutMsDefault)
    .option("--key <key>", "idempotency key, which makes the ask safe to repeat")
    .option(...poolOfUnknown)
    .action(async (type: string, id: string, method: string, text: string | undefined, _flags, command: Command) => {
      const { terminal } = shell;
      const { timeout, key } = optionsOf<AskFlags>(command);
      const input = await readJsonArgument("INPUT", text, process.stdin);
      const settings = await settingsOf(command, shell);
      const answer = await withApp(settings, ({ troupe }) =>
        troupe.untyped(type, id).ask(method, input, {
          timeoutMs: timeout,
          ...(key === undefined ? {} : { idempotencyKey: key }),
        }),
      );
      if (answer === undefined) terminal.remark("(it answered nothing)");
      if (answer !== undefined || terminal.isJson) terminal.print(printJson(answer, terminal.isJson ? 0 : 2));
    });
}
