// Troupe's workflows: runs of five tasks, and runs that wait for a signal.

import { z } from "zod";
import { createWorker, defineWorkflow, silentLogger } from "../../src/index.ts";
import type { Done, Place, WorkflowSide } from "../side.ts";
import { settle } from "../side.ts";
import { bucketBytes } from "../workflow-bytes.ts";

const names = ["one", "two", "three", "four", "five"] as const;

export async function open({ servers, app }: Place): Promise<WorkflowSide> {
  /** By run: what its end is told to. A turn tells of itself before its commit. */
  const ending = new Map<string, () => void>();
  const hooks = {
    onTransition: ({ run }: { readonly run: string }, { path, to }: { readonly path: string; readonly to: string }) => {
      if (path === "" && to === "completed") ending.get(run)?.();
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
  const waiting = defineWorkflow("waiting", options, ({ waitFor }) => waitFor("go"));
  const worker = await createWorker({
    ...{ servers, app, logger: silentLogger },
    actors: [...five.actors, ...waiting.actors],
  });

  /** Resolves when the run is committed as completed. */
  async function toEnd(of: typeof five, run: string, begin: () => Promise<unknown>): Promise<number> {
    const ended = Promise.withResolvers<void>();
    ending.set(run, ended.resolve);
    await begin();
    await ended.promise;
    ending.delete(run);
    // A query that stays in this process, and sees what is committed.
    while ((await worker.actor(of.run, run).ask.status()).phase !== "completed") {
      await new Promise((resolve) => setImmediate(resolve));
    }
    return names.length;
  }

  return {
    run: (id, done: Done) =>
      settle(
        toEnd(five, id, () => worker.actor(five.run, id).ask.start()),
        done,
      ),
    wait: (id, done: Done) =>
      settle(
        worker
          .actor(waiting.run, id)
          .ask.start()
          .then(() => 1),
        done,
      ),
    wake: (id, done: Done) =>
      settle(
        toEnd(waiting as never, id, () => worker.actor(waiting.run, id).ask.signal({ name: "go" })),
        done,
      ),
    bytes: () => bucketBytes(servers, app),
    close: () => worker.drain(),
  };
}
