// The options of a client and a worker: one documented interface each, one resolver, checked at the door.

import type { ConnectionOptions } from "@nats-io/transport-node";
import type { AnyActor } from "../actors/definition.ts";
import { TroupeError } from "../core/errors.ts";
import { checkName } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";
import { createLogger } from "../core/log.ts";
import type { ContextStoreSettings } from "../memory/context-store-options.ts";
import { natsPorts } from "./nats-ports.ts";
import type { OpenPorts } from "./ports.ts";

export interface TroupeOptions {
  /** Where NATS is: `nats://host:port`, one or several, also with commas. Default: `NATS_URL`, then `nats://127.0.0.1:4222`. */
  readonly servers?: string | readonly string[];
  /** Names everything on the server, so that apps can share one. Default "troupe". */
  readonly app?: string;
  /** The pool of the actor types that name none. Default "main". */
  readonly pool?: string;
  /** Partitions of that pool; fixed when the pool is first used. Default: what stands, else 64. */
  readonly partitions?: number;
  /** Passed to the NATS client as they are: credentials, TLS, the connection's name. */
  readonly nats?: Omit<ConnectionOptions, "servers">;
  /** Copies of each stream and bucket in a NATS cluster. Only for what is made now. Default 1. */
  readonly replicas?: number;
  /** Committed values kept of each actor. Only when the bucket is made now. Default 8, at most 64. */
  readonly history?: number;
  /** Values kept of each fact. Only when the facts' bucket is made now. Default 16, at most 64. */
  readonly factsHistory?: number;
  /** Values kept of each central state. Only when that bucket is made now. Default 8, at most 64. */
  readonly centralHistory?: number;
  /**
   * How `troupe.memory()`, and a worker's actors, read and write what agents remember: schemas, codecs, an embedder. All
   * clients and workers of an app need the same. Default: as it is stored.
   */
  readonly memory?: ContextStoreSettings;
  /**
   * Counts what happens in the process (`figures()`, metrics, and of a worker the dashboard). It costs next to nothing. Default: true for
   * a worker, false for a client.
   */
  readonly figures?: boolean;
  /** What to run on instead of NATS: `memoryPorts()` of `troupe/testing`. */
  readonly ports?: OpenPorts;
}

export interface WorkerOptions extends TroupeOptions {
  /** The actors that live here: those of them that belong to its pools. */
  readonly actors: readonly AnyActor[];
  /** The pools whose partitions this worker shares with others. Default: all that its actor types belong to. */
  readonly pools?: readonly string[];
  /** What `troupe ps` calls it. Default: none, its id alone. */
  readonly name?: string;
  /** Any logger of pino's shape. Default: pino on standard error, level `TROUPE_LOG` or "info". */
  readonly logger?: Logger;
  /**
   * Activations in memory, over all partitions. Beyond it those that were at rest longest are passivated; busy ones never
   * are, so that it may be exceeded. Unit: activations. Default 100,000.
   */
  readonly activationsMax?: number;
  /**
   * Told messages in memory that wait for their turn, of all actors together: their payload, with 128 for each. Beyond it
   * an actor has 4 KiB or one message of its own; the rest stays on the server. Unit: bytes. Default 64 MiB.
   */
  readonly mailboxBytesMax?: number;
  /** How long `drain` waits for turns and tasks that run. Unit: ms. Default 10,000. */
  readonly drainMsMax?: number;
  /**
   * How long a partition that another worker is to have is kept while turns or tasks in it take more than a second. After that they
   * have `drainMsMax`; what is under way then still is cut off, and begun anew by the next owner, its `step`s kept. Set it above your
   * longest task. Unit: ms. Default 60,000.
   */
  readonly handOverMsMax?: number;
  /** Ends the start, however long it takes: `createWorker` then rejects with CLOSED. No effect once it serves. */
  readonly signal?: AbortSignal;
}

export interface ResolvedOptions {
  readonly app: string;
  readonly pool: string;
  readonly openPorts: OpenPorts;
  readonly partitionCount: number | undefined;
  readonly memory: ContextStoreSettings;
}

