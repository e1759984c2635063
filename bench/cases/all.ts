// The cases, in the order in which they are run and shown.

import { activate } from "./activate.ts";
import { askHot, askSingle, askSpread, querySpread } from "./ask.ts";
import { askLocal } from "./ask-local.ts";
import type { BenchCase } from "./case.ts";
import type { ClusterCase } from "./cluster-case.ts";
import type { DataCase } from "./data-case.ts";
import { failoverDrain, failoverFreeze, failoverKill } from "./failover.ts";
import { kvUpdate } from "./kv-update.ts";
import { memoryAppendHot, memoryAppendSpread } from "./memory-append.ts";
import { memoryBytes } from "./memory-bytes.ts";
import { memoryIdle } from "./memory-idle.ts";
import { memoryOpen } from "./memory-open.ts";
import { memoryRaces } from "./memory-races.ts";
import { memoryReadAll, memoryReadLast } from "./memory-read.ts";
import { memoryRecall } from "./memory-recall.ts";
import { memoryReplica } from "./memory-replica.ts";
import { observe } from "./observe.ts";
import { scaleJoin } from "./scale-join.ts";
import { scaleLoad } from "./scale-load.ts";
import { stateQuery, stateTransact2, stateTransact10, stateUpdate, stateUpdateHot } from "./state.ts";
import { tellHot, tellSpread } from "./tell.ts";
import { watchLag } from "./watch-lag.ts";
import { workflowBytes, workflowCpu, workflowResume, workflowRun, workflowWaiting } from "./workflow.ts";

export const allCases: readonly BenchCase[] = [
  askSingle,
  askSpread,
  askHot,
  askLocal,
  querySpread,
  tellSpread,
  tellHot,
  kvUpdate,
  watchLag,
  activate,
  memoryIdle,
  stateUpdate,
  stateUpdateHot,
  stateTransact2,
  stateTransact10,
  stateQuery,
  memoryAppendSpread,
  memoryAppendHot,
  memoryReadLast,
  memoryReadAll,
  workflowRun,
  workflowCpu,
  workflowBytes,
  workflowResume,
  workflowWaiting,
];

/** These take minutes, and run only when they are named. */
export const clusterCases: readonly ClusterCase[] = [
  failoverKill,
  failoverFreeze,
  failoverDrain,
  scaleLoad,
  scaleJoin,
  memoryOpen,
  memoryBytes,
  memoryRaces,
  memoryReplica,
  observe,
];

/** These read a folder that is given with `--data`, and run only when they are named. */
export const dataCases: readonly DataCase[] = [memoryRecall];
