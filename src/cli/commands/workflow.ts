// `troupe workflow`: runs of workflows: starting them, looking at them, and what a person may tell them.

import type { Command } from "commander";
import { keyOf } from "../../core/ids.ts";
import type { Troupe } from "../../runtime/client.ts";
import { printGraph } from "../../workflow/graph.ts";
import { loadWorkflow } from "../actor-file.ts";
import type { CommandHead, Shell } from "../command.ts";
import { makeCommand, optionsOf, settingsOf, wholeFrom } from "../command.ts";
import { CommandFailure, usage } from "../failure.ts";
import { readJsonArgument } from "../json-argument.ts";
import { withApp } from "../open-app.ts";
import type { RunRow } from "../print/workflow.ts";
import { phases, printRun, printRunRows, rowOf, runJson } from "../print/workflow.ts";
import type { StoredRun } from "../runs/read-runs.ts";
import { readRuns, readStoredRun, runTypeOf } from "../runs/read-runs.ts";
import { printable } from "../text.ts";
import { pruneCommand } from "./workflow-prune.ts";

const head = {
  usage: "workflow",
  summary: "Start runs of workflows, look at them, and tell them what they wait for",
  description: "A run is an actor: its type is `workflow-` and the workflow's name, its id is yours to choose.",
  examples: [
    [`troupe workflow start triage i-1 '{"service":"shop"}'`, "begins a run"],
    ["troupe workflow ls", "the first hundred runs, with what they are at"],
    ["troupe workflow show triage i-1", "one of them: its state, and each node that has begun"],
    ["troupe workflow graph triage i-1 --actors triage.ts", "a drawing of it, as Mermaid"],
  ],
} as const;

const startHead = {
  usage: "start <name> <id> [input]",
  summary: "Begin a run",
  description:
    "INPUT is JSON; `-` reads it from standard input. A run begins once: a second start of the same id is refused.",
  examples: [[`troupe workflow start triage i-1 '{"service":"shop"}'`, "with an input"]],
} as const;

const listHead = {
  usage: "ls [name]",
  summary: "List runs with what they are at",
  description: "Reads the committed values: no worker has to run.",
  examples: [
    ["troupe workflow ls triage", "those of one workflow"],
    ["troupe workflow ls --phase held", "those that wait for somebody to decide"],
    ["troupe workflow ls --phase stopped", "those that take nothing until `troupe resume`"],
    ["troupe workflow ls --json | jq '.runs[].id'", "for a program"],
  ],
} as const;

const showHead = {
  usage: "show <name> <id>",
  summary: "Print a run's phase, its state, and each node that has begun",
  description: "Reads the committed value: no worker has to run, and the run is not disturbed.",
  examples: [["troupe workflow show triage i-1", "how far it has got, and what it waits for"]],
} as const;

const signalHead = {
  usage: "signal <name> <id> <signal> [data]",
  summary: "Tell a run what it waits for",
  description:
    "DATA is JSON; `-` reads it from standard input. A signal that comes before the run waits for it is kept.",
  examples: [[`troupe workflow signal triage i-1 decision '{"by":"ada"}'`, "a person's decision"]],
} as const;

const cancelHead = {
  usage: "cancel <name> <id>",
  summary: "Give a run up, and compensate what it did",
  description: "What was ordered is waited for; then what was done is taken back, in reverse.",
  examples: [["troupe workflow cancel triage i-1 --reason 'a false alarm'", "with the reason, which is kept"]],
} as const;

const retryHead = {
  usage: "retry <name> <id>",
  summary: "Try again what a run is held for",
  description: "For runs whose phase is `held`: something failed that a person was to look at first.",
  examples: [["troupe workflow retry triage i-1", "once the cause is removed"]],
} as const;

const pauseHead = {
  usage: "pause <name> <id>",
  summary: "Let a run order nothing until it is resumed",
  description: "What was ordered goes on, and so does time.",
  examples: [["troupe workflow pause triage i-1", "until `troupe workflow resume triage i-1`"]],
} as const;

const resumeHead = {
  usage: "resume <name> <id>",
  summary: "Let a paused run go on",
  description: "For a run that has been stopped because of its code, see `troupe resume`.",
  examples: [["troupe workflow resume triage i-1", "after `troupe workflow pause triage i-1`"]],
} as const;

const graphHead = {
  usage: "graph <name> [id]",
  summary: "Draw a workflow, with a run's progress on it, as Mermaid",
  description: "Mermaid text is shown by GitHub, and by https://mermaid.live. Without ID the workflow alone is drawn.",
  examples: [
    ["troupe workflow graph triage --actors triage.ts", "the definition"],
    ["troupe workflow graph triage i-1 --actors triage.ts", "with how far a run has got"],
  ],
} as const;

