// `troupe history`: the committed values of an actor that are kept, as what changed from each to the next.

import type { Command } from "commander";
import type { Shell } from "../command.ts";
import { makeCommand, settingsOf } from "../command.ts";
import { withApp } from "../open-app.ts";
import { changeJson, printChange } from "../print/change.ts";
import { noValue } from "./get.ts";

const head = {
  usage: "history <type> <id>",
  summary: "Print an actor's revisions, with what each changed",
  description:
    "The server keeps the last committed values of each actor (8, if nothing else was said when the app was made). The " +
    "first of them is shown whole, the others as JSON patches (RFC 6902).",
  examples: [
    ["troupe history counter c1", "revisions, oldest first"],
    ["troupe history counter c1 --json | jq '.changes[-1].patch'", "the last change"],
  ],
} as const;

export function historyCommand(shell: Shell): Command {
  return makeCommand(head).action(async (type: string, id: string, _flags, command: Command) => {
    const { terminal } = shell;
    const settings = await settingsOf(command, shell);
    const changes = await withApp(settings, ({ troupe }) => troupe.untyped(type, id).history());
    if (changes.length === 0) throw noValue(type, id);
    if (terminal.isJson) return terminal.print(JSON.stringify({ type, id, changes: changes.map(changeJson) }));
    for (const change of changes) terminal.print(printChange(change, terminal.paint, terminal.width));
  });
}
