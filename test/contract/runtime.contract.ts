// The contract of the runtime: what users see, the same on every implementation of the ports.

import { runtimeAskContract } from "./runtime-ask.contract.ts";
import { runtimeCancelContract } from "./runtime-cancel.contract.ts";
import { runtimeCrashContract } from "./runtime-crash.contract.ts";
import { runtimeEvolutionContract } from "./runtime-evolution.contract.ts";
import { runtimeFiguresContract } from "./runtime-figures.contract.ts";
import { runtimeReentranceContract } from "./runtime-reentrance.contract.ts";
import { runtimeRememberContract } from "./runtime-remember.contract.ts";
import { runtimeSharingContract } from "./runtime-sharing.contract.ts";
import { runtimeStatusContract } from "./runtime-status.contract.ts";
import { runtimeSupervisionContract } from "./runtime-supervision.contract.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import { runtimeTellContract } from "./runtime-tell.contract.ts";
import { runtimeTimerContract } from "./runtime-timer.contract.ts";
import { runtimeWatchContract } from "./runtime-watch.contract.ts";

export function runtimeContract(name: string, open: OpenRuntime): void {
  runtimeAskContract(name, open);
  runtimeTellContract(name, open);
  runtimeCancelContract(name, open);
  runtimeCrashContract(name, open);
  runtimeReentranceContract(name, open);
  runtimeSupervisionContract(name, open);
  runtimeTimerContract(name, open);
  runtimeWatchContract(name, open);
  runtimeSharingContract(name, open);
  runtimeEvolutionContract(name, open);
  runtimeRememberContract(name, open);
  runtimeStatusContract(name, open);
  runtimeFiguresContract(name, open);
}
