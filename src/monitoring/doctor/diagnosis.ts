// What the doctor has seen, as one value: `--json` prints it, and the findings are drawn from it.

import type { AccountFacts, ServerFacts, SyncFacts, UserFacts } from "../../runtime/inspect.ts";
import type { StreamFacts } from "../../runtime/inspect-stream.ts";
import type { WorkerFacts } from "../cluster-picture.ts";
import type { PoolFacts } from "../pool-picture.ts";
import type { Survival } from "./durability.ts";

/** Where the sync interval was read. */
export type SyncSource = "the server" | "its monitoring" | "this folder's server, which runs with the defaults";

export interface Finding {
  /** What it is about, whatever its figures say: of the same trouble it is the same a second later, of another it is another. */
  readonly id: string;
  /** "problem": Troupe does not work, or does not keep what it promises, and the exit code is 1. */
  readonly level: "problem" | "warning" | "note";
  readonly text: string;
  readonly remedy: string;
}

export interface AppDiagnosis {
  readonly pools: Readonly<Record<string, number>>;
  /** The same, each with what serves it and what waits in it. */
  readonly byPool: readonly PoolFacts[];
  readonly streams: readonly StreamFacts[];
  readonly survival: readonly Survival[];
  readonly workers: readonly WorkerFacts[];
  /** Partitions of all pools that no living worker owns. */
  readonly unowned: number;
  readonly mail: {
    /** Messages in the mail stream, handled ones that are not trimmed yet included. */
    readonly stored: number;
    readonly timers: number;
    /** Messages that wait, in how many partitions, and for how long the oldest does. */
    readonly waiting: number;
    readonly waitingPartitions: number;
    readonly oldestWaitingMs: number;
    readonly duplicateWindowMs: number;
  };
  readonly deadLetters: number;
}

export interface Diagnosis {
  readonly app: string;
  readonly server: ServerFacts;
  readonly user: UserFacts | undefined;
  /** Undefined: JetStream is not to be had; a finding says why. */
  readonly account: AccountFacts | undefined;
  readonly sync: (SyncFacts & { readonly source: SyncSource }) | undefined;
  /** Undefined: there is no such app. */
  readonly found: AppDiagnosis | undefined;
  readonly otherApps: readonly string[];
}
