// `troupe watch`: changes as they come.

import type { Command } from "commander";
import type { Shell } from "../command.ts";
import { makeCommand, optionsOf, settingsOf, wholeFrom } from "../command.ts";
import { withApp } from "../open-app.ts";
import { changeJson, printChange } from "../print/change.ts";
import { stopOnSignals } from "../stop.ts";

interface WatchFlags {
  readonly count?: number;
  readonly new?: boolean;
}

const head = {
  usage: "watch [pattern]",
  summary: "Print changes of actors as they come",
  description:
    "PATTERN is over `type.id`: `*` stands for one part, `>` for all that follows (default: every actor). A type alone " +
    "means all of its actors. First comes what stands now, then each change as a JSON patch (RFC 6902). After a break of " +
    "the connection it goes on where it was. Characters of ids outside of [A-Za-z0-9_-] are written =XX in patterns.",
  examples: [
    ["troupe watch", "every actor"],
    ["troupe watch counter", "the counters"],
    ["troupe watch counter.c1 --new", "one of them, only what changes from now on"],
    ["troupe watch 'customer.*' --count 10", "ends by itself after ten changes"],
    ["troupe watch --json | jq -c '[.id, .patch]'", "one JSON document for each change"],
  ],
} as const;

export function watchCommand(shell: Shell): Command {
  return makeCommand(head)
    .option("--count <n>", "end after that many changes", wholeFrom(1))
    .option("--new", "leave out what stands now")
    .action(async (pattern: string | undefined, _flags, command: Command) => {
      const { terminal } = shell;
      const flags = optionsOf<WatchFlags>(command);
      const stop = stopOnSignals();
      const settings = await settingsOf(command, shell);
      await withApp(settings, async ({ troupe }) => {
        if (terminal.isWatched) terminal.remark(terminal.paintError("dim", "watching; Ctrl-C ends it"));
        let left = flags.count ?? Number.POSITIVE_INFINITY;
        for await (const change of troupe.watch(patternOf(pattern), { signal: stop })) {
          if (flags.new === true && change.kind === "committed" && change.isSnapshot) continue;
          terminal.print(
            terminal.isJson ? JSON.stringify(changeJson(change)) : printChange(change, terminal.paint, terminal.width),
          );
          left -= 1;
          if (left <= 0) return;
        }
      });
    });
}

/** A type alone means all of its actors. */
export function patternOf(pattern: string | undefined): string {
  if (pattern === undefined) return ">";
  return /^[A-Za-z][A-Za-z0-9_-]*$/.test(pattern) ? `${pattern}.*` : pattern;
}
