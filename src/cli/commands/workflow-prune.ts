// `troupe workflow prune`: runs that have been over for long are taken off the server.

import type { Command } from "commander";
import { count, printSpan } from "../../core/amounts.ts";
import { loadCursors } from "../../monitoring/read-cluster.ts";
import type { CommandHead, Shell } from "../command.ts";
import { makeCommand, optionsOf, settingsOf, wholeFrom } from "../command.ts";
import { withApp } from "../open-app.ts";
import type { Pruned } from "../runs/prune-runs.ts";
import { pruneRuns } from "../runs/prune-runs.ts";

const head: CommandHead = {
  usage: "prune [name]",
  summary: "Take away runs that have been over for long, with their progress and their tasks",
  description:
    "Nothing else does: a run that is over stays until then. Changes nothing without --apply. What is not over, is stopped, has a " +
    "parent that is not over, or whose messages are not all behind the cursor of their partition stays, whatever its age. The id of a run that is " +
    "gone may be used again.",
  examples: [
    ["troupe workflow prune", "how many runs would go that have been over for 30 days"],
    ["troupe workflow prune triage --days 7 --apply", "takes those of one workflow away"],
  ],
};

const dayMs = 86_400_000;
/** A sender that was away may tell once more what it has told. And no activation keeps what has been at rest for so long. Unit: ms. */
const overForMsMin = 3_600_000;

export function pruneCommand(shell: Shell): Command {
  return makeCommand(head)
    .option("--days <n>", "those that have been over for so long; 0: for an hour", wholeFrom(0), 30)
    .option("--apply", "do it, not only count", false)
    .action((name: string | undefined, _flags, self: Command) => run(shell, name, self));
}

async function run(shell: Shell, name: string | undefined, self: Command): Promise<void> {
  const { terminal } = shell;
  const { days, apply } = optionsOf<{ days: number; apply: boolean }>(self);
  const settings = await settingsOf(self, shell);
  const overForMs = Math.max(overForMsMin, days * dayMs);
  const pruned = await withApp(settings, async ({ troupe, facts }) => {
    // Before anything is looked at: what is written meanwhile then counts as not settled.
    const cursorOf = await loadCursors(troupe, facts.pools);
    return pruneRuns(troupe, { workflow: name, overForMs, cursorOf, isApplied: apply });
  });
  terminal.print(
    terminal.isJson
      ? JSON.stringify({ app: settings.app, isApplied: apply, ...pruned })
      : print(pruned, overForMs, apply),
  );
}

function print({ runs, tasks, alive, young, unsettled }: Pruned, overForMs: number, isApplied: boolean): string {
  const what = `${count(runs, "run")}${tasks === 0 ? "" : ` and ${count(tasks, "task")}`}`;
  const kept = [
    ...(alive === 0 ? [] : [`${alive} not over`]),
    ...(young === 0 ? [] : [`${young} over for less than ${printSpan(overForMs)}`]),
    ...(unsettled === 0 ? [] : [`${unsettled} not settled`]),
  ];
  const stay = kept.length === 0 ? "" : `; ${kept.join(", ")}`;
  return isApplied ? `${what} gone${stay}.` : `${what} would go${stay}. Nothing was changed; --apply does it.`;
}
