// Troupe's workflows: runs of five tasks, and runs that wait for a signal.

import { z } from "zod";
import { FleetingMap, FleetingSet } from "../../src/core/fleeting-map.ts";
import { createWorker, defineWorkflow, silentLogger } from "../../src/index.ts";
import type { Done, Place, WorkflowSide } from "../side.ts";
import { settle } from "../side.ts";
import { bucketBytes } from "../workflow-bytes.ts";

const names = ["one", "two", "three", "four", "five"] as const;

export async function open({ servers, app }: Place): Promise<WorkflowSide> {
  /** By run: what its end is told to. */
  const waiting = new FleetingMap<string, () => void>();
  /** A turn has ended these; its commit is to follow, and none is before it. */
  const ending = new FleetingSet<string>();
  const hooks = {
    onTransition: ({ run }: { readonly run: string }, { path, to }: { readonly path: string; readonly to: string }) => {
      if (path === "" && to === "completed") ending.add(run);
    },
  };
  const options = { state: z.object({ done: z.number() }), initial: () => ({ done: 0 }), hooks };
  const five = defineWorkflow("five", options, ({ task }) =>
    names.map((name) =>
      task(name, () => 1, {
        save: (state, one) => {
          state.done += one;
        },
      }),
    ),
  );
  const patient = defineWorkflow("waiting", options, ({ waitFor }) => waitFor("go"));
  const worker = await createWorker({
    ...{ servers, app, logger: silentLogger },
    actors: [...five.actors, ...patient.actors],
  });

  worker.events.listen((event) => {
    if (event.kind === "committed" && ending.delete(event.actor.id)) waiting.get(event.actor.id)?.();
  });

  /** Resolves when the run is committed as completed. */
  async function toEnd(id: string): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.set(id, resolve);
    await worker.actor(five.run, id).ask.start();
    await promise;
    waiting.delete(id);
    return names.length;
  }

  /** The answer leaves when what it says is committed. */
  async function wake(id: string): Promise<number> {
    const { phase } = await worker.actor(patient.run, id).ask.signal({ name: "go" });
    if (phase !== "completed") throw new Error(`the run ${id} is ${phase}`);
    return 1;
  }

  return {
    run: (id, done: Done) => settle(toEnd(id), done),
    wait: (id, done: Done) =>
      settle(
        worker
          .actor(patient.run, id)
          .ask.start()
          .then(() => 1),
        done,
      ),
    wake: (id, done: Done) => settle(wake(id), done),
    bytes: () => bucketBytes(servers, app),
    close: () => worker.drain(),
  };
}
