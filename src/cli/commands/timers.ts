// `troupe timers`: the timers that stand in the actors' committed values.

import type { Command } from "commander";
import { addressOf } from "../../core/ids.ts";
import { readCommitted } from "../../runtime/changes.ts";
import type { Troupe } from "../../runtime/client.ts";
import type { Shell } from "../command.ts";
import { makeCommand, optionsOf, settingsOf, wholeFrom } from "../command.ts";
import { withApp } from "../open-app.ts";
import type { TimerRow } from "../print/timers.ts";
import { printTimerRows, rowsOf } from "../print/timers.ts";
import { patternOf } from "./watch.ts";

const head = {
  usage: "timers [pattern]",
  summary: "List the timers that actors have set",
  description:
    "Shows what each timer tells its actor, and when next. Reads the committed values: no worker has to run. " +
    "The server fires timers also while no worker is alive. PATTERN is over `type.id`, as for `troupe watch`.",
  examples: [
    ["troupe timers", "the first hundred, by actor"],
    ["troupe timers counter --limit 0", "those of all counters"],
    ["troupe timers --json | jq '.timers[].next'", "for a program"],
  ],
} as const;

export function timersCommand(shell: Shell): Command {
  return makeCommand(head)
    .option("--limit <n>", "timers to list at most; 0: all", wholeFrom(0), 100)
    .action(async (pattern: string | undefined, _flags, command: Command) => {
      const { terminal } = shell;
      const { limit } = optionsOf<{ limit: number }>(command);
      const settings = await settingsOf(command, shell);
      const timers = await withApp(settings, ({ troupe }) => readTimerRows(troupe, patternOf(pattern), Date.now()));
      const shown = limit === 0 ? timers : timers.slice(0, limit);
      terminal.print(
        terminal.isJson
          ? JSON.stringify({ app: settings.app, timers: shown, total: timers.length })
          : printTimerRows(shown, timers.length, terminal.paint, terminal.width),
      );
    });
}

/** Values in one answer of the server. */
const readAtOnce = 500;

async function readTimerRows(troupe: Troupe, pattern: string, nowMs: number): Promise<readonly TimerRow[]> {
  const keys = (await troupe.list(pattern)).filter((key) => addressOf(key) !== undefined);
  const rows: TimerRow[] = [];
  for (let at = 0; at < keys.length; at += readAtOnce) {
    const entries = await troupe.ports.state.getMany(keys.slice(at, at + readAtOnce));
    for (const entry of entries.values()) {
      // Another's value at an actor's key has no timers; `troupe get` says what is wrong with it.
      if (!Buffer.from(entry.value).includes('"timers":{')) continue;
      rows.push(...rowsOf(readCommitted(entry), nowMs));
    }
  }
  return rows;
}
