// `troupe get`: an actor's committed value.

import type { Command } from "commander";
import { keyOf, printAddress } from "../../core/ids.ts";
import { readCommitted } from "../../runtime/changes.ts";
import { loadActor } from "../actor-file.ts";
import type { Shell } from "../command.ts";
import { makeCommand, optionsOf, settingsOf } from "../command.ts";
import { CommandFailure } from "../failure.ts";
import { withApp } from "../open-app.ts";
import { committedJson, printCommitted } from "../print/committed.ts";
import { printable } from "../text.ts";

const head = {
  usage: "get <type> <id>",
  summary: "Print an actor's state, revision and trace",
  description:
    "Reads the committed value from the server: no worker has to run, and the actor is not disturbed. " +
    "The trace leads to what caused it. With --actors the state is shown as that file's upcasters lead it to today's form.",
  examples: [
    ["troupe get counter c1", "state, revision, trace, epoch, when"],
    ["troupe get counter c1 --json | jq .state.count", "for a program"],
    ["troupe get counter c1 --actors actors.ts", "an old state as the code of today reads it"],
    ["nats kv get troupe_state counter.c1", "the same with the nats command: all that is stored"],
  ],
} as const;

export function getCommand(shell: Shell): Command {
  return makeCommand(head)
    .option("--actors <file>", "the file of actors that defines the type")
    .action(async (type: string, id: string, _flags, command: Command) => {
      const { terminal } = shell;
      const { actors } = optionsOf<{ actors?: string }>(command);
      const definition = actors === undefined ? undefined : await loadActor(actors, type);
      const settings = await settingsOf(command, shell);
      const committed = await withApp(settings, async ({ troupe }) => {
        if (definition === undefined) return troupe.untyped(type, id).get();
        const entry = await troupe.ports.state.get(keyOf({ type, id }));
        return entry === undefined ? undefined : readCommitted(entry, definition);
      });
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
