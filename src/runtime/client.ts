// The client's side: typed references to actors, and the ways to them.

import type { ActorDefinition, AnyActor, MethodTable } from "../actors/definition.ts";
import { checkedInput } from "../actors/method-input.ts";
import type { AskOptions, AskTable, Receipt, TellOptions, TellTable } from "../actors/ref.ts";
import { methodTable } from "../actors/ref.ts";
import { resumeMethod } from "../actors/system-methods.ts";
import type { Question } from "../actors/turn.ts";
import { delay } from "../core/clock.ts";
import { printJson } from "../core/codec.ts";
import { TroupeError } from "../core/errors.ts";
import { EventStream } from "../core/events.ts";
import type { FiguresSnapshot } from "../core/figures.ts";
import { checkName, keyOf } from "../core/ids.ts";
import type { Traceparent } from "../core/trace.ts";
import type { ContextStore } from "../memory/context-store.ts";
import type { ContextStoreSettings } from "../memory/context-store-options.ts";
import type { StateStore } from "../memory/state-store.ts";
import { openStateStore } from "../memory/state-store.ts";
import type { HereDoor } from "./asker.ts";
import { Asker } from "./asker.ts";
import type { AskOrigin } from "./cell-host.ts";
import type { Change, Committed } from "./changes.ts";
import { readCommitted, readHistory, watchChanges } from "./changes.ts";
import { ClientMemory } from "./client-memory.ts";
import { heardPorts } from "./heard-ports.ts";
import { KeptFigures } from "./kept-figures.ts";
import type { TroupeOptions } from "./options.ts";
import { resolveOptions } from "./options.ts";
import type { Ports } from "./ports.ts";
import type { Route } from "./routes.ts";
import { Routes } from "./routes.ts";
import { Teller } from "./teller.ts";

/** A reference to one actor. Making one costs nothing and asks nobody. */
export interface ActorRef<State, Methods> {
  readonly type: string;
  readonly id: string;
  /** Asks and waits for the answer, which comes after the commit that it speaks of. */
  readonly ask: AskTable<Methods>;
  /** Tells: resolves when the server has the message. */
  readonly tell: TellTable<Methods>;
  /** Starts it again when it was stopped (ACTOR_STOPPED). */
  resume(options?: ResumeOptions): Promise<"resumed" | "running">;
  /** The committed value; undefined when the actor has none. Read from the store, not from the actor. */
  get(): Promise<Committed<State> | undefined>;
  /** The committed values that are kept, oldest first. */
  history(): Promise<readonly Change<State>[]>;
  /** What stands now, then each change, for ever; never silently stale. Ends with `signal` or `break`. */
  watch(options?: { readonly signal?: AbortSignal }): AsyncIterable<Change<State>>;
}

