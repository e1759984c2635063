// The runs of all workflows as the central state store has them: how many are in which phase, and which changed last. One watch of the
// bucket feeds it.
//
//   I1. Counts are those of the states that stand; a run counts once, in the phase in which it was told last.
//   I2. Of a run what it is found and counted by is kept, in memory that `runsMax` bounds; what a list shows is read when it is asked
//       for. Of more runs those that ended longest ago are not listed any more, and counted still: nothing comes after their phase. Only
//       when so many have not ended there are some that are neither, and `left` says so.
//   I3. Listeners hear of what is news: also of what changed while the watch had lost its place.
//   I4. Who waits for somebody is known at once: runs that are held, and runs that wait for a signal.

import type { KvChange, KvEntry } from "../kv/store.ts";
import { stateIdOf } from "../memory/state-model.ts";
import { exists, standingOf } from "../memory/state-value.ts";
import type { WorkflowProgress } from "../workflow/progress.ts";
import { workflowProgress } from "../workflow/progress.ts";

/** A run as its progress says. */
export interface RunSummary {
  readonly key: string;
  readonly revision: number;
  readonly phase: string;
  /** When its progress was written. Unit: ms since the epoch. */
  readonly changedAtMs: number;
  readonly progress: WorkflowProgress;
}

export interface RunFilter {
  /** Or "waiting": those that wait for a signal, whatever their phase. */
  readonly phase?: string | undefined;
  /** Part of its id, whatever the case. */
  readonly search?: string | undefined;
}

export interface RunKeys {
  /** The one that changed last first. */
  readonly keys: readonly string[];
  /** For the next ones; undefined on the last page. */
  readonly cursor: string | undefined;
  readonly total: number;
}

export interface WorkflowPhases {
  /** Runs by phase. */
  readonly phases: Readonly<Record<string, number>>;
  readonly paused: number;
  /** Of those that go on, how many wait for a signal. */
  readonly awaiting: number;
}

/** Runs for which somebody has to do something (I4), all of them and one. */
export interface NeedyRuns {
  readonly count: number;
  readonly one: { readonly workflow: string; readonly run: string } | undefined;
}

interface KnownRun {
  readonly workflow: string;
  readonly run: string;
  readonly phase: string;
  readonly isPaused: boolean;
  readonly isAwaiting: boolean;
  readonly revision: number;
}

/** Runs of one workflow by key, the one that changed last at the end. */
type Runs = Map<string, KnownRun>;

/** Phases that nothing comes after. */
const ends: ReadonlySet<string> = new Set(
  Object.entries(workflowProgress.transitions).flatMap(([phase, events]) =>
    Object.keys(events).length === 0 ? [phase] : [],
  ),
);

/** What is made room for at once, so that looking for it is rare. */
const forgottenShare = 0.1;

export interface RunIndexOptions {
  /** Default 200,000: some 50 MB. */
  readonly runsMax?: number;
  /** Told of each run that changes (I3). */
  readonly onRun?: (run: RunSummary) => void;
}

export class RunIndex {
  readonly #options: RunIndexOptions;
  readonly #workflows = new Map<string, Runs>();
  /** The one that changed last at the end. */
  readonly #workflowOf = new Map<string, string>();
  /** Keys, the one that has been so for longest first (I4). */
  readonly #held = new Set<string>();
  readonly #awaiting = new Set<string>();
  /** How many of those that are known have ended. */
  #ended = 0;
  /** Runs that are counted and not known any more, by workflow and phase (I2). */
  readonly #forgotten = new Map<string, Map<string, number>>();
  /** Revisions that were known before the place was lost, by key, while what stands is told again (I3). */
  #before: ReadonlyMap<string, number> | undefined;
  #left = 0;

  constructor(options: RunIndexOptions = {}) {
    this.#options = options;
  }

  /** Changes of runs that are neither known nor counted (I2). */
  get left(): number {
    return this.#left;
  }

