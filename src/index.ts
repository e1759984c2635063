// The public surface of Troupe.

export type { Caller, DeepReadonly, QueryContext, TurnContext } from "./actors/context.ts";
export type {
  ActorDefinition,
  ActorOptions,
  AnyActor,
  Handler,
  HandlerOptions,
  Method,
  Query,
  RetryOptions,
} from "./actors/definition.ts";
export { actorDefaults, defineActor, handler, query } from "./actors/definition.ts";
export type { Upcaster, Upcasters } from "./actors/evolution.ts";
export type { AskOptions, Receipt, TellOptions, TurnRef, Wire } from "./actors/ref.ts";
export type { ChildFailure, Failure, FailurePolicy, FailureVerdict } from "./actors/supervision.ts";
export { childFailure } from "./actors/supervision.ts";
export type {
  CronOptions,
  EveryOptions,
  TellLaterOptions,
  Timer,
  TimerOptions,
  Timers,
  TimerWhen,
} from "./actors/timer.ts";
export type { Clock } from "./core/clock.ts";
export { systemClock } from "./core/clock.ts";
export type { ErrorCode, RetryVerdict, TroupeErrorOptions } from "./core/errors.ts";
export { errorCatalog, isTroupeError, TroupeError } from "./core/errors.ts";
export type { EventListener, RuntimeEvent, StopReason } from "./core/events.ts";
export { EventStream } from "./core/events.ts";
export type { ActorAddress } from "./core/ids.ts";
export type { JsonPatch, PatchOperation } from "./core/json-patch.ts";
export type { Logger } from "./core/log.ts";
export { createLogger, silentLogger } from "./core/log.ts";
export type { Telemetry, TelemetryOptions } from "./monitoring/telemetry.ts";
export { startTelemetry } from "./monitoring/telemetry.ts";
export type { Change, Committed } from "./runtime/changes.ts";
export type { ActorRef, ResumeOptions, Troupe, UntypedRef } from "./runtime/client.ts";
export { connect } from "./runtime/client.ts";
export type { TroupeOptions, WorkerOptions } from "./runtime/options.ts";
export type { Worker } from "./runtime/worker.ts";
export { createWorker } from "./runtime/worker.ts";
export type { Workflow, WorkflowOptions } from "./workflow/define-workflow.ts";
export { defineWorkflow } from "./workflow/define-workflow.ts";
export type {
  At,
  AttemptOptions,
  ChildOptions,
  ChildWorkflow,
  Flow,
  ForEachOptions,
  LoopOptions,
  RetryRule,
  Steps,
  TaskOptions,
  WaitOptions,
} from "./workflow/flow.ts";
export type { HookContext, ProgressSink, RunProgress, WorkflowHooks } from "./workflow/hooks.ts";
export type { Failure as RunFailure, Mark, Phase, Run, Transition } from "./workflow/run.ts";
export type { RunDefinition, RunStatus, Signal } from "./workflow/run-actor.ts";
export type { TaskContext } from "./workflow/task-context.ts";
export type { Migration, Migrations } from "./workflow/version.ts";