export interface ResolvedWorkerOptions extends ResolvedOptions {
  /** By pool, and there by type. */
  readonly actors: ReadonlyMap<string, ReadonlyMap<string, AnyActor>>;
  readonly name: string | undefined;
  readonly logger: Logger;
  readonly activationsMax: number;
  readonly mailboxBytesMax: number;
  readonly drainMsMax: number;
  readonly handOverMsMax: number;
  readonly figures: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Throws NAME_INVALID or OPTION_INVALID. */
export function resolveOptions(options: TroupeOptions, role: "client" | "worker"): ResolvedOptions {
  const app = checkName("an app", options.app ?? "troupe");
  const pool = checkName("a pool", options.pool ?? "main");
  // An empty NATS_URL is one that is not set, as a shell sees it.
  const servers = options.servers ?? (process.env.NATS_URL || "nats://127.0.0.1:4222");
  const nats = {
    name: `troupe ${role} ${app}`,
    ...options.nats,
    servers: [servers].flat().flatMap((one) => one.split(",")),
  };
  const { replicas, history, factsHistory, centralHistory } = options;
  return {
    app,
    pool,
    partitionCount: whole("partitions", options.partitions, 1),
    memory: options.memory ?? {},
    openPorts:
      options.ports ??
      natsPorts({
        nats,
        replicas: whole("replicas", replicas, 1),
        history: whole("history", history, 1),
        factsHistory: whole("factsHistory", factsHistory, 1),
        centralHistory: whole("centralHistory", centralHistory, 1),
      }),
  };
}

/** Throws NAME_INVALID or OPTION_INVALID. */
export function resolveWorkerOptions(options: WorkerOptions): ResolvedWorkerOptions {
  const resolved = resolveOptions(options, "worker");
  return {
    ...resolved,
    actors: actorsByPool(options, resolved.pool),
    name: options.name === undefined ? undefined : checkName("a worker", options.name),
    logger: options.logger ?? createLogger(),
    activationsMax: whole("activationsMax", options.activationsMax, 1) ?? 100_000,
    mailboxBytesMax: whole("mailboxBytesMax", options.mailboxBytesMax, 1) ?? 67_108_864,
    drainMsMax: whole("drainMsMax", options.drainMsMax, 0) ?? 10_000,
    handOverMsMax: whole("handOverMsMax", options.handOverMsMax, 0) ?? 60_000,
    figures: options.figures ?? true,
    signal: options.signal,
  };
}

function actorsByPool({ actors, pools }: WorkerOptions, ownPool: string): ResolvedWorkerOptions["actors"] {
  const wanted = pools?.map((pool) => checkName("a pool", pool));
  const types = new Map<string, AnyActor>();
  const byPool = new Map<string, Map<string, AnyActor>>();
  for (const actor of actors) {
    const other = types.get(actor.type) ?? actor;
    if (other !== actor) throw new TroupeError("OPTION_INVALID", `\`actors\` holds the type ${actor.type} twice`);
    types.set(actor.type, actor);
    const pool = actor.pool ?? ownPool;
    if (wanted !== undefined && !wanted.includes(pool)) continue;
    byPool.set(pool, (byPool.get(pool) ?? new Map<string, AnyActor>()).set(actor.type, actor));
  }
  if (types.size === 0)
    throw new TroupeError("OPTION_INVALID", "`actors` is empty: a worker has at least one actor type");
  const empty = wanted?.find((pool) => !byPool.has(pool));
  if (empty === undefined && byPool.size > 0) return byPool;
  const known = [...new Set(actors.map((actor) => actor.pool ?? ownPool))].join(", ");
  const text = `\`pools\`: none of the actor types belongs to ${empty ?? "any pool that is named"}; theirs are: ${known}`;
  throw new TroupeError("OPTION_INVALID", text);
}

function whole(name: string, value: number | undefined, least: number): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return value;
  throw new TroupeError(
    "OPTION_INVALID",
    `\`${name}\` must be a whole number of ${least} or more, got ${String(value)}`,
  );
}
