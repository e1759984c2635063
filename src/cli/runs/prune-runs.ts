// Runs that are over, with everything that they have left on the server: which of them may go, and taking them away.
//
//   X1. A run goes when it has been over for long enough, is not stopped, and all that it was told and has sent is settled: at or
//       below the saved cursor of its partition. What is above that is read again by the next owner, who would begin the run anew.
//       The same holds of each of its tasks that is an actor.
//   X2. A child goes no sooner than its parent is over.
//   X3. First its progress goes, then its tasks, last the run, each only as it was looked at (K2). What is left when this is
//       interrupted is found by the run, the next time.

import type { Snapshot } from "../../actors/snapshot.ts";
import { isErrand } from "../../actors/snapshot.ts";
import { addressOf, keyOf } from "../../core/ids.ts";
import { stateKey } from "../../memory/state-model.ts";
import type { Troupe } from "../../runtime/client.ts";
import { workflowProgress, workflowProgressId } from "../../workflow/progress.ts";
import { isOver } from "../../workflow/run.ts";
import type { StoredRun } from "./read-runs.ts";
import { readRuns, readStoredRun, taskTypeOf, tryRead } from "./read-runs.ts";

export interface PruneRequest {
  /** Default: all workflows. */
  readonly workflow: string | undefined;
  /** Those that have been over for so long. Unit: ms. */
  readonly overForMs: number;
  /** The saved cursor of an actor's partition; 0 when it is not known. */
  readonly cursorOf: (key: string) => number;
  /** False: nothing is taken away, only counted. */
  readonly isApplied: boolean;
}

export interface Pruned {
  readonly runs: number;
  /** Actors of their tasks. */
  readonly tasks: number;
  /** Runs that stay: not over; over too short a time; over, but not settled, stopped, or with a parent that is not over. */
  readonly alive: number;
  readonly young: number;
  readonly unsettled: number;
}

interface Task {
  readonly key: string;
  readonly revision: number;
  readonly isSettled: boolean;
}

/** Rejects as the stores do. */
export async function pruneRuns(troupe: Troupe, request: PruneRequest): Promise<Pruned> {
  const { ports } = troupe;
  const { workflow, overForMs, cursorOf, isApplied } = request;
  const untilMs = ports.clock.now() - overForMs;
  const tasks = new TaskKeys(troupe);
  const tally = { runs: 0, tasks: 0, alive: 0, young: 0, unsettled: 0 };
  for await (const page of readRuns(troupe, workflow)) {
    const over = page.filter(({ run }) => isOver(run.phase));
    const old = over.filter(({ writtenAtMs }) => writtenAtMs <= untilMs);
    tally.alive += page.length - over.length;
    tally.young += over.length - old.length;
    const awaited = await parentsAlive(troupe, old);
    for (const stored of old) {
      const itsTasks = await tasks.of(stored, cursorOf);
      const isFree = isSettled(stored.snapshot, cursorOf(stored.key)) && !awaited.has(parentKey(stored) ?? "");
      const mayGo = isFree && itsTasks.every((task) => task.isSettled); // X1, X2
      if (!mayGo || (isApplied && !(await remove(troupe, stored, itsTasks)))) tally.unsettled += 1;
      else {
        tally.runs += 1;
        tally.tasks += itsTasks.length;
      }
    }
  }
  return tally;
}

/** X1. */
function isSettled({ stopped, inbox, guard, outbox }: Snapshot, cursor: number): boolean {
  return stopped === undefined && Math.max(inbox.seq, guard) <= cursor && !outbox.some(isErrand);
}

/** X3. False when somebody has written the run meanwhile. */
async function remove({ ports }: Troupe, { key, workflow, id, revision }: StoredRun, tasks: readonly Task[]) {
  const central = await ports.openCentral();
  const shown = stateKey(workflowProgress, workflowProgressId(workflow, id));
  if ((await central.get(shown)) !== undefined) await central.purge(shown);
  for (const task of tasks) {
    if ((await ports.state.purge(task.key, { expected: task.revision })).kind === "conflict") return false;
  }
  return (await ports.state.purge(key, { expected: revision })).kind === "written";
}

const parentKey = ({ run: { parent } }: StoredRun): string | undefined =>
  parent === undefined ? undefined : keyOf({ type: parent.type, id: parent.id });

/** The keys of those parents that are not over, as far as can be read (X2). */
async function parentsAlive({ ports }: Troupe, runs: readonly StoredRun[]): Promise<ReadonlySet<string>> {
  const keys = new Set(runs.flatMap((run) => parentKey(run) ?? []));
  const entries = keys.size === 0 ? [] : [...(await ports.state.getMany([...keys])).values()];
  const alive = entries.filter((entry) => {
    const parent = readStoredRun(entry);
    return parent === undefined || !isOver(parent.run.phase);
  });
  return new Set(alive.map(({ key }) => key));
}

/** The actors of tasks, by run: their ids are `<run>:<path>`, and no path has a colon. */
class TaskKeys {
  readonly #troupe: Troupe;
  /** By workflow, then by run. */
  readonly #known = new Map<string, ReadonlyMap<string, readonly string[]>>();

  constructor(troupe: Troupe) {
    this.#troupe = troupe;
  }

  async of({ workflow, id }: StoredRun, cursorOf: PruneRequest["cursorOf"]): Promise<readonly Task[]> {
    const keys = (await this.#ofWorkflow(workflow)).get(id) ?? [];
    if (keys.length === 0) return [];
    const entries = await this.#troupe.ports.state.getMany(keys);
    return [...entries.values()].map((entry) => {
      const snapshot = tryRead(entry);
      const isDone = snapshot !== undefined && isSettled(snapshot, cursorOf(entry.key));
      return { key: entry.key, revision: entry.revision, isSettled: isDone };
    });
  }

  async #ofWorkflow(workflow: string): Promise<ReadonlyMap<string, readonly string[]>> {
    const known = this.#known.get(workflow);
    if (known !== undefined) return known;
    const keys = await this.#troupe.list(`${taskTypeOf(workflow)}.*`);
    const byRun = Map.groupBy(keys, (key) => runOfTask(addressOf(key)?.id ?? ""));
    this.#known.set(workflow, byRun);
    return byRun;
  }
}

const runOfTask = (id: string): string => id.slice(0, id.lastIndexOf(":"));
