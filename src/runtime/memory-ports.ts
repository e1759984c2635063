// The ports in memory: a server that lives in this process and is gone with it. For tests, simulations and `--memory`.

import type { Clock } from "../core/clock.ts";
import { TroupeError } from "../core/errors.ts";
import { openMemoryStore } from "../kv/memory-store.ts";
import { headerBytesMax } from "../kv/writes.ts";
import { factsHistoryDefault, lazyMemory } from "./lazy-memory.ts";
import { lazily } from "./lazy-store.ts";
import type { Mail } from "./mail.ts";
import { MemoryFarStore } from "./memory-far-store.ts";
import type { FaultPlan } from "./memory-faults.ts";
import { openMemoryMail } from "./memory-mail.ts";
import { MemoryWorld } from "./memory-world.ts";
import type { OpenPorts, PoolPorts } from "./ports.ts";
import { subjectsOf } from "./subjects.ts";

export interface MemoryPortsOptions {
  /** Default: the machine's own. With a world: the world's. */
  readonly clock?: Clock;
  /** What goes wrong. Default: nothing. With a world: what the world was made with. */
  readonly faults?: FaultPlan;
  /** The server that all clients and workers of one test share. Default: one of its own. */
  readonly world?: MemoryWorld;
  /** By which the world knows the client that is opened with this, to cut or crash it. One client at a time. */
  readonly name?: string;
  /** By which the client that is opened with this counts its time; the server keeps the world's. Default: the world's. */
  readonly processClock?: Clock;
  /** Values of each actor that are kept. Default 8, at most 64. Only for what is made now. */
  readonly history?: number;
  /** Values of each fact that are kept. Default 16, at most 64. Only for what is made now. */
  readonly factsHistory?: number;
  /** Values of each central state that are kept. Default 8, at most 64. Only for what is made now. */
  readonly centralHistory?: number;
}

/**
 * Clients and workers that are opened with the same returned function, or with the same world, share a server.
 * Throws OPTION_INVALID.
 */
export function memoryPorts(options: MemoryPortsOptions = {}): OpenPorts {
  const {
    clock,
    faults,
    name,
    processClock,
    history = 8,
    factsHistory = factsHistoryDefault,
    centralHistory = 8,
  } = options;
  if (options.world !== undefined && (clock !== undefined || faults !== undefined)) {
    throw new TroupeError("OPTION_INVALID", "`clock` and `faults` belong to the world that is given");
  }
  const world =
    options.world ??
    new MemoryWorld({ ...(clock === undefined ? {} : { clock }), ...(faults === undefined ? {} : { faults }) });
  return async ({ app, pool, partitionCount }) => {
    const subjects = subjectsOf(app, pool);
    const connection = world.connect(name, processClock);
    const { place } = world;
    const valueBytesMax = world.payloadBytesMax - headerBytesMax;
    const openBucket = async (bucket: string, kept: number) =>
      new MemoryFarStore(
        await openMemoryStore({ bucket, place, history: kept, valueBytesMax, clock: world.clock }),
        connection,
      );
    const [state, cluster] = await Promise.all([
      openBucket(subjects.stateBucket, history),
      openBucket(subjects.clusterBucket, 1),
    ]);
    const memory = lazyMemory(async () => {
      const [entries, facts] = await Promise.all([
        openBucket(subjects.memoryBucket, 1),
        openBucket(subjects.factsBucket, factsHistory),
      ]);
      return { entries, facts };
    });
    const central = lazily(
      () => openBucket(subjects.centralBucket, centralHistory),
      (store) => store.close(),
    );
    const mails: Mail[] = [];
    const openPool = async (name: string, wanted?: number): Promise<PoolPorts> => {
      const ofPool = subjectsOf(app, name);
      const count = await world.ensureLayout(ofPool, wanted);
      const mail = openMemoryMail({ world, subjects: ofPool, connection });
      mails.push(mail);
      return { pool: name, mail, partitionCount: count };
    };
    const own = await openPool(pool, partitionCount);
    const close = async () => {
      await Promise.all(mails.map((mail) => mail.close()));
      await Promise.all([state.close(), cluster.close(), memory.close(), central.close()]);
    };
    const ownClock = processClock ?? world.clock;
    const { duplicateWindowMs } = world;
    return {
      ...own,
      ...{ clock: ownClock, state, cluster, duplicateWindowMs, openPool, close, openMemory: memory.open },
      openCentral: central.open,
      [Symbol.asyncDispose]: close,
    };
  };
}
