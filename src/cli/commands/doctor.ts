// `troupe doctor`: the server as it really is, and what that means.

import type { Command } from "commander";
import type { Shell } from "../command.ts";
import { makeCommand, optionsOf, settingsOf } from "../command.ts";
import { examine } from "../doctor/examine.ts";
import { printExamination } from "../print/doctor.ts";

const head = {
  usage: "doctor",
  summary: "Say what is wrong, and what survives what",
  description:
    "Reads the server's version, limits, streams, replicas and disk sync, the workers and pools, dead letters and waiting " +
    "mail, and says in words what survives the death of a worker, of the server, of its machine and of its disk. Changes " +
    "nothing. The exit code is 1 when it finds a problem.",
  examples: [
    ["troupe doctor", "the server that the other commands would use"],
    ["troupe doctor --server nats://10.0.0.5:4222 --app desk", "another server, another app"],
    ["troupe doctor --monitor http://127.0.0.1:8222", "reads the disk's sync interval from the server's monitoring"],
    ["troupe doctor --json | jq .diagnosis.found.survival", "for a program"],
  ],
} as const;

export function doctorCommand(shell: Shell): Command {
  return makeCommand(head)
    .option("--monitor <url>", "the server's monitoring address, as in http://127.0.0.1:8222")
    .action(async (_flags, command: Command) => {
      const { terminal } = shell;
      const { monitor } = optionsOf<{ monitor?: string }>(command);
      const examination = await examine(await settingsOf(command, shell), monitor);
      terminal.print(
        terminal.isJson ? JSON.stringify(examination) : printExamination(examination, terminal.paint, terminal.width),
      );
      if (examination.findings.some(({ level }) => level === "problem")) shell.setExitCode(1);
    });
}
