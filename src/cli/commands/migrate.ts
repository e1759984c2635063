// `troupe migrate`: all stored states as the code of a file reads them, and written as it writes them.

import type { Command } from "commander";
import type { AnyActor } from "../../actors/definition.ts";
import type { Troupe } from "../../runtime/client.ts";
import { readMembers } from "../../runtime/membership.ts";
import { migrateStates } from "../../runtime/migration.ts";
import { loadActors } from "../actor-file.ts";
import type { Shell } from "../command.ts";
import { makeCommand, optionsOf, settingsOf } from "../command.ts";
import { CommandFailure } from "../failure.ts";
import { withApp } from "../open-app.ts";
import { failuresShown, printMigration } from "../print/migration.ts";
import { stopOnSignals } from "../stop.ts";

const head = {
  usage: "migrate <file>",
  summary: "Lead all stored states to the schema numbers of a file",
  description:
    "FILE is a file of actors, as for `troupe worker`. Every stored state of its types goes through the upcasters and is checked " +
    "by today's schema. With --check nothing is written: run it before new code is rolled out. Without it old states are " +
    "written under today's number, while workers run; not while one of them has older code, which would refuse what was " +
    "written. It may be repeated. No actor needs it: each leads its own state when it is next used. " +
    "The exit code is 1 when a state cannot be read.",
  examples: [
    ["troupe migrate --check actors.ts", "can the new code read everything? Writes nothing"],
    ["troupe migrate actors.ts", "write the states that are old, so that their upcasters can go"],
    ["troupe migrate --check actors.ts --json | jq .failures", "every state that cannot be read, and why"],
  ],
} as const;

/** Between two remarks on the progress. Unit: ms. */
const remarkEveryMs = 1_000;

export function migrateCommand(shell: Shell): Command {
  return makeCommand(head)
    .option("--check", "only try it: write nothing")
    .action(async (file: string, _flags, command: Command) => {
      const { terminal } = shell;
      const isCheck = optionsOf<{ check?: boolean }>(command).check === true;
      const { actors } = await loadActors(file);
      const signal = stopOnSignals();
      const settings = await settingsOf(command, shell);
      let remarkedAtMs = Date.now();
      const onProgress = (done: number, total: number) => {
        if (Date.now() - remarkedAtMs < remarkEveryMs) return;
        remarkedAtMs = Date.now();
        terminal.remark(terminal.paintError("dim", `${done} of ${total} states read`));
      };
      const failuresMax = terminal.isJson ? Infinity : failuresShown;
      const report = await withApp(settings, async ({ troupe }) => {
        const { state, clock } = troupe.ports;
        if (!isCheck) await checkWorkers(troupe, actors);
        return migrateStates({ state, clock, actors, isCheck, failuresMax, signal, onProgress });
      });
      terminal.print(
        terminal.isJson
          ? JSON.stringify({ check: isCheck, isComplete: !signal.aborted, ...report })
          : printMigration(report, isCheck, terminal.paint, terminal.width),
      );
      if (signal.aborted) terminal.remark("It was ended before all states were read.");
      if (report.failed > 0 || signal.aborted) shell.setExitCode(1);
    });
}

/** Rejects with WORKER_TOO_OLD while a worker lives whose code would refuse what is to be written. */
async function checkWorkers({ ports: { cluster } }: Troupe, actors: readonly AnyActor[]): Promise<void> {
  for (const { worker, types } of await readMembers(cluster)) {
    const older = actors.find(({ type, schema }) => (types[type] ?? schema) < schema);
    if (older === undefined) continue;
    const { type, schema } = older;
    throw new CommandFailure(
      "WORKER_TOO_OLD",
      `worker ${worker} knows ${type} up to schema ${types[type]}, this file has ${schema}`,
      "Deploy the new code to all workers first; `troupe migrate --check` may be run at any time.",
    );
  }
}
