// What the contract of the runtime runs on: an app of its own on a server, real or in memory, workers and clients that
// are closed with it, and waits that have a deadline.

import fc from "fast-check";
import { expect } from "vitest";
import type { AnyActor } from "../../src/actors/definition.ts";
import type { ErrorCode, TroupeError } from "../../src/core/errors.ts";
import { isTroupeError } from "../../src/core/errors.ts";
import type { RuntimeEvent } from "../../src/core/events.ts";
import { silentLogger } from "../../src/core/log.ts";
import type { KvStore } from "../../src/kv/store.ts";
import type { ActorRef, Troupe } from "../../src/runtime/client.ts";
import { connect } from "../../src/runtime/client.ts";
import type { Mail } from "../../src/runtime/mail.ts";
import { deadHeaderNames } from "../../src/runtime/mail-dead.ts";
import type { WorkerOptions } from "../../src/runtime/options.ts";
import type { MemoryBuckets, OpenPorts, Ports } from "../../src/runtime/ports.ts";
import type { Worker } from "../../src/runtime/worker.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import type { Buried } from "./mail-support.ts";
import { anyId, bytes, eventually, within } from "./mail-support.ts";

/** Few, so that actors share them and a worker starts quickly. */
export const partitions = 4;

/** An app of its own on a server. */
export interface RuntimeUnderTest extends AsyncDisposable {
  readonly app: string;
  readonly ports: OpenPorts;
  buried(): Promise<readonly Buried[]>;
}

export type OpenRuntime = () => Promise<RuntimeUnderTest>;

/** Workers and clients of one test; all are closed when it ends. */
export class Stage implements AsyncDisposable {
  readonly #runtime: RuntimeUnderTest;
  readonly #opened = new AsyncDisposableStack();

  private constructor(runtime: RuntimeUnderTest) {
    this.#runtime = this.#opened.use(runtime);
  }

  static async open(open: OpenRuntime): Promise<Stage> {
    return new Stage(await open());
  }

  async worker(
    actors: readonly AnyActor[],
    ports: OpenPorts = this.#runtime.ports,
    options: Partial<WorkerOptions> = {},
  ): Promise<Worker> {
    const { app } = this.#runtime;
    const common = { app, actors, ports, partitions, logger: silentLogger, drainMsMax: 2_000 };
    const worker = await createWorker({ ...common, ...options });
    this.#opened.defer(() => worker.close());
    return worker;
  }

  async client(ports: OpenPorts = this.#runtime.ports): Promise<Troupe> {
    return this.#opened.use(await connect({ app: this.#runtime.app, ports, partitions }));
  }

  /** A worker and a client beside it. */
  async both(actors: readonly AnyActor[]): Promise<{ worker: Worker; client: Troupe }> {
    const worker = await this.worker(actors);
    return { worker, client: await this.client() };
  }

  /** The server's ports with a mail in front of which something stands. */
  portsBehind(front: (mail: Mail) => Partial<Mail>): OpenPorts {
    return async (request): Promise<Ports> => {
      const ports = await this.#runtime.ports(request);
      const mail = behind(ports.mail, front(ports.mail));
      return { ...ports, mail };
    };
  }

  /** The same with a memory whose entries, or facts, have something in front of them. */
  portsBehindMemory(
    front: (buckets: MemoryBuckets) => { entries?: Partial<KvStore>; facts?: Partial<KvStore> },
  ): OpenPorts {
    return async (request): Promise<Ports> => {
      const ports = await this.#runtime.ports(request);
      const openMemory = async () => {
        const buckets = await ports.openMemory();
        const { entries = {}, facts = {} } = front(buckets);
        return { entries: behind(buckets.entries, entries), facts: behind(buckets.facts, facts) };
      };
      return { ...ports, openMemory };
    };
  }

  /** The same with something in front of the cluster bucket. */
  portsBehindCluster(front: (cluster: KvStore) => Partial<KvStore>): OpenPorts {
    return async (request): Promise<Ports> => {
      const ports = await this.#runtime.ports(request);
      return { ...ports, cluster: behind(ports.cluster, front(ports.cluster)) };
    };
  }

  /** The same with something in front of the central state store. */
  portsBehindCentral(front: (central: KvStore) => Partial<KvStore>): OpenPorts {
    return async (request): Promise<Ports> => {
      const ports = await this.#runtime.ports(request);
      const openCentral = async () => {
        const central = await ports.openCentral();
        return behind(central, front(central));
      };
      return { ...ports, openCentral };
    };
  }

  /** Takes away what the cluster bucket says of the partitions, as when it was made anew, or writes something else there. */
  async forgetPartitions(text?: string): Promise<void> {
    const { app, ports } = this.#runtime;
    await using opened = await ports({ app, pool: "main", partitionCount: partitions });
    const { cluster } = opened;
    const keys = [...(await cluster.list("partition.>")), ...(await cluster.list("cursor.>"))];
    await Promise.all(keys.map((key) => (text === undefined ? cluster.purge(key) : cluster.put(key, bytes(text)))));
  }