/** A client of an app. */
export interface Troupe extends AsyncDisposable {
  readonly app: string;
  readonly events: EventStream;
  /** Throws ID_INVALID. */
  actor<S, M extends MethodTable<S>>(definition: ActorDefinition<S, M>, id: string): ActorRef<S, M>;
  /** By name, untyped: for tools. The input is checked by the actor only. */
  untyped(type: string, id: string): UntypedRef;
  /**
   * What it has counted since it was made, and how its process stands; without any series when its option `figures` is false, as it is
   * by default for a client.
   */
  figures(): FiguresSnapshot;
  /** The changes of all actors whose key `type.id` matches the pattern (`counter.*`, `>`). */
  watch(pattern: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<Change<unknown>>;
  /** The keys `type.id` (ids escaped) of the actors that have a committed value and match, sorted. */
  list(pattern: string): Promise<readonly string[]>;
  /**
   * The central state store: states of models that many share (`defineState`). Its bucket is opened by the first call. `actor`: who makes
   * the changes that do not say it themselves.
   */
  states(actor?: string): Promise<StateStore>;
  /**
   * What agents remember: logs, facts, recall, watches, replicas. Opened by the first call, made on the server when it is
   * not there, the same for all callers, closed with the client. Rejects with OPTION_INVALID, CLOSED, and as opening a
   * bucket does.
   */
  memory(): Promise<ContextStore>;
  readonly ports: Ports;
  close(): Promise<void>;
}

export interface ResumeOptions {
  /** Keep the message that it stopped at as a dead letter, instead of trying it again. Default false. */
  readonly skip?: boolean;
  /** Unit: ms. Default 10,000. */
  readonly timeoutMs?: number;
}

export interface UntypedRef {
  ask(method: string, input?: unknown, options?: AskOptions): Promise<unknown>;
  tell(method: string, input?: unknown, options?: TellOptions): Promise<{ readonly sequence: number }>;
  resume(options?: ResumeOptions): Promise<"resumed" | "running">;
  get(): Promise<Committed<unknown> | undefined>;
  history(): Promise<readonly Change<unknown>[]>;
}

/** Connects a client. Rejects with SERVER_UNREACHABLE, SERVER_TOO_OLD, SERVER_UNSUITABLE, LAYOUT_MISMATCH. */
export async function connect(options: TroupeOptions = {}): Promise<Troupe> {
  const { app, pool, openPorts, partitionCount, memory } = resolveOptions(options, "client");
  const events = new EventStream();
  const ports = heardPorts(await openPorts({ app, pool, partitionCount }), events);
  return new TroupeClient(app, ports, events, { memory, keepsFigures: options.figures ?? false });
}

/** How long it may take to learn of the app's actor types. Unit: ms. */
const registryMsMax = 5_000;

interface ClientParts {
  /** The actors that live in this process. */
  readonly here?: HereDoor;
  readonly memory?: ContextStoreSettings;
  /** Default: false. */
  readonly keepsFigures?: boolean;
}

export class TroupeClient implements Troupe {
  readonly app: string;
  readonly ports: Ports;
  readonly events: EventStream;
  readonly routes: Routes;
  readonly #asker: Asker;
  readonly #teller: Teller;
  readonly #memory: ClientMemory;
  readonly #figures: KeptFigures;
  #closing: Promise<void> | undefined;

  constructor(app: string, ports: Ports, events: EventStream, parts: ClientParts = {}) {
    const { here, memory = {}, keepsFigures: isOn = false } = parts;
    const { clock } = ports;
    this.#figures = new KeptFigures({ id: isOn ? clock.uniqueId() : app, clock, events, isOn });
    this.app = app;
    this.ports = ports;
    this.events = events;
    this.#memory = new ClientMemory(ports, { events, ...memory });
    this.routes = new Routes(ports);
    this.#asker = new Asker(this.routes, ports.clock, events, here);
    this.#teller = new Teller(ports.clock, events, ports.duplicateWindowMs);
    ports.mail.onConnection((state) => {
      events.emit({ kind: state === "lost" ? "connection-lost" : "connection-restored" });
    });
  }

  actor<S, M extends MethodTable<S>>(definition: ActorDefinition<S, M>, id: string): ActorRef<S, M> {
    const { type } = definition;
    const key = keyOf({ type, id });
    const any = definition as unknown as AnyActor;
    const pool = this.#poolOf(any);
    const ask = methodTable<AskOptions>(any.methods, "ask", (method, input, options) =>
      this.#ask(any, key, method, input, options, undefined),
    );
    const tell = methodTable<TellOptions>(any.methods, "tell", (method, input, options) => {
      try {
        this.#checkOpen();
        return this.#tell(pool, key, method, checkedInput(any, method, input), options);
      } catch (thrown) {
        return Promise.reject(thrown);
      }
    });
    return {
      ...{ type, id },
      ask: ask as AskTable<M>,
      tell: tell as TellTable<M>,
      resume: (options) => this.#resume(type, key, options),
      get: () => this.#get(key, any) as Promise<Committed<S> | undefined>,
      history: () => readHistory(this.ports.state, key, any) as Promise<readonly Change<S>[]>,
      watch: (options) => watchChanges(this.ports.state, key, options?.signal, any) as AsyncIterable<Change<S>>,
    };
  }

  /** `trace`: what each message is a part of, when that came from outside. */
  untyped(type: string, id: string, trace?: Traceparent): UntypedRef {
    const key = keyOf({ type: checkName("an actor type", type), id });
    const toText = (input: unknown) => printJson(input, "INPUT_NOT_JSON", `the argument for ${key}`);
    return {
      ask: async (method, input, options) => {
        this.#checkOpen();
        checkName("a method", method);
        const inputText = toText(input);
        const { pool, partitionOf } = await this.routeOfType(type);
        const to = { pool, partition: partitionOf(key), key, method };
        return this.#asker.ask({ to, inputText, options, isQuery: false, origin: undefined, trace });
      },
      tell: async (method, input, options) => {
        this.#checkOpen();
        checkName("a method", method);
        const inputText = toText(input);
        const { pool } = await this.routeOfType(type);
        return this.#tell(pool, key, method, inputText, options, trace);
      },
      resume: (options) => this.#resume(type, key, options),
      get: () => this.#get(key),
      history: () => readHistory(this.ports.state, key),
    };
  }

