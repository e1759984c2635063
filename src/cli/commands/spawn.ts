// `troupe spawn`: gives an actor that has no committed value its first one.

import type { Command } from "commander";
import type { AnyActor } from "../../actors/definition.ts";
import { firstSnapshot, printSnapshot } from "../../actors/snapshot.ts";
import { encodeText } from "../../core/codec.ts";
import { keyOf, printAddress } from "../../core/ids.ts";
import { printIssues, validate } from "../../core/schema.ts";
import type { Troupe } from "../../runtime/client.ts";
import { loadActor } from "../actor-file.ts";
import type { Shell } from "../command.ts";
import { makeCommand, optionsOf, settingsOf, wholeFrom } from "../command.ts";
import { CommandFailure, usage } from "../failure.ts";
import { readJsonArgument } from "../json-argument.ts";
import { withApp } from "../open-app.ts";
import { printable } from "../text.ts";

const head = {
  usage: "spawn <type> <id> [state]",
  summary: "Create an actor with a state of its own",
  description:
    "An actor needs no creation: without it, it begins with the initial state of its definition. This writes another " +
    "first state, if the actor has none yet. STATE is a JSON object or array; `-` reads it from standard input. With " +
    "--actors the state is checked by the definition, and taken from it when STATE is left out.",
  examples: [
    [`troupe spawn counter c1 '{"count":100}'`, "a counter that begins at 100"],
    ["troupe spawn desk d1 - < desk.json", "from a file"],
    [`troupe spawn counter c1 '{"count":100}' --actors actors.ts`, "checked by the schema of the definition"],
    ["troupe spawn counter c1 --actors actors.ts", "with the initial state of the definition"],
  ],
} as const;

export function spawnCommand(shell: Shell): Command {
  return makeCommand(head)
    .option("--actors <file>", "the file of actors that defines the type")
    .option("--schema <n>", "the state's schema number, when no --actors says it (default: 1)", wholeFrom(1))
    .action(async (type: string, id: string, text: string | undefined, _flags, command: Command) => {
      const { terminal } = shell;
      const { actors, schema } = optionsOf<{ actors?: string; schema?: number }>(command);
      const key = keyOf({ type, id });
      const given = await readJsonArgument("STATE", text, process.stdin);
      const definition = actors === undefined ? undefined : await loadActor(actors, type);
      const number = definition?.schema ?? schema ?? 1;
      const state = definition === undefined ? checkState(given) : await stateOf(definition, id, given);
      const settings = await settingsOf(command, shell);
      const revision = await withApp(settings, ({ troupe }) => create(troupe, key, state, number), { mayMake: true });
      const name = printable(printAddress({ type, id }));
      terminal.print(
        terminal.isJson ? JSON.stringify({ type, id, revision }) : `created ${name}, revision ${revision}`,
      );
    });
}

function checkState(state: unknown): unknown {
  if (typeof state === "object" && state !== null) return state;
  const remedy = `Write it as in '{"count":0}', or name the file of the definition with --actors.`;
  if (state === undefined) throw usage("STATE is missing", remedy);
  throw usage(`STATE must be a JSON object or array, got ${JSON.stringify(state)}`, remedy);
}

/** Checked by the definition; what the schema makes of it is what the actor will read. */
async function stateOf(definition: AnyActor, id: string, given: unknown): Promise<unknown> {
  const state = given === undefined ? definition.initial(id) : given;
  const outcome = await validate(definition.state, state);
  if (outcome.kind === "valid") return checkState(state);
  throw usage(
    `STATE is not what the schema of ${definition.type} says: ${printIssues(outcome.issues)}`,
    "Correct the state, or the definition.",
  );
}

async function create({ ports }: Troupe, key: string, state: unknown, schema: number): Promise<number> {
  const { clock } = ports;
  const snapshot = { ...firstSnapshot(state, clock.now(), schema), commit: `spawn-${clock.uniqueId().slice(0, 10)}` };
  const write = await ports.state.create(key, encodeText(printSnapshot(snapshot, JSON.stringify(state))));
  if (write.kind === "written") return write.revision;
  throw new CommandFailure(
    "ACTOR_EXISTS",
    `${printable(key)} has a committed value already, revision ${write.revision}`,
    "Look at it with `troupe get`, and change it by telling or asking it.",
  );
}
