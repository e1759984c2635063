// `troupe resume`: starts a stopped actor again.

import type { Command } from "commander";
import { printAddress } from "../../core/ids.ts";
import type { Shell } from "../command.ts";
import { makeCommand, optionsOf, settingsOf, wholeFrom } from "../command.ts";
import { withApp } from "../open-app.ts";
import { printable } from "../text.ts";

const head = {
  usage: "resume <type> <id>",
  summary: "Start a stopped actor again",
  description:
    "An actor whose supervision has stopped it takes nothing, and its mail waits; `troupe get` says why it stopped. " +
    "It goes on with the message that it stopped at. Remove the cause first, or leave that message out with --skip.",
  examples: [
    ["troupe resume desk d1", "goes on where it stopped"],
    ["troupe resume desk d1 --skip", "keeps the message that it stopped at as a dead letter; a task ends as failed"],
  ],
} as const;

export function resumeCommand(shell: Shell): Command {
  return makeCommand(head)
    .option("--skip", "keep the message that it stopped at as a dead letter", false)
    .option("--timeout <ms>", "how long to wait for the worker", wholeFrom(1), 10_000)
    .action(async (type: string, id: string, _flags, command: Command) => {
      const { terminal } = shell;
      const { skip, timeout } = optionsOf<{ skip: boolean; timeout: number }>(command);
      const settings = await settingsOf(command, shell);
      const outcome = await withApp(settings, ({ troupe }) =>
        troupe.untyped(type, id).resume({ skip, timeoutMs: timeout }),
      );
      const name = printable(printAddress({ type, id }));
      const text = outcome === "resumed" ? `${name} is started again` : `${name} was not stopped`;
      terminal.print(terminal.isJson ? JSON.stringify({ outcome }) : text);
    });
}
