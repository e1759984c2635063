// One run of one message: the handler within its span, and the event that tells of it.

import type { Span } from "@opentelemetry/api";
import type { Answer, AskMessage, Message, TellMessage } from "../actors/message.ts";
import type { TimerFiring } from "../actors/timer.ts";
import { firedDueMs, timerOf } from "../actors/timer.ts";
import type { TurnOutcome } from "../actors/turn.ts";
import { runTurn } from "../actors/turn.ts";
import { TroupeError } from "../core/errors.ts";
import type { TurnKind } from "../core/events.ts";
import { printAddress } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";
import { endSpan, inSpan, outOfSight, traceIdOf, traceparentOf } from "../core/trace.ts";
import type { Cell } from "./cell.ts";
import type { CommitOutcome } from "./committer.ts";
import { startProcess } from "./spans.ts";

/** Runs the message's handler on the state. A promise only when the handler is asynchronous. */
export function runMessage(
  cell: Cell,
  message: Message,
  state: unknown,
  isQuery: boolean,
): TurnOutcome | Promise<TurnOutcome> {
  if (message.kind === "tell" && message.timer !== undefined) announceFiring(cell, message, message.timer);
  const span = startProcess(message, cell.self, cell.key, cell.host.partition);
  message.turnTrace = traceparentOf(span, message.trace);
  const request = { definition: cell.definition, self: cell.self, message, state, services: cell.services };
  const isSeen = span !== undefined || cell.host.events.isHeard;
  if (!isSeen) return outOfSight(message.trace, () => runTurn(request));
  const startedMs = cell.host.clock.monotonicMs();
  const run = () => runTurn(request);
  const outcome = span === undefined ? outOfSight(message.trace, run) : inSpan(span, run);
  const report = (settled: TurnOutcome) => reportTurn(cell, message, isQuery, settled, startedMs, span);
  return outcome instanceof Promise ? outcome.then(report) : report(outcome);
}

function reportTurn(
  cell: Cell,
  message: Message,
  isQuery: boolean,
  outcome: TurnOutcome,
  startedMs: number,
  span: Span | undefined,
): TurnOutcome {
  const error = outcome.kind === "failed" ? { code: outcome.error.code, message: outcome.error.message } : undefined;
  if (outcome.kind === "failed" && outcome.error.cause instanceof Error) span?.recordException(outcome.error.cause);
  endSpan(span, error);
  const trace = traceIdOf(message.turnTrace);
  const endedMs = cell.host.clock.monotonicMs();
  message.endedMs = endedMs;
  cell.host.events.emit({
    kind: "turn-ended",
    actor: cell.self,
    method: message.method,
    turn: isQuery ? "query" : message.kind,
    messageId: message.messageId,
    durationMs: endedMs - startedMs,
    ...(error === undefined ? {} : { error }),
    ...(trace === undefined ? {} : { trace }),
  });
  return outcome;
}

/** Says that a timer's message has its first run. */
function announceFiring(cell: Cell, message: TellMessage, firing: TimerFiring): void {
  if (message.attempts > 1 || !cell.host.events.isHeard) return;
  const { name, number } = firing;
  const timer = timerOf(cell.services.timers, name);
  if (timer === undefined) return;
  const nowMs = cell.host.clock.now();
  const lateMs = Math.max(0, nowMs - firedDueMs(timer.when, firing, nowMs));
  const trace = traceIdOf(message.trace);
  cell.host.events.emit({
    kind: "timer-fired",
    actor: cell.self,
    ...{ name, number, method: message.method, lateMs },
    ...(trace === undefined ? {} : { trace }),
  });
}

/** The log of a turn: the actor, the message and the trace as fields. */
export function logOf(cell: Cell, message: Message): Logger {
  const trace = traceIdOf(message.turnTrace);
  const fields = { actor: printAddress(cell.self), message: message.messageId };
  return cell.host.log.child(trace === undefined ? fields : { ...fields, trace });
}

export function answerOf(outcome: TurnOutcome): Answer {
  return outcome.kind === "done" ? { kind: "ok", text: outcome.resultText } : { kind: "error", error: outcome.error };
}

/** Says that a message has had its turn for good. Of what actors do by themselves (system-methods.ts) nobody wants to know. */
export function announceHandled(cell: Cell, { method }: Message, turn: TurnKind, code: string | undefined): void {
  const { events } = cell.host;
  if (!events.isHeard || method.startsWith("_")) return;
  const actor = cell.self;
  events.emit(
    code === undefined ? { kind: "handled", actor, method, turn } : { kind: "handled", actor, method, turn, code },
  );
}

/** Says that no more asks may wait for the actor, and that this one does not; the error that its asker gets. */
export function announceFull(cell: Cell, { method, messageId }: AskMessage): TroupeError {
  const { events } = cell.host;
  if (events.isHeard) events.emit({ kind: "mailbox-full", actor: cell.self, method, messageId });
  return new TroupeError("MAILBOX_FULL", `too many asks wait for ${cell.key}`);
}

/** Says that a commit does not stand. */
export function announceUncommitted({ host: { events, lost }, self: actor }: Cell, outcome: CommitOutcome): void {
  switch (outcome.kind) {
    case "stands":
      return;
    case "superseded":
      return events.emit({ kind: "superseded", actor, revision: outcome.revision });
    case "refused":
      // Nobody has refused it who does not own the actor: it was not written any more.
      if (lost.aborted) return events.emit({ kind: "commit-given-up", actor });
      return events.emit({ kind: "commit-refused", actor, message: outcome.error.message });
    case "given-up":
      return events.emit({ kind: "commit-given-up", actor });
  }
}

/** Says that an asker waits no longer. */
export function announceWithdrawn(cell: Cell, { method, messageId }: Message, was: "running" | "waiting"): void {
  const { events } = cell.host;
  if (events.isHeard) events.emit({ kind: "ask-withdrawn", actor: cell.self, method, messageId, was });
}

/** Says that a failed tell will run again. */
export function announceRetry(cell: Cell, message: TellMessage, error: TroupeError, afterMs: number): void {
  const trace = traceIdOf(message.turnTrace);
  const { method, messageId, attempts } = message;
  cell.host.events.emit({
    kind: "turn-retried",
    actor: cell.self,
    ...{ method, messageId, attempt: attempts, afterMs, code: error.code, message: error.message },
    ...(trace === undefined ? {} : { trace }),
  });
}

/** A bug of ours. Where it was thrown is all that helps then. */
export function logFault({ host, key }: Cell, thrown: unknown): void {
  const error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  host.log.error({ actor: key, error }, "an activation has failed by a fault of Troupe's own");
}
