// What a user's test of actors needs: a worker and a client in memory, and the ways to look inside.

import type { ActorDefinition, AnyActor, MethodTable } from "../actors/definition.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import { silentLogger } from "../core/log.ts";
import type { ActorRef, Troupe } from "./client.ts";
import { connect } from "./client.ts";
import { deadHeaderNames } from "./mail-dead.ts";
import type { FaultPlan } from "./memory-faults.ts";
import { memoryPorts } from "./memory-ports.ts";
import { MemoryWorld } from "./memory-world.ts";
import { subjectsOf } from "./subjects.ts";
import type { Worker } from "./worker.ts";
import { createWorker } from "./worker.ts";

export interface TestTroupeOptions {
  readonly actors: readonly AnyActor[];
  /** Default: the machine's own. With `createSimulatedClock` time goes on only when the test says so. */
  readonly clock?: Clock;
  /** What goes wrong. Default: nothing. */
  readonly faults?: FaultPlan;
  /** Default: one that says nothing. */
  readonly logger?: Logger;
  /** Default 4. */
  readonly partitions?: number;
}

/** A message that was given up on, as a test wants to see it. */
export interface TestDeadLetter {
  /** `type.id`, the id escaped. */
  readonly key: string;
  readonly method: string;
  readonly input: unknown;
  readonly code: string;
  readonly reason: string;
  readonly attempts: number;
}

/** Closed with `await using`, or `close()`. */
export interface TestTroupe extends AsyncDisposable {
  readonly world: MemoryWorld;
  /** In another process than the worker, as far as the actors can tell. */
  readonly client: Troupe;
  readonly worker: Worker;
  /** The client's. Throws ID_INVALID. */
  actor<S, M extends MethodTable<S>>(definition: ActorDefinition<S, M>, id: string): ActorRef<S, M>;
  /** Ends the worker, politely or (`isAbrupt`) as a crash would, and starts another. What is stored stays. */
  restart(options?: { readonly isAbrupt?: boolean }): Promise<Worker>;
  deadLetters(): readonly TestDeadLetter[];
  close(): Promise<void>;
}

/** A worker with these actors and a client, in memory. */
export async function createTestTroupe(options: TestTroupeOptions): Promise<TestTroupe> {
  const { clock, faults, actors, logger = silentLogger, partitions = 4 } = options;
  const world = new MemoryWorld({
    ...(clock === undefined ? {} : { clock }),
    ...(faults === undefined ? {} : { faults }),
  });
  const ports = memoryPorts({ world });
  const startWorker = () => createWorker({ actors, logger, partitions, ports });
  let worker = await startWorker();
  const client = await connect({ ports, partitions });
  const close = async () => {
    await client.close();
    await worker.close();
  };
  return {
    ...{ world, client, close },
    get worker() {
      return worker;
    },
    actor: (definition, id) => client.actor(definition, id),
    restart: async ({ isAbrupt = false } = {}) => {
      await (isAbrupt ? worker.close() : worker.drain());
      worker = await startWorker();
      return worker;
    },
    deadLetters: () => deadLettersOf(world, client.app),
    [Symbol.asyncDispose]: close,
  };
}

function deadLettersOf(world: MemoryWorld, app: string): readonly TestDeadLetter[] {
  return world.buried(subjectsOf(app, "main")).map(({ subject, payload, lines }) => {
    const headerOf = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    const [type = "", id = "", method = ""] = subject.slice(`${app}.dead.`.length).split(".");
    const text = Buffer.from(payload).toString();
    return {
      key: `${type}.${id}`,
      method,
      input: text === "" ? undefined : (JSON.parse(text) as unknown),
      code: headerOf(deadHeaderNames.code) ?? "",
      reason: headerOf(deadHeaderNames.reason) ?? "",
      attempts: Number(headerOf(deadHeaderNames.attempts)),
    };
  });
}