export function workflowCommand(shell: Shell): Command {
  const list = makeCommand(listHead)
    .option("--limit <n>", "runs to list at most; 0: all", wholeFrom(0), 100)
    .option("--phase <phase>", `only those in this phase: ${phases.join(", ")}`, phaseFrom)
    .action((name: string | undefined, _flags, self: Command) => listRuns(shell, self, name));
  const cancel = askCommand(shell, cancelHead, "cancel", (self) => optionsOf<{ reason?: string }>(self));
  const graph = makeCommand(graphHead)
    .requiredOption("--actors <file>", "the file that defines the workflow")
    .action((name: string, id: string | undefined, _flags, self: Command) => drawRun(shell, self, name, id));
  return makeCommand(head)
    .addCommand(startCommand(shell))
    .addCommand(list)
    .addCommand(makeCommand(showHead).action((name, id, _flags, self: Command) => showRun(shell, self, name, id)))
    .addCommand(signalCommand(shell))
    .addCommand(cancel.option("--reason <text>", "why; kept with the run"))
    .addCommand(askCommand(shell, retryHead, "retry"))
    .addCommand(askCommand(shell, pauseHead, "pause"))
    .addCommand(askCommand(shell, resumeHead, "resume"))
    .addCommand(pruneCommand(shell))
    .addCommand(graph);
}

function startCommand(shell: Shell): Command {
  return makeCommand(startHead).action(async (name: string, id: string, text: string | undefined, _flags, self) => {
    const input = await readJsonArgument("INPUT", text, process.stdin);
    await askRun(shell, self, name, id, "start", input);
  });
}

function signalCommand(shell: Shell): Command {
  return makeCommand(signalHead)
    .option("--at <path>", "only for the wait at this path, as `show` has it; refused when nothing waits there")
    .action(async (name: string, id: string, signal: string, text: string | undefined, _flags, self) => {
      const data = await readJsonArgument("DATA", text, process.stdin);
      const { at } = optionsOf<{ at?: string }>(self);
      const sent = { name: signal, ...(data === undefined ? {} : { data }), ...(at === undefined ? {} : { at }) };
      await askRun(shell, self, name, id, "signal", sent);
    });
}

function askCommand(shell: Shell, of: CommandHead, method: string, input?: (self: Command) => { reason?: string }) {
  return makeCommand(of).action(async (name: string, id: string, _flags, self: Command) => {
    const { reason } = input?.(self) ?? {};
    await askRun(shell, self, name, id, method, reason === undefined ? undefined : { reason });
  });
}

/** Asks the run, and prints what it is at after that. */
async function askRun(shell: Shell, self: Command, name: string, id: string, method: string, input: unknown) {
  const settings = await settingsOf(self, shell);
  await withApp(settings, async ({ troupe }) => {
    await troupe.untyped(runTypeOf(name), id).ask(method, input);
    await printOne(shell, troupe, name, id);
  });
}

async function showRun(shell: Shell, self: Command, name: string, id: string): Promise<void> {
  const settings = await settingsOf(self, shell);
  await withApp(settings, ({ troupe }) => printOne(shell, troupe, name, id));
}

async function printOne({ terminal }: Shell, troupe: Troupe, name: string, id: string): Promise<void> {
  const stored = await readRun(troupe, name, id);
  terminal.print(terminal.isJson ? JSON.stringify(runJson(stored)) : printRun(stored, terminal.paint));
}

async function readRun(troupe: Troupe, name: string, id: string): Promise<StoredRun> {
  const entry = await troupe.ports.state.get(keyOf({ type: runTypeOf(name), id }));
  const stored = entry === undefined ? undefined : readStoredRun(entry);
  if (stored !== undefined) return stored;
  throw new CommandFailure(
    "ACTOR_NOT_FOUND",
    `${name} has no run ${printable(id)}`,
    "Begin one with `troupe workflow start`; `troupe workflow ls` lists those that have begun.",
  );
}

async function drawRun(shell: Shell, self: Command, name: string, id: string | undefined): Promise<void> {
  const { actors } = optionsOf<{ actors: string }>(self);
  const { tree } = (await loadWorkflow(actors, name)).plan;
  const { terminal } = shell;
  const settings = id === undefined ? undefined : await settingsOf(self, shell);
  const stored =
    settings === undefined || id === undefined
      ? undefined
      : await withApp(settings, ({ troupe }) => readRun(troupe, name, id));
  const mermaid = printGraph(tree, stored?.run.marks);
  terminal.print(terminal.isJson ? JSON.stringify({ mermaid }) : mermaid);
}

async function listRuns(shell: Shell, self: Command, name: string | undefined): Promise<void> {
  const { terminal } = shell;
  const { limit, phase } = optionsOf<{ limit: number; phase?: string }>(self);
  const settings = await settingsOf(self, shell);
  const { shown, total } = await withApp(settings, ({ troupe }) => findRuns(troupe, name, phase, limit || Infinity));
  terminal.print(
    terminal.isJson
      ? JSON.stringify({ app: settings.app, runs: shown, total })
      : printRunRows(shown, total, terminal.paint, terminal.width),
  );
}

/** The first of those in the phase, and how many there are. */
async function findRuns(troupe: Troupe, name: string | undefined, phase: string | undefined, most: number) {
  const shown: RunRow[] = [];
  let total = 0;
  for await (const page of readRuns(troupe, name)) {
    const rows = page.map(rowOf).filter((row) => isIn(row, phase));
    total += rows.length;
    shown.push(...rows.slice(0, most - shown.length));
  }
  return { shown, total };
}

const isIn = ({ phase, stopped }: RunRow, wanted: string | undefined): boolean =>
  wanted === undefined || (wanted === "stopped" ? stopped !== null : phase === wanted);

function phaseFrom(text: string): string {
  if (phases.includes(text)) return text;
  throw usage(`--phase is one of ${phases.join(", ")}, not ${printable(text)}`);
}
