// `troupe memory retention`: what the policies let go, and doing it.

import type { Command } from "commander";
import type { AppliedScope } from "../../memory/retention.ts";
import type { RetentionPlan } from "../../memory/retention-plan.ts";
import type { RetentionPolicy } from "../../memory/retention-policy.ts";
import { scopeKey } from "../../memory/scope.ts";
import type { CommandHead, Shell } from "../command.ts";
import { makeCommand, optionsOf, settingsOf, wholeFrom } from "../command.ts";
import { usage } from "../failure.ts";
import { withMemory } from "../open-memory.ts";
import { printApplied, printPlan } from "../print/retention.ts";
import { scopeArgument, scopesArgument } from "../scope-argument.ts";

interface Flags {
  readonly days?: number;
  readonly entries?: number;
  readonly bytes?: number;
  readonly set: boolean;
  readonly unset: boolean;
  readonly apply: boolean;
}

const head: CommandHead = {
  usage: "retention [pattern]",
  summary: "Show what retention lets go, set a policy, or apply it",
  description:
    "By each scope's own policy, or by the one that the options give. Pinned entries and the summary in force stay. Changes " +
    "nothing without --set, --unset or --apply. PATTERN is as for `troupe memory ls`.",
  examples: [
    ["troupe memory retention", "what the scopes' own policies would let go, and why"],
    ["troupe memory retention user.anna --days 90 --set", "gives a scope a policy"],
    ["troupe memory retention 'user.*.>' --entries 1000 --apply", "keeps the last thousand entries of each"],
  ],
};

const dayMs = 86_400_000;

export function retentionCommand(shell: Shell): Command {
  return makeCommand(head)
    .option("--days <n>", "entries older than this go", wholeFrom(0))
    .option("--entries <n>", "only the last so many entries are kept", wholeFrom(0))
    .option("--bytes <n>", "only the last entries that are together no larger are kept", wholeFrom(0))
    .option("--set", "makes the options the policy of the scope PATTERN", false)
    .option("--unset", "takes the policy of the scope PATTERN away", false)
    .option("--apply", "do it, not only show", false)
    .action((pattern: string | undefined, _flags, self: Command) => run(shell, pattern, self));
}

async function run(shell: Shell, text: string | undefined, command: Command): Promise<void> {
  const { terminal } = shell;
  const flags = optionsOf<Flags>(command);
  const policy = policyOfFlags(flags);
  const settings = await settingsOf(command, shell);
  if (flags.set || flags.unset) {
    if (text === undefined || flags.set === (policy === undefined) || flags.set === flags.unset) {
      throw usage("--set takes a scope and a policy, --unset a scope");
    }
    const scope = scopeArgument(text);
    await withMemory(settings, (memory) => memory.setRetention(scope, policy));
    terminal.print(
      terminal.isJson
        ? JSON.stringify({ scope: scopeKey(scope), policy: policy ?? null })
        : `${scopeKey(scope)}: ${policy === undefined ? "no policy of its own" : JSON.stringify(policy)}`,
    );
    return;
  }
  const { pattern, under } = scopesArgument(text);
  const request = { under, ...(pattern === undefined ? {} : { pattern }), ...(policy === undefined ? {} : { policy }) };
  const { plan, applied } = await withMemory(settings, async (memory) => {
    const plan: RetentionPlan = await memory.planRetention(request);
    const applied: readonly AppliedScope[] | undefined = flags.apply ? await memory.applyRetention(plan) : undefined;
    return { plan, applied };
  });
  if (terminal.isJson) terminal.print(JSON.stringify({ plan, ...(applied === undefined ? {} : { applied }) }));
  else terminal.print(applied === undefined ? printPlan(plan, terminal.paint) : printApplied(applied, terminal.paint));
}

function policyOfFlags({ days, entries, bytes }: Flags): RetentionPolicy | undefined {
  if (days === undefined && entries === undefined && bytes === undefined) return undefined;
  return {
    ...(days === undefined ? {} : { ageMsMax: days * dayMs }),
    ...(entries === undefined ? {} : { entriesMax: entries }),
    ...(bytes === undefined ? {} : { bytesMax: bytes }),
  };
}