  watch(pattern: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<Change<unknown>> {
    return watchChanges(this.ports.state, pattern, options?.signal);
  }

  list(pattern: string): Promise<readonly string[]> {
    return this.ports.state.list(pattern);
  }

  figures(): FiguresSnapshot {
    return this.#figures.snapshot();
  }

  async memory(): Promise<ContextStore> {
    this.#checkOpen();
    return this.#memory.open();
  }

  /** What an actor's turn asks another. */
  askFor({ definition, id, method, input, options }: Question, origin: AskOrigin): Promise<unknown> {
    return this.#ask(definition, keyOf({ type: definition.type, id }), method, input, options, origin);
  }

  /** The way to the actors of a type that is known by name only: the pool that a worker has registered it in, else our own. */
  async routeOfType(type: string): Promise<Route> {
    const { clock } = this.ports;
    const overdue = new AbortController();
    // The registry is followed by watch, which waits for a server that is away however long that takes.
    const late = delay(clock, registryMsMax, overdue.signal);
    const registry = await Promise.race([this.routes.types(), late]).finally(() => overdue.abort());
    if (registry === undefined) {
      throw new TroupeError(
        "SERVER_UNREACHABLE",
        `it was not learnt in ${registryMsMax} ms which pool ${type} lives in`,
      );
    }
    const known = await registry.learn(type);
    return this.routes.open(known?.pool ?? this.routes.ownPool);
  }

  async states(actor?: string): Promise<StateStore> {
    this.#checkOpen();
    const kv = await this.ports.openCentral();
    return openStateStore({ kv, clock: this.ports.clock, ...(actor === undefined ? {} : { actor }) });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#memory.close();
    // The ports before the routes: whatever a watch still waits for ends with its store.
    await this.ports.close();
    await this.routes.close();
  }

  #poolOf(definition: AnyActor): string {
    return definition.pool ?? this.routes.ownPool;
  }

  #ask(
    definition: AnyActor,
    key: string,
    method: string,
    input: unknown,
    options: AskOptions | undefined,
    origin: AskOrigin | undefined,
  ): Promise<unknown> {
    try {
      this.#checkOpen();
      const inputText = checkedInput(definition, method, input);
      const isQuery = definition.methods[method]?.kind === "query";
      const pool = this.#poolOf(definition);
      const askIn = (route: Route) => {
        const to = { pool, partition: route.partitionOf(key), key, method };
        return this.#asker.ask({ to, inputText, options, isQuery, origin });
      };
      const route = this.routes.find(pool);
      return route === undefined ? this.routes.open(pool).then(askIn) : askIn(route);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  #tell(
    pool: string,
    key: string,
    method: string,
    inputText: string | undefined,
    options: TellOptions | undefined,
    trace?: Traceparent,
  ): Promise<Receipt> {
    const tellIn = ({ mail, partitionOf }: Route) =>
      this.#teller.tell(mail, { partition: partitionOf(key), key, method }, inputText, options, trace);
    const route = this.routes.find(pool);
    return route === undefined ? this.routes.open(pool).then(tellIn) : tellIn(route);
  }

  async #resume(
    type: string,
    key: string,
    { skip = false, timeoutMs }: ResumeOptions = {},
  ): Promise<"resumed" | "running"> {
    this.#checkOpen();
    const options = timeoutMs === undefined ? undefined : { timeoutMs };
    const { pool, partitionOf } = await this.routeOfType(type);
    const to = { pool, partition: partitionOf(key), key, method: resumeMethod };
    const request = { to, inputText: JSON.stringify({ skip }), options, origin: undefined };
    // Harmless to repeat, as a query is.
    return (await this.#asker.ask({ ...request, isQuery: true })) as "resumed" | "running";
  }

  async #get(key: string, definition?: AnyActor): Promise<Committed<unknown> | undefined> {
    const entry = await this.ports.state.get(key);
    return entry === undefined ? undefined : readCommitted(entry, definition);
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new TroupeError("CLOSED", "this client is closed");
  }
}
