// The ways from this process into each pool: its mail, and who owns its partitions. Opened when first needed, once.

import { TroupeError } from "../core/errors.ts";
import { partitionOf } from "../core/partition.ts";
import { Directory } from "./directory.ts";
import type { MailAddress } from "./mail.ts";
import { readMembers } from "./membership.ts";
import type { PoolPorts, Ports } from "./ports.ts";
import { TypeRegistry } from "./type-registry.ts";

/** An actor's method, and the pool that it lives in. */
export interface PooledAddress extends MailAddress {
  readonly pool: string;
}

/** The way into a pool. */
export interface Route extends PoolPorts {
  partitionOf(key: string): number;
}

export class Routes {
  readonly #ports: Ports;
  readonly #open = new Map<string, Route>();
  readonly #opening = new Map<string, Promise<Route>>();
  readonly #directories = new Map<string, Directory>();
  readonly #openingDirectories = new Map<string, Promise<Directory>>();
  #registry: Promise<TypeRegistry> | undefined;
  #isClosed = false;

  constructor(ports: Ports) {
    this.#ports = ports;
    const { pool, mail, partitionCount } = ports;
    this.#open.set(pool, routeOf({ pool, mail, partitionCount }));
  }

  /** The pool of the types that name none. */
  get ownPool(): string {
    return this.#ports.pool;
  }

  /** The way into a pool; undefined before it is opened. */
  find(pool: string): Route | undefined {
    return this.#open.get(pool);
  }

  /** Rejects as `connect` does. All that wait for one pool go on in the order in which they came. */
  open(pool: string): Promise<Route> {
    const known = this.#open.get(pool);
    if (known !== undefined) return Promise.resolve(known);
    return once(this.#opening, pool, async () => {
      const route = routeOf(await this.#ports.openPool(pool));
      this.#open.set(pool, route);
      return route;
    });
  }

  /** Who owns the partitions of a pool that is open; undefined before that is known. */
  findDirectory(pool: string): Directory | undefined {
    return this.#directories.get(pool);
  }

  /** Rejects as a store's `watch` does. */
  openDirectory(pool: string): Promise<Directory> {
    const known = this.#directories.get(pool);
    if (known !== undefined) return Promise.resolve(known);
    return once(this.#openingDirectories, pool, async () => {
      const { partitionCount } = await this.open(pool);
      const { cluster, clock } = this.#ports;
      const directory = await Directory.open({ cluster, clock, pool, partitionCount });
      if (this.#isClosed) {
        await directory.close();
        throw new TroupeError("CLOSED", "this client is closed");
      }
      this.#directories.set(pool, directory);
      return directory;
    });
  }

  /** What is known of the app's actor types. */
  types(): Promise<TypeRegistry> {
    this.#registry ??= TypeRegistry.open(this.#ports.cluster, this.#ports.clock).catch((thrown: unknown) => {
      this.#registry = undefined; // Tried again by whoever needs it next.
      throw thrown;
    });
    return this.#registry;
  }

  /** Why nobody answers for an actor: in words for its caller. */
  async explain({ pool, key, partition }: PooledAddress): Promise<string> {
    const type = key.slice(0, key.indexOf("."));
    const ofPool = (await readMembers(this.#ports.cluster)).filter((member) => member.pools.includes(pool));
    if (ofPool.length === 0) return `no live worker serves the pool ${pool}, which ${key} lives in`;
    if (ofPool.some((member) => Object.hasOwn(member.types, type))) {
      return `nobody serves ${key} just now (partition ${partition} of the pool ${pool})`;
    }
    return `no live worker of the pool ${pool} has the actor type ${type} (for ${key})`;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const registry = await this.#registry?.catch(() => undefined);
    await Promise.all([...[...this.#directories.values()].map((each) => each.close()), registry?.close()]);
  }
}

function routeOf(pool: PoolPorts): Route {
  const { partitionCount } = pool;
  return {
    ...pool,
    partitionOf: (key) => {
      const dot = key.indexOf(".");
      return partitionOf(key.slice(0, dot), key.slice(dot + 1), partitionCount);
    },
  };
}

/** Runs `make` unless it runs for that name already; forgets what has failed. */
function once<Made>(making: Map<string, Promise<Made>>, name: string, make: () => Promise<Made>): Promise<Made> {
  const before = making.get(name);
  if (before !== undefined) return before;
  const made = make().finally(() => making.delete(name));
  making.set(name, made);
  return made;
}
