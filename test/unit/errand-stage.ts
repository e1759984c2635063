// A worker or two, on a memory world whose faults are chosen, and a workflow of which a task ends when it is let.

import type { AnyActor } from "../../src/actors/definition.ts";
import { silentLogger } from "../../src/core/log.ts";
import { connect } from "../../src/runtime/client.ts";
import type { MemoryFault, MemoryOperation } from "../../src/runtime/memory-faults.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { append, book, listWorkflow } from "../contract/workflow-actors.ts";

export type Faults = (operation: MemoryOperation) => MemoryFault | undefined;

export async function opened(partitions = 1) {
  const clock = createSimulatedClock({ seed: 1 });
  const plan: { faults: Faults } = { faults: () => undefined };
  const world = new MemoryWorld({ clock, faults: (operation) => plan.faults(operation) });
  const ports = (name: string) => memoryPorts({ world, name });
  const worker = (actors: readonly AnyActor[], name: string) =>
    clock.runFor(createWorker({ actors, partitions, logger: silentLogger, ports: ports(name), name }));
  const client = await clock.runFor(connect({ ports: ports("c"), partitions }));
  return { clock, plan, worker, client, ports };
}

export const isCommitOf = (key: string, { kind, subject }: MemoryOperation) =>
  kind === "kv-write" && subject === `troupe_state.${key}`;

/** One task that says when it runs, and ends when it is let. */
export function oneTask() {
  const begun: (() => void)[] = [];
  const work = listWorkflow(
    "work",
    ({ task }) => [
      task(
        "t",
        (ctx) => {
          ctx.actor(book, "b").tell.add(ctx.path);
          return new Promise<string>((resolve) => begun.push(() => resolve(`run ${begun.length}`)));
        },
        { save: append, timeoutMs: 7_200_000 },
      ),
      task("u", () => "after", { save: append }),
    ],
    { progress: "none" },
  );
  return { work, begun, actors: [...work.actors, book] };
}
