import { expect, test } from "vitest";
import { helpText, readCommand } from "../../bench/options.ts";

const known = ["ask.single", "ask.spread", "tell.spread", "activate", "memory.idle"];
const namesOf = (...args: string[]) => {
  const command = readCommand(args, known);
  return command.kind === "run" ? command.options.names : command;
};

test("without names all cases run, on all sides, in full, for people", () => {
  expect(readCommand([], known)).toEqual({
    kind: "run",
    options: {
      names: known,
      sides: ["ours", "raw", "limit"],
      isQuick: false,
      isJson: false,
      rounds: undefined,
      kills: undefined,
      data: undefined,
    },
  });
});

test("names choose cases, a family's name all of its cases, in the order in which they are known", () => {
  expect(namesOf("tell.spread", "ask.single")).toEqual(["ask.single", "tell.spread"]);
  expect(namesOf("ask")).toEqual(["ask.single", "ask.spread"]);
  expect(namesOf("ask.*", "activate")).toEqual(["ask.single", "ask.spread", "activate"]);
  expect(namesOf("ask.spread,memory.idle")).toEqual(["ask.spread", "memory.idle"]);
});

test("what is not known is refused, with what there is", () => {
  expect(namesOf("ask.tripple")).toEqual({ kind: "refused", reason: expect.stringContaining("ask.spread") });
  expect(namesOf("ask.s")).toMatchObject({ kind: "refused" });
  expect(namesOf("")).toMatchObject({ kind: "refused" });
  expect(namesOf("--sides", "theirs")).toEqual({ kind: "refused", reason: expect.stringContaining("theirs") });
  expect(namesOf("--fast")).toMatchObject({ kind: "refused" });
});

test("options are read wherever they stand", () => {
  expect(readCommand(["--json", "activate", "--quick", "--sides=limit,raw"], known)).toEqual({
    kind: "run",
    options: {
      names: ["activate"],
      sides: ["raw", "limit"],
      isQuick: true,
      isJson: true,
      rounds: undefined,
      kills: undefined,
      data: undefined,
    },
  });
  expect(readCommand(["activate", "-h"], known)).toEqual({ kind: "help" });
});

test("cases that run only when they are named do so, by their family's name too", () => {
  const all = [...known, "failover.kill", "failover.drain"];
  const onlyNamed = ["failover.kill", "failover.drain"];
  expect(readCommand([], all, onlyNamed)).toMatchObject({ options: { names: known } });
  expect(readCommand(["failover"], all, onlyNamed)).toMatchObject({ options: { names: onlyNamed } });
});

test("rounds and kills are whole numbers of 1 or more", () => {
  expect(readCommand(["--rounds", "2", "--kills=5"], known)).toMatchObject({ options: { rounds: 2, kills: 5 } });
  for (const value of ["0", "-1", "1.5", "many", ""]) {
    const command = readCommand([`--kills=${value}`], known);
    expect(command).toEqual({ kind: "refused", reason: `--kills must be a whole number of 1 or more, got ${value}` });
  }
});

test("the help names every case", () => {
  const text = helpText(
    known.map((name) => ({ name, what: `measures ${name}` })),
    [{ name: "scale.load", what: "measures scale.load" }],
  );
  for (const name of [...known, "scale.load"]) expect(text).toContain(`measures ${name}`);
});
