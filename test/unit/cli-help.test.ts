// What `--help` says, of the program and of each command.

import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { makeProgram } from "../../src/cli/program.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { plain } from "../../src/cli/text.ts";

const terminal: Terminal = {
  ...{ isJson: false, isWatched: false, width: 0, paint: plain, paintError: plain },
  print: () => {},
  remark: () => {},
  complain: () => {},
};

const program = makeProgram(terminal, {}, () => {});
const commands = program.commands.flatMap((command) => [command, ...command.commands]);

function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text;
}

test("the program lists every command, with examples and the exit codes", () => {
  const help = helpOf(program);
  for (const name of "dev worker spawn tell ask get history watch ps timers dead resume memory migrate doctor workflow".split(
    " ",
  )) {
    expect(help).toMatch(new RegExp(`^  ${name} `, "m"));
  }
  expect(help).toMatch(/Examples:\n {2}troupe dev actors\.ts/);
  expect(help).toContain("Exit codes: 0, 1 (failed), 2 (wrong usage), 3 (cannot reach the server).");
});

describe("each command", () => {
  test.each(commands.map((command) => [command.name(), command] as const))(
    "%s has examples of itself",
    (name, command) => {
      const [, examples = ""] = helpOf(command).split("Examples:\n");
      const lines = examples.trimEnd().split("\n");
      expect(lines.filter((line) => new RegExp(`troupe (?:\\w+ )?${name}\\b`).test(line))).not.toEqual([]);
      for (const line of lines) expect(line, "the command, and what it does").toMatch(/^ {2}\S.*? {3,}\S/);
      expect(command.summary()).not.toBe("");
      const flags = command.options.map(({ long }) => long);
      expect(flags).toEqual(expect.arrayContaining(["--json", "--server", "--app", "--creds", "--otlp"]));
    },
  );
});

describe("all helps are worded alike", () => {
  test.each(commands.map((command) => [command.name(), command] as const))("%s", (_name, command) => {
    expect(command.summary(), "an order, without a full stop").toMatch(/^[A-Z][a-z]+ .*[^.]$/);
    const [first = "", blank, ...rest] = command.description().split("\n");
    expect([first, blank], "the summary as a sentence, then the rest").toEqual([`${command.summary()}.`, ""]);
    expect(rest, "one paragraph, wrapped by the terminal").toHaveLength(1);
    expect(rest[0], "sentences").toMatch(/^[A-Z].*\.$/);
    for (const option of command.options) {
      expect(option.description, option.flags).toMatch(/^(?:[a-z`]|JSON).*[^.]$/);
    }
    // What is of the command itself stands before what all have.
    const help = helpOf(command);
    expect(help.indexOf("\nOptions of all commands:")).toBeGreaterThan(help.indexOf("\nOptions:"));
  });
});
