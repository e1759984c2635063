// One turn by itself: a definition, a state, a message and services that remember what they were asked for.

import type { AnyActor } from "../../src/actors/definition.ts";
import type { Message } from "../../src/actors/message.ts";
import type { Timers } from "../../src/actors/timer.ts";
import { noTimers } from "../../src/actors/timer.ts";
import type { Question, TurnOutcome, TurnServices } from "../../src/actors/turn.ts";
import { runTurn } from "../../src/actors/turn.ts";
import type { MemoryServices } from "../../src/actors/turn-memory.ts";
import { silentLogger } from "../../src/core/log.ts";
import type { SimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";

export class TurnHarness {
  readonly clock: SimulatedClock = createSimulatedClock({ seed: 1 });
  readonly lost = new AbortController();
  readonly asked: Question[] = [];
  readonly steps = new Map<string, string>();
  answer: unknown;
  timers: Timers = noTimers;
  readonly #definition: AnyActor;
  readonly #memory: MemoryServices | undefined;

  constructor(definition: unknown, memory?: MemoryServices) {
    this.#memory = memory;
    // As for a worker, which is given definitions whose state and methods do not matter to it.
    this.#definition = definition as AnyActor;
  }

  services(): TurnServices {
    return {
      clock: this.clock,
      lost: this.lost.signal,
      timers: this.timers,
      memory: this.#memory,
      payloadBytesMax: 10_000,
      log: () => silentLogger,
      states: () => Promise.reject(new Error("there is no central state store here")),
      ask: async (_asker, question) => {
        this.asked.push(question);
        return this.answer;
      },
      findStep: (_message, name) => this.steps.get(name),
      keepStep: async (_message, name, text) => {
        this.steps.set(name, text);
      },
    };
  }

  run(
    method: string,
    input?: unknown,
    state: unknown = this.#definition.initial("a"),
    verb: "ask" | "tell" = "ask",
  ): TurnOutcome | Promise<TurnOutcome> {
    const payload = input === undefined ? undefined : JSON.stringify(input);
    return this.runRaw(method, payload, state, verb);
  }

  runRaw(
    method: string,
    payload: Message["payload"],
    state: unknown = this.#definition.initial("a"),
    verb: "ask" | "tell" = "ask",
  ): TurnOutcome | Promise<TurnOutcome> {
    return this.runMessage(messageOf(method, payload, verb), state);
  }

  runMessage(message: Message, state: unknown = this.#definition.initial("a")): TurnOutcome | Promise<TurnOutcome> {
    const self = { type: this.#definition.type, id: "a" };
    return runTurn({ definition: this.#definition, self, message, state, services: this.services() });
  }
}

export function messageOf(method: string, payload: Message["payload"], verb: "ask" | "tell" = "ask"): Message {
  const frame = { method, payload, messageId: "m1", from: undefined, trace: undefined };
  const unhandled = { turnTrace: undefined, endedMs: undefined };
  const unwithdrawn = { askId: "m1", interrupt: undefined };
  return verb === "ask"
    ? { ...frame, ...unhandled, kind: "ask", chain: [], idempotencyKey: undefined, ...unwithdrawn, answer: () => {} }
    : { ...frame, ...unhandled, kind: "tell", sequence: 1, number: undefined, attempts: 1, doom: undefined };
}

/** What came of it, in few words: a code, or what was answered. */
export function briefOf(outcome: TurnOutcome): string {
  return outcome.kind === "failed" ? outcome.error.code : `ok ${outcome.resultText ?? "nothing"}`;
}