  async deadLetters(): Promise<readonly { readonly text: string; readonly code: string; readonly attempts: number }[]> {
    return (await this.#runtime.buried()).map(({ payload, lines }) => {
      const header = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? "";
      return {
        text: Buffer.from(payload).toString(),
        code: header(deadHeaderNames.code),
        attempts: Number(header(deadHeaderNames.attempts)),
      };
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync();
  }
}

function behind<Port extends object>(port: Port, front: Partial<Port>): Port {
  return new Proxy(port, {
    get: (target, name) => {
      const value: unknown = Reflect.get(front, name) ?? Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Resolves with the first event that fits. Arm it before the cause. */
export function eventOf<Kind extends RuntimeEvent["kind"]>(
  troupe: Troupe,
  kind: Kind,
  fits: (event: RuntimeEvent & { readonly kind: Kind }) => boolean = () => true,
): Promise<RuntimeEvent & { readonly kind: Kind }> {
  const seen = new Promise<RuntimeEvent & { readonly kind: Kind }>((resolve) => {
    const isIt = (event: RuntimeEvent): event is RuntimeEvent & { readonly kind: Kind } => event.kind === kind;
    const stop = troupe.events.listen((event) => {
      if (!isIt(event) || !fits(event)) return;
      stop();
      resolve(event);
    });
  });
  return within(`the event ${kind}`, seen);
}

/** The events of one kind so far, and from now on. */
export function eventsOf<Kind extends RuntimeEvent["kind"]>(
  troupe: Troupe,
  kind: Kind,
): readonly (RuntimeEvent & { readonly kind: Kind })[] {
  const seen: (RuntimeEvent & { readonly kind: Kind })[] = [];
  const isIt = (event: RuntimeEvent): event is RuntimeEvent & { readonly kind: Kind } => event.kind === kind;
  troupe.events.listen((event) => {
    if (isIt(event)) seen.push(event);
  });
  return seen;
}

/** Waits until there are so many. A commit can be seen in the bucket before its owner, who tells of it, knows of it. */
export function untilCount(events: readonly unknown[], count: number, { events: stream }: Troupe): Promise<void> {
  const seen = new Promise<void>((resolve) => {
    const look = () => {
      if (events.length < count) return;
      stop();
      resolve();
    };
    const stop = stream.listen(look);
    look();
  });
  return within(`${count} events`, seen);
}

/** The error that a promise rejects with, which must have this code and say what to do. */
export async function rejection(promise: Promise<unknown>, code: ErrorCode): Promise<TroupeError> {
  const thrown = await within(
    `a rejection with ${code}`,
    promise.then(
      (value) => new Error(`resolved with ${JSON.stringify(value)}`),
      (error: unknown) => error,
    ),
  );
  if (!isTroupeError(thrown)) throw thrown;
  expect(thrown.code, thrown.message).toBe(code);
  expect(thrown.message).not.toBe("");
  expect(thrown.remedy).not.toBe("");
  return thrown;
}

/** Of whom nobody, or not in time, has given an answer yet. */
const unanswered: readonly ErrorCode[] = ["ASK_UNREACHABLE", "ASK_TIMEOUT"];

/** The error that an ask comes to: it is asked again until those who answer it have taken over. */
export async function lastRejection(ask: () => Promise<unknown>, code: ErrorCode): Promise<TroupeError> {
  const thrown = await eventually(`an answer with ${code}`, () =>
    ask().then(
      (value) => new Error(`resolved with ${JSON.stringify(value)}`),
      (error: unknown) => (isTroupeError(error) && unanswered.includes(error.code) ? undefined : error),
    ),
  );
  return rejection(Promise.reject(thrown), code);
}

/** The first committed state that fits, from what stands now on. */
export function committedState<State, Methods>(
  actor: ActorRef<State, Methods>,
  fits: (state: State) => boolean,
): Promise<State> {
  const stop = new AbortController();
  const look = async () => {
    for await (const change of actor.watch({ signal: stop.signal })) {
      if (change.kind === "committed" && fits(change.state)) return change.state;
    }
    throw new Error("the watch ended");
  };
  return within(`a state of ${actor.type}/${actor.id}`, look()).finally(() => stop.abort());
}

/** A door that a handler waits at until the test opens it. */
export class Gate {
  readonly #opened = Promise.withResolvers<void>();
  readonly #reached = Promise.withResolvers<void>();

  /** Resolves when somebody has come to it. */
  get reached(): Promise<void> {
    return within("somebody is at the gate", this.#reached.promise);
  }
  pass(): Promise<void> {
    this.#reached.resolve();
    return this.#opened.promise;
  }
  open(): void {
    this.#opened.resolve();
  }
}

/** Ids that have reached other subjects elsewhere. */
export const awkwardIds = ["a.b", "*", ">", "a b", "a\r\nb: c", "=41", "ä", "😀", "__proto__", "constructor", " ", "/"];
export const anyAwkwardId = fc.oneof(fc.constantFrom(...awkwardIds), anyId);
