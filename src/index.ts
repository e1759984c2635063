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
export type {
  MemoryFactOptions,
  MemoryInQuery,
  MemoryInTurn,
  MemoryPlaceOptions,
  MemoryReadOptions,
  MemoryRecallOptions,
} from "./actors/memory-context.ts";
export type { MemoryBringOptions, MemoryLogOptions, MemoryMessage, MemoryOptions } from "./actors/memory-options.ts";
export { memoryDefaults } from "./actors/memory-options.ts";
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
export type { Upcaster, Upcasters } from "./core/upcast.ts";
export type { MemoryStoreOptions } from "./kv/memory-store.ts";
export { MemoryPlace, openMemoryStore } from "./kv/memory-store.ts";
export type { LinkOptions, NatsLink } from "./kv/nats-link.ts";
export { openLink } from "./kv/nats-link.ts";
export type { NatsStoreOptions } from "./kv/nats-store.ts";
export { openNatsStore } from "./kv/nats-store.ts";
export type { SqliteStoreOptions } from "./kv/sqlite-store.ts";
export { openSqliteStore } from "./kv/sqlite-store.ts";
export type {
  KeyPattern,
  KvChange,
  KvEntry,
  KvStore,
  KvTransaction,
  KvWatcher,
  KvWrite,
  Revision,
} from "./kv/store.ts";
export type { ContextLog } from "./memory/context-log.ts";
export type { ContextStore } from "./memory/context-store.ts";
export { openContextStore } from "./memory/context-store.ts";
export type { ContextStoreOptions, ContextStoreSettings } from "./memory/context-store-options.ts";
export { contextStoreDefaults } from "./memory/context-store-options.ts";
export type { Entry, EntryKind, NewEntry } from "./memory/entry.ts";
export type { EraseOptions } from "./memory/erasure.ts";
export type { ErasedScope, ErasureReceipt } from "./memory/erasure-receipt.ts";
export type { ErasureScan, LeftOver } from "./memory/erasure-scan.ts";
export type { Fact, FactOptions } from "./memory/fact.ts";
export type { FactFormOptions } from "./memory/fact-form.ts";
export type { FactMoment, FactVersion } from "./memory/fact-history.ts";
export type { DeleteOptions, FactOutcome, FactWriteOptions } from "./memory/fact-outcome.ts";
export type { MergePolicy } from "./memory/fact-policy.ts";
export type { FactListOptions, FactPage, Facts, FactUpdater, HeldAtOptions, MergeOptions } from "./memory/facts.ts";
export type { Head } from "./memory/head.ts";
export type { ScopeListOptions, ScopePage } from "./memory/list-scopes.ts";
export type {
  Appended,
  AppendedEntry,
  AppendOptions,
  Compaction,
  CompactOptions,
  ForkOptions,
  LogWindow,
  ReadOptions,
  Summarize,
  TruncateOptions,
  Truncation,
  WindowOptions,
} from "./memory/log-calls.ts";
export type { LogReading } from "./memory/log-read.ts";
export type { EntrySchemaOptions } from "./memory/log-schema.ts";
export type { MemoryChange, MemoryCursor } from "./memory/memory-change.ts";
export type { MemoryReplica, ReplicaOptions } from "./memory/memory-replica.ts";
export type { MemoryWatch, MemoryWatchOptions } from "./memory/memory-watch.ts";
export type { RecallDocument } from "./memory/recall/document.ts";
export type { Embedder } from "./memory/recall/embedder.ts";
export type { RecallHit, RecallResult, RecallWhy } from "./memory/recall/hit.ts";
export type { RecallOptions, RecallProgress } from "./memory/recall-follower.ts";
export type { ReplicaLag } from "./memory/replica/lag.ts";
export type { MemoryRevisions, WaitOptions } from "./memory/replica/revision-waits.ts";
export type { AppliedScope, ApplyOptions } from "./memory/retention.ts";
export type { PlannedScope, RetentionPlan, RetentionRequest } from "./memory/retention-plan.ts";
export type { RetentionDefault, RetentionPolicy } from "./memory/retention-policy.ts";
export type { Scope, ScopePattern } from "./memory/scope.ts";
export { anyId, parseScope, scopeKey } from "./memory/scope.ts";
export type { AgentActivity } from "./memory/state-agent.ts";
export { agentStatus, agentStatusId } from "./memory/state-agent.ts";
export type { Created, Deleted, Edit, Transitioned, Updated } from "./memory/state-change.ts";
export { diagramOf } from "./memory/state-diagram.ts";
export type { StateLock } from "./memory/state-lock.ts";
export type { LockOptions } from "./memory/state-lock-wait.ts";
export type { AnyModel, ModelOptions, StateModel, TransitionTable } from "./memory/state-model.ts";
export { defineState } from "./memory/state-model.ts";
export type { Moment, StateChange } from "./memory/state-past.ts";
export type { OrderBy, OrderValue, StatePage, StateQuery } from "./memory/state-query.ts";
export type { StateStore, StateStoreOptions, SweepOptions } from "./memory/state-store.ts";
export { openStateStore } from "./memory/state-store.ts";
export type { ChangeOptions, States } from "./memory/state-table.ts";
export type { Refusal, StateRef, StateTransaction, Transacted, TransactOptions } from "./memory/state-transaction.ts";
export type { Origin, State, StateOf } from "./memory/state-value.ts";
export type { StateNews, StateWatchOptions } from "./memory/state-watch.ts";
export type { CountTokens } from "./memory/token-count.ts";
export { approximateTokens } from "./memory/token-count.ts";
export type { ValueCodec } from "./memory/value-codec.ts";
export type { KeepsFigures, MetricProducerOptions } from "./monitoring/metrics-producer.ts";
export { metricProducer } from "./monitoring/metrics-producer.ts";
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
export type { Failure as RunFailure } from "./workflow/failure.ts";
export type {
  At,
  AttemptOptions,
  ChildOptions,
  ChildWorkflow,
  Flow,
  ForEachOptions,
  LoopOptions,
  ReadStateOptions,
  RetryRule,
  Steps,
  TaskOptions,
  WaitForOptions,
} from "./workflow/flow.ts";
export type { HookContext, ProgressSink, RunProgress, WorkflowHooks } from "./workflow/hooks.ts";
export type { WorkflowProgress } from "./workflow/progress.ts";
export { workflowProgress, workflowProgressId } from "./workflow/progress.ts";
export type { Mark, Phase, Run, Transition } from "./workflow/run.ts";
export type { RunDefinition, RunStatus, Signal } from "./workflow/run-actor.ts";
export type { TaskContext } from "./workflow/task-context.ts";
export type { Migration, Migrations } from "./workflow/version.ts";
