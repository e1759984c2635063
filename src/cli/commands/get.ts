// `troupe get`: an actor's committed value.

import type { Command } from "commander";
import { printAddress } from "../../core/ids.ts";
import type { Shell } from "../command.ts";
import { makeCommand, settingsOf } from "../command.ts";
import { CommandFailure } from "../failure.ts";
import { withApp } from "../open-app.ts";
import { committedJson, printCommitted } from "../print/committed.ts";
import { printable } from "../text.ts";

const head = {
  usage: "get <type> <id>",
  summary: "Print an actor's state, revision and trace",
  description:
    "Reads the committed value from the server: no worker has to run, and the actor is not disturbed.\n" +
    "The trace leads to what caused it.",
  examples: [
    ["troupe get counter c1", "state, revision, trace, epoch, when"],
    ["troupe get counter c1 --json | jq .state.count", "for a program"],
    ["nats kv get troupe_state counter.c1", "the same with the nats command: all that is stored"],
  ],
} as const;

export function getCommand(shell: Shell): Command {
  return makeCommand(head).action(async (type: string, id: string, _flags, command: Command) => {
    const { terminal } = shell;
    const settings = await settingsOf(command, shell);
    const committed = await withApp(settings, ({ troupe }) => troupe.untyped(type, id).get());
    if (committed === undefined) throw noValue(type, id);
    terminal.print(
      terminal.isJson
        ? JSON.stringify(committedJson(committed))
        : printCommitted(committed, Date.now(), terminal.paint),
    );
  });
}

export function noValue(type: string, id: string): CommandFailure {
  return new CommandFailure(
    "ACTOR_NOT_FOUND",
    `${printable(printAddress({ type, id }))} has no committed value`,
    "It gets one with the first message that changes it. `troupe ps` lists the actors that have one.",
  );
}
