// `troupe memory`: what agents remember, and the way to forget it.

import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { count } from "../../core/amounts.ts";
import type { ErasureProgress } from "../../memory/erasure-scope.ts";
import { knownScopes } from "../../memory/known-scopes.ts";
import { scopeKey } from "../../memory/scope.ts";
import type { CommandHead, Shell } from "../command.ts";
import { makeCommand, optionsOf, settingsOf, wholeFrom } from "../command.ts";
import { confirm } from "../confirm.ts";
import { withMemory } from "../open-memory.ts";
import { printEntries, printFacts, printHits, printReceipt, printScopes, printVersions } from "../print/memory.ts";
import { scopeArgument, scopesArgument } from "../scope-argument.ts";
import { retentionCommand } from "./memory-retention.ts";

const scopeHelp = "SCOPE is its key, user.anna.session.s1, or its parts, user=anna,session=s1 (agent=TYPE/ID).";

const head: CommandHead = {
  usage: "memory",
  summary: "Look at what agents remember, and erase it",
  description: "Logs of what was said and done, and facts, by scope: shared, of a user, an agent, a session.",
  examples: [
    ["troupe memory ls", "the scopes that hold something"],
    ["troupe memory show user=anna", "the end of a log"],
    ["troupe memory recall user=anna 'where does she live?'", "what answers that, and why"],
    ["troupe memory facts user=anna", "what is known"],
    ["troupe memory erase user=anna --under", "forgets all of it, for good"],
  ],
};

const listHead: CommandHead = {
  usage: "ls [pattern]",
  summary: "List the scopes that hold something",
  description:
    "Each with the records of its log and its facts. PATTERN is a scope with `*` for any id; `.>` behind it is what lies under it.",
  examples: [
    ["troupe memory ls", "the first hundred"],
    ["troupe memory ls 'user.anna.>'", "all that is under Anna"],
    ["troupe memory ls 'user.*.session.*' --json", "for a program"],
  ],
};

const showHead: CommandHead = {
  usage: "show <scope>",
  summary: "Print the end of a log, newest last",
  description: scopeHelp,
  examples: [
    ["troupe memory show user.anna.session.s1", "the last 20 entries"],
    ["troupe memory show user=anna --last 100 --since 2h", "those of the last two hours"],
  ],
};

const recallHead: CommandHead = {
  usage: "recall <scope> <query>",
  summary: "Find what answers a question, and say why",
  description: `Ranks the entries and facts of the scope by their words, as agents do. ${scopeHelp}`,
  examples: [
    ["troupe memory recall user=anna 'when is her flight?' --k 5", "the best five"],
    ["troupe memory recall user=anna flight --under", "in all that is under her too"],
  ],
};

const factsHead: CommandHead = {
  usage: "facts <scope> [name]",
  summary: "Print what is known in a scope",
  description: scopeHelp,
  examples: [
    ["troupe memory facts user=anna", "all of it"],
    ["troupe memory facts user=anna city --history", "the values that are kept of one"],
  ],
};

const eraseHead: CommandHead = {
  usage: "erase <scope>",
  summary: "Erase a scope for good, and verify it",
  description:
    "Removes its entries and facts with their history, what forks share of it and their summaries of that; writers that " +
    `were at work are refused. Asks before, prints a receipt, scans the store against it. ${scopeHelp}`,
  examples: [
    ["troupe memory erase user.anna.session.s1", "one scope"],
    ["troupe memory erase user=anna --under --yes --json > receipt.json", "all of Anna's, without a question"],
  ],
};

export function memoryCommand(shell: Shell): Command {
  const list = makeCommand(listHead)
    .option("--limit <n>", "scopes to list at most; 0: all", wholeFrom(0), 100)
    .action((pattern: string | undefined, _flags, self: Command) => listScopes(shell, pattern, self));
  const show = makeCommand(showHead)
    .option("--last <n>", "entries to print at most", wholeFrom(1), 20)
    .option("--since <time>", "only those from then on: 30m, 2h, 3d, or 2026-11-23T09:00Z", sinceOf)
    .action((scope: string, _flags, self: Command) => showLog(shell, scope, self));
  const recall = makeCommand(recallHead)
    .option("--k <n>", "hits at most", wholeFrom(1), 10)
    .option("--under", "what lies under the scope too", false)
    .action((scope: string, query: string, _flags, self: Command) => recallFrom(shell, scope, query, self));
  const facts = makeCommand(factsHead)
    .option("--history", "with NAME: the values that are kept, oldest first", false)
    .action((scope: string, name: string | undefined, _flags, self: Command) => showFacts(shell, scope, name, self));
  const erase = makeCommand(eraseHead)
    .option("--under", "the scopes that lie under it too", false)
    .option("--yes", "do it without asking", false)
    .action((scope: string, _flags, self: Command) => eraseScope(shell, scope, self));
  const commands = [list, show, recall, facts, retentionCommand(shell), erase];
  return commands.reduce((memory, command) => memory.addCommand(command), makeCommand(head));
}