  /** The names of the workflows that have runs. */
  get workflows(): Iterable<string> {
    return new Set([...this.#workflows.keys(), ...this.#forgotten.keys()]);
  }

  phasesOf(workflow: string): WorkflowPhases {
    const phases: Record<string, number> = Object.fromEntries(this.#forgotten.get(workflow) ?? []);
    let paused = 0;
    let awaiting = 0;
    for (const { phase, isPaused, isAwaiting } of this.#workflows.get(workflow)?.values() ?? []) {
      phases[phase] = (phases[phase] ?? 0) + 1;
      if (isPaused) paused += 1;
      if (isAwaiting) awaiting += 1;
    }
    return { phases, paused, awaiting };
  }

  get held(): NeedyRuns {
    return this.#needy(this.#held);
  }

  get awaiting(): NeedyRuns {
    return this.#needy(this.#awaiting);
  }

  /** A page of a workflow's runs. */
  find(workflow: string, { phase, search }: RunFilter, limit: number, cursor: number | undefined): RunKeys {
    const wanted = search?.toLowerCase();
    const keys: string[] = [];
    let total = 0;
    let last = 0;
    let hasMore = false;
    for (const [key, known] of [...(this.#workflows.get(workflow) ?? [])].reverse()) {
      if (phase === "waiting" ? !known.isAwaiting : phase !== undefined && known.phase !== phase) continue;
      if (wanted !== undefined && !known.run.toLowerCase().includes(wanted)) continue;
      total += 1;
      if (cursor !== undefined && known.revision >= cursor) continue;
      if (keys.length === limit) hasMore = true;
      else {
        keys.push(key);
        last = known.revision;
      }
    }
    return { keys, total, cursor: hasMore ? String(last) : undefined };
  }

  /** Takes in what a watch of the central bucket tells (I1). */
  take(change: KvChange): void {
    if (change.kind === "current") {
      this.#before = undefined;
      return;
    }
    if (change.kind === "restarted") {
      const runs = [...this.#workflows.values()].flatMap((ofWorkflow) => [...ofWorkflow]);
      this.#before = new Map(runs.map(([key, { revision }]) => [key, revision]));
      this.#workflows.clear();
      this.#workflowOf.clear();
      this.#held.clear();
      this.#awaiting.clear();
      this.#forgotten.clear();
      this.#ended = 0;
      this.#left = 0;
      return;
    }
    const { entry, isSnapshot } = change;
    const id = stateIdOf(workflowProgress, entry.key);
    if (id === undefined) return;
    const summary = entry.operation === "put" ? readRun(entry) : undefined;
    const wasKnown = this.#drop(entry.key);
    if (summary === undefined) {
      const isTaken = entry.operation !== "put" && !isSnapshot;
      if (isTaken && !wasKnown) this.#forgetWholly(id.slice(0, id.indexOf("/")));
      return;
    }
    this.#add(summary);
    const isNews = !isSnapshot || (this.#before !== undefined && this.#before.get(entry.key) !== entry.revision);
    if (isNews) this.#options.onRun?.(summary);
  }

  #needy(keys: ReadonlySet<string>): NeedyRuns {
    const [key = ""] = keys;
    const known = this.#workflows.get(this.#workflowOf.get(key) ?? "")?.get(key);
    return { count: keys.size, one: known };
  }

  #add({ key, phase, revision, progress }: RunSummary): void {
    const { workflow, run, isPaused } = progress;
    const runsMax = this.#options.runsMax ?? 200_000;
    if (this.#workflowOf.size >= runsMax) this.#forgetEnded(Math.ceil(runsMax * forgottenShare));
    const hasEnded = ends.has(phase);
    if (this.#workflowOf.size >= runsMax) {
      if (hasEnded) this.#countForgotten(workflow, phase, 1);
      else this.#left += 1;
      return;
    }
    const runs = this.#workflows.get(workflow) ?? new Map<string, KnownRun>();
    this.#workflows.set(workflow, runs);
    const isAwaiting = !hasEnded && (progress.awaiting?.length ?? 0) > 0;
    runs.set(key, { workflow, run, phase, isPaused, isAwaiting, revision });
    this.#workflowOf.set(key, workflow);
    if (phase === "held") this.#held.add(key);
    if (isAwaiting) this.#awaiting.add(key);
    if (hasEnded) this.#ended += 1;
  }

  /** Returns whether it was known. */
  #drop(key: string): boolean {
    const workflow = this.#workflowOf.get(key);
    if (workflow === undefined) return false;
    const runs = this.#workflows.get(workflow);
    if (ends.has(runs?.get(key)?.phase ?? "")) this.#ended -= 1;
    runs?.delete(key);
    if (runs?.size === 0) this.#workflows.delete(workflow);
    this.#workflowOf.delete(key);
    this.#held.delete(key);
    this.#awaiting.delete(key);
    return true;
  }

  /** Makes room for up to so many: those that ended longest ago are only counted from now on (I2). */
  #forgetEnded(countMax: number): void {
    let left = Math.min(countMax, this.#ended);
    if (left === 0) return;
    for (const [key, workflow] of this.#workflowOf) {
      const phase = this.#workflows.get(workflow)?.get(key)?.phase ?? "";
      if (!ends.has(phase)) continue;
      this.#drop(key);
      this.#countForgotten(workflow, phase, 1);
      left -= 1;
      if (left === 0) return;
    }
  }

  /** A run was taken away (`troupe workflow prune`) that is not known: one of those that are only counted, of which most are completed. */
  #forgetWholly(workflow: string): void {
    const phases = this.#forgotten.get(workflow);
    const phase = [...ends].find((end) => (phases?.get(end) ?? 0) > 0);
    if (phase !== undefined) this.#countForgotten(workflow, phase, -1);
  }

  #countForgotten(workflow: string, phase: string, by: number): void {
    const phases = this.#forgotten.get(workflow) ?? new Map<string, number>();
    this.#forgotten.set(workflow, phases);
    const count = (phases.get(phase) ?? 0) + by;
    if (count > 0) phases.set(phase, count);
    else phases.delete(phase);
    if (phases.size === 0) this.#forgotten.delete(workflow);
  }
}

/** What a state of the central bucket says of a run; undefined for what says nothing of one. */
export function readRun(entry: KvEntry): RunSummary | undefined {
  try {
    const standing = standingOf(entry.key, entry);
    if (!exists(standing)) return undefined;
    const { status, data, at } = standing.stored;
    const progress = data as Partial<WorkflowProgress> | undefined;
    if (typeof progress?.workflow !== "string" || typeof progress.run !== "string") return undefined;
    return {
      ...{ key: entry.key, revision: entry.revision, phase: status, changedAtMs: at },
      progress: progress as WorkflowProgress,
    };
  } catch {
    // Not one of ours stands there.
    return undefined;
  }
}
