// The `troupe` command: its parts, and what `--help` says.

import { Command } from "commander";
import { packageVersion } from "../runtime/package-version.ts";
import type { Shell } from "./command.ts";
import { addSharedOptions, printExamples } from "./command.ts";
import { askCommand } from "./commands/ask.ts";
import { dashboardCommand } from "./commands/dashboard.ts";
import { deadCommand } from "./commands/dead.ts";
import { devCommand } from "./commands/dev.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { drainCommand } from "./commands/drain.ts";
import { getCommand } from "./commands/get.ts";
import { historyCommand } from "./commands/history.ts";
import { memoryCommand } from "./commands/memory.ts";
import { migrateCommand } from "./commands/migrate.ts";
import { psCommand } from "./commands/ps.ts";
import { resumeCommand } from "./commands/resume.ts";
import { spawnCommand } from "./commands/spawn.ts";
import { tellCommand } from "./commands/tell.ts";
import { timersCommand } from "./commands/timers.ts";
import { topCommand } from "./commands/top.ts";
import { watchCommand } from "./commands/watch.ts";
import { workerCommand } from "./commands/worker.ts";
import { workflowCommand } from "./commands/workflow.ts";
import type { Terminal } from "./terminal.ts";

const description = `Runs agents as actors on NATS, and looks at them.

An actor has a type and an id, as in \`counter c1\`; it exists always, and its state lies on the server.`;

const examples = [
  ["troupe dev actors.ts", "a private server and a worker that restarts on each change"],
  ["troupe ask counter c1 add 5", "ask an actor, and print its answer"],
  ["troupe tell note n1 write '\"milk\"'", "send a message that is handled later, exactly once"],
  ["troupe get counter c1", "an actor's state, revision and trace"],
  ["troupe watch 'counter.*'", "changes as they come, until Ctrl-C"],
  ["troupe worker actors.ts --name blue", "a worker that shares the actors with all others of the app"],
  ["troupe ps --json | jq .actors", "what a program reads"],
  ["troupe doctor", "what survives what, as the server is set up now"],
] as const;

const helpOfCommand = "Print the help of a command";
const exitCodes = "Exit codes: 0, 1 (failed), 2 (wrong usage), 3 (cannot reach the server).";

export function makeProgram(terminal: Terminal, env: NodeJS.ProcessEnv, setExitCode: (code: number) => void): Command {
  const shell: Shell = { terminal, env, setExitCode };
  const program = new Command("troupe")
    .description(description)
    .version(packageVersion(), "--version", "print the version")
    .addHelpText("after", `\n${printExamples(examples)}\n\n${exitCodes}`);
  const commands = [
    ...[devCommand, workerCommand, spawnCommand, tellCommand, askCommand, getCommand],
    ...[historyCommand, watchCommand, psCommand, timersCommand, drainCommand, deadCommand, resumeCommand],
    ...[memoryCommand, migrateCommand, doctorCommand, dashboardCommand, topCommand, workflowCommand],
  ];
  for (const make of commands) program.addCommand(make(shell));
  for (const each of allOf(program)) {
    addSharedOptions(each);
    if (each.commands.length > 0) each.helpCommand("help [command]", helpOfCommand);
    // What the parser finds is thrown, so that it is printed in one place, also as JSON.
    each
      .exitOverride()
      .configureOutput({ writeErr: () => {} })
      .showSuggestionAfterError(true);
  }
  return program;
}

function allOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allOf)];
}