async function listScopes(shell: Shell, text: string | undefined, command: Command): Promise<void> {
  const { terminal } = shell;
  const { limit } = optionsOf<{ limit: number }>(command);
  const { pattern, under } = scopesArgument(text);
  const settings = await settingsOf(command, shell);
  const choice = { under, ...(pattern === undefined ? {} : { pattern }) };
  const scopes = await withMemory(settings, ({ stores }) => knownScopes(stores, choice));
  const shown = limit === 0 ? scopes : scopes.slice(0, limit);
  const rows = shown.map(({ scope, ...counts }) => ({ scope: scopeKey(scope), ...counts }));
  terminal.print(
    terminal.isJson
      ? JSON.stringify({ scopes: rows, total: scopes.length })
      : printScopes(shown, scopes.length, terminal.paint, terminal.width),
  );
}

async function showLog(shell: Shell, text: string, command: Command): Promise<void> {
  const { terminal } = shell;
  const { last, since } = optionsOf<{ last: number; since?: number }>(command);
  const scope = scopeArgument(text);
  const settings = await settingsOf(command, shell);
  const bounds = { last, ...(since === undefined ? {} : { sinceMs: since }) };
  const entries = await withMemory(settings, (memory) => memory.log(scope).read(bounds).toArray());
  terminal.print(
    terminal.isJson
      ? JSON.stringify({ scope: scopeKey(scope), entries })
      : printEntries(entries, terminal.paint, terminal.width),
  );
}

async function recallFrom(shell: Shell, text: string, query: string, command: Command): Promise<void> {
  const { terminal } = shell;
  const { k, under } = optionsOf<{ k: number; under: boolean }>(command);
  const scope = scopeArgument(text);
  const settings = await settingsOf(command, shell);
  const result = await withMemory(settings, (memory) => memory.recall(query, { k, scopes: scope, under }));
  terminal.print(terminal.isJson ? JSON.stringify(result) : printHits(result, terminal.paint, terminal.width));
}

async function showFacts(shell: Shell, text: string, name: string | undefined, command: Command): Promise<void> {
  const { terminal } = shell;
  const { history } = optionsOf<{ history: boolean }>(command);
  const scope = scopeArgument(text);
  const settings = await settingsOf(command, shell);
  await withMemory(settings, async (memory) => {
    const facts = memory.facts(scope);
    if (history && name !== undefined) {
      const versions = await facts.history(name);
      terminal.print(terminal.isJson ? JSON.stringify({ name, versions }) : printVersions(versions, terminal.width));
      return;
    }
    const found =
      name === undefined ? await allFacts(facts) : [await facts.get(name)].filter((fact) => fact !== undefined);
    terminal.print(
      terminal.isJson
        ? JSON.stringify({ scope: scopeKey(scope), facts: found })
        : printFacts(found, terminal.paint, terminal.width),
    );
  });
}

async function allFacts(facts: ReturnType<Parameters<Parameters<typeof withMemory>[1]>[0]["facts"]>) {
  const all = [];
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    const page = await facts.list({ limit: 500, ...(cursor === undefined ? {} : { cursor }) });
    all.push(...page.facts);
    cursor = page.cursor;
  }
  return all;
}

async function eraseScope(shell: Shell, text: string, command: Command): Promise<void> {
  const { terminal } = shell;
  const { under, yes } = optionsOf<{ under: boolean; yes: boolean }>(command);
  const scope = scopeArgument(text);
  const settings = await settingsOf(command, shell);
  await withMemory(settings, async (memory) => {
    const scopes = await knownScopes(memory.stores, { pattern: scope, under });
    const facts = scopes.reduce((sum, known) => sum + known.facts, 0);
    const records = scopes.reduce((sum, known) => sum + known.records, 0);
    const what = `${count(scopes.length, "scope")} with ${count(records, "record")} and ${count(facts, "fact")}`;
    if (!yes && !(await confirm(`Erase ${scopeKey(scope)}${under ? " and all under it" : ""}: ${what}, for good?`))) {
      terminal.remark("Nothing was erased.");
      shell.setExitCode(1);
      return;
    }
    const receipt = await memory.erase(scope, { under, onProgress: progressTo(shell) });
    const scan = await memory.verify(receipt);
    terminal.print(terminal.isJson ? JSON.stringify({ receipt, scan }) : printReceipt(receipt, scan, terminal.paint));
    if (scan.kind === "left") shell.setExitCode(1);
  });
}

/** A line for each step of large scopes only. */
const progressFrom = 1_000;

function progressTo({ terminal }: Shell): (progress: ErasureProgress) => void {
  return ({ scope, step, done, total }) => {
    if (total >= progressFrom && done % progressFrom < 64) {
      terminal.remark(`${scopeKey(scope)}: ${step} ${done} of ${total}`);
    }
  };
}

const spanUnits = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A span before now, or a moment, in ms since the Unix epoch. */
function sinceOf(text: string): number {
  const [, number, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const atMs =
    number === undefined ? Date.parse(text) : Date.now() - Number(number) * spanUnits[unit as keyof typeof spanUnits];
  if (Number.isFinite(atMs)) return atMs;
  throw new InvalidArgumentError("It takes a span such as 30m, 2h, 3d, or a moment such as 2026-11-23T09:00Z.");
}
