// The turn of an actor that remembers: what is brought before its handler runs, and what is logged when it has ended. Around
// the turn proper, so that actors without memory pay nothing for it.

import { TroupeError } from "../core/errors.ts";
import { scopeKey } from "../memory/scope.ts";
import { callerOf } from "./context.ts";
import type { AnyMethod } from "./definition.ts";
import { withLogged } from "./memory-log.ts";
import type { ActorMemory } from "./memory-options.ts";
import type { Message } from "./message.ts";
import type { TurnOutcome, TurnRequest } from "./turn.ts";
import { failed, failureOf, withdrawn } from "./turn-failure.ts";
import { TurnMemory } from "./turn-memory.ts";

type Execute = (request: TurnRequest) => TurnOutcome | Promise<TurnOutcome>;

/** A query reads and leaves nothing behind, so it waits for nothing; a handler waits for what is brought (U2 does not hold). */
export function executeWithMemory(
  request: TurnRequest,
  definition: ActorMemory,
  method: AnyMethod<never>,
  input: unknown,
  execute: Execute,
): TurnOutcome | Promise<TurnOutcome> {
  const memory = openMemory(request, definition, method, input);
  const remembering = { ...request, memory };
  return method.kind === "query" ? execute(remembering) : remember(remembering, definition, memory, input, execute);
}

function openMemory(
  request: TurnRequest,
  definition: ActorMemory,
  method: AnyMethod<never>,
  input: unknown,
): TurnMemory {
  const { self, message, services } = request;
  if (services.memory === undefined) throw new TroupeError("MEMORY_MISSING", "there is no memory here");
  const about = { method: message.method, input, caller: callerOf(message), messageId: message.messageId };
  return new TurnMemory({
    ...{ definition, message, services: services.memory, payloadBytesMax: services.payloadBytesMax },
    // A turn builds on those before it; a query sees what is committed, and nothing that may yet be undone.
    unwritten: services.memory.unwritten(method.kind === "query" ? "committed" : "all"),
    scope: definition.scope(self, about),
    scopes: definition.scopes(self, about),
    now: () => services.clock.now(),
  });
}

async function remember(
  request: TurnRequest,
  definition: ActorMemory,
  memory: TurnMemory,
  input: unknown,
  execute: Execute,
): Promise<TurnOutcome> {
  const { message, services } = request;
  try {
    await memory.bring(input);
    if (isWithdrawn(message)) return failed(withdrawn());
    const outcome = await execute(request);
    if (outcome.kind === "failed") return outcome;
    const { sendings, resultText } = outcome;
    const turn = { message, input, sendings, resultText, scope: scopeKey(memory.scope), nowMs: services.clock.now() };
    const settled = await memory.settle(withLogged(turn, definition.log));
    return isWithdrawn(message) ? failed(withdrawn()) : { ...outcome, sendings: settled };
  } catch (thrown) {
    return failed(failureOf(thrown, request));
  }
}

const isWithdrawn = (message: Message) => message.kind === "ask" && message.isWithdrawn === true;
