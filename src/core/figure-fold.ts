// The fold of the events of a process to its figures. Always on, so it is on the way of each turn: a few lookups by what the event
// holds anyway, no strings, no objects.
//
//   F3. An event counts once, where it belongs: whoever folds a recorded run comes to the same figures. (F1, F2: figures.ts.)
//   F4. What is counted rarely, by few labels that are known beforehand, is there from the start with 0: a series that comes with its first
//       event has not grown, for whoever compares two readings, and that event is never seen.

import type { BucketRole, RuntimeEvent } from "./events.ts";
import type { Figure, FigureName } from "./figure-catalog.ts";
import { figureCatalog } from "./figure-catalog.ts";
import type { FiguresSnapshot, Labels, NumberSeries, Series } from "./figures.ts";
import { bucketOf } from "./histogram.ts";
import { Labelled } from "./labelled.ts";

type Kind = RuntimeEvent["kind"];

/** One entry for each kind of event: a new one does not compile until somebody has decided what it counts for. */
type Folds = { readonly [K in Kind]: ((event: Extract<RuntimeEvent, { readonly kind: K }>) => void) | undefined };

const ok = "ok";
const unknown = "unknown";
const commitFailures = ["refused", "superseded", "given-up"] as const;
const watchedBuckets: readonly BucketRole[] = ["state", "cluster", "memory", "facts", "central"];
const replicatedBuckets: readonly BucketRole[] = ["memory", "facts"];

/** What a worker serves: the names that its figures may have as labels, known from the start. */
export interface Served {
  readonly pools: readonly string[];
  /** The methods of each actor type. */
  readonly types: ReadonlyMap<string, Iterable<string>>;
}

const nothingServed: Served = { pools: [], types: new Map() };

export class Figures {
  readonly #worker: string;
  readonly #startedAtMs: number;
  readonly #methods: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #counters = new Map<FigureName, Labelled<Counter>>();
  readonly #histograms = new Map<FigureName, Labelled<Histogram>>();

  readonly #told = this.#counter("troupe.messages.told");
  readonly #asked = this.#counter("troupe.messages.asked");
  readonly #askDuration = this.#histogram("troupe.ask.duration");
  readonly #withdrawn = this.#counter("troupe.messages.withdrawn");
  readonly #retried = this.#counter("troupe.messages.retried");
  readonly #dead = this.#counter("troupe.messages.dead");
  readonly #handled = this.#counter("troupe.messages.handled");
  readonly #full = this.#counter("troupe.mailbox.full");
  readonly #turns = this.#counter("troupe.turns");
  readonly #turnDuration = this.#histogram("troupe.turn.duration");
  readonly #commitDuration = this.#histogram("troupe.commit.duration");
  readonly #commitTurns = this.#histogram("troupe.commit.turns");
  readonly #commitBytes = this.#histogram("troupe.commit.bytes");
  readonly #commitsFailed = this.#counter("troupe.commits.failed");
  readonly #conflicts = this.#counter("troupe.conflicts");
  readonly #activated = this.#counter("troupe.activated");
  readonly #passivated = this.#counter("troupe.passivated");
  readonly #timerLate = this.#histogram("troupe.timer.late");
  readonly #taken = this.#counter("troupe.partitions.taken");
  readonly #given = this.#counter("troupe.partitions.given");
  readonly #lost = this.#counter("troupe.partitions.lost");
  readonly #ownerless = this.#histogram("troupe.partition.ownerless");
  readonly #connectionLost = this.#counter("troupe.connection.lost");
  readonly #watchLag = this.#histogram("troupe.watch.lag");
  readonly #watchRestarts = this.#counter("troupe.watch.restarts");
  readonly #replicaLag = this.#histogram("troupe.replica.lag");
  readonly #replicaRestarts = this.#counter("troupe.replica.restarts");
  readonly #recallDuration = this.#histogram("troupe.recall.duration");
  readonly #recallHits = this.#histogram("troupe.recall.hits");
  readonly #taskDuration = this.#histogram("troupe.workflow.task.duration");
  readonly #waitingDuration = this.#histogram("troupe.workflow.waiting.duration");

  readonly #folds: Folds = {
    told: ({ to, method, code = ok }) => {
      const type = typeLabel(typeOf(to), code);
      this.#told.at(type, this.#methodLabel(type, method, code), "client", code).add();
    },
    sent: ({ to, method }) => {
      const type = typeOf(to);
      this.#told.at(type, this.#methodLabel(type, method, ok), "actor", ok).add();
    },
    asked: ({ to, method, durationMs, code = ok }) => {
      const type = typeLabel(typeOf(to), code);
      const label = this.#methodLabel(type, method, code);
      this.#asked.at(type, label, code).add();
      this.#askDuration.at(type, label).add(durationMs / 1_000);
    },
    "turn-ended": ({ actor: { type }, method, turn, durationMs, error }) => {
      const label = error === undefined ? method : this.#methodLabel(type, method, error.code);
      this.#turns.at(type, label, turn, error?.code ?? ok).add();
      this.#turnDuration.at(type, label, turn).add(durationMs / 1_000);
    },
    handled: ({ actor: { type }, method, turn, code }) => {
      // What has gone well is a method that the type has.
      const label = code === undefined ? method : this.#methodLabel(type, method, code);
      this.#handled.at(type, label, turn, code ?? ok).add();
    },
    "mailbox-full": ({ actor }) => this.#full.at(actor.type).add(),
    committed: ({ actor: { type }, durationMs, turns, bytes }) => {
      this.#commitDuration.at(type).add(durationMs / 1_000);
      this.#commitTurns.at(type).add(turns);
      this.#commitBytes.at(type).add(bytes);
    },
    "commit-refused": ({ actor }) => this.#commitsFailed.at(actor.type, "refused").add(),
    "commit-given-up": ({ actor }) => this.#commitsFailed.at(actor.type, "given-up").add(),
    superseded: ({ actor }) => this.#commitsFailed.at(actor.type, "superseded").add(),
    "ask-withdrawn": ({ actor: { type }, method, was }) =>
      this.#withdrawn.at(type, this.#methodLabel(type, method, ok), was).add(),
    "turn-retried": ({ actor: { type }, method, code }) =>
      this.#retried.at(type, this.#methodLabel(type, method, code), code).add(),
    "dead-lettered": ({ actor, method, code }) => {
      const type = typeLabel(actor.type, code);
      this.#dead.at(type, this.#methodLabel(type, method, code), code).add();
    },
    conflict: ({ bucket, of }) => this.#conflicts.at(bucket, of).add(),
    activated: ({ actor }) => this.#activated.at(actor.type).add(),
    passivated: ({ actor, reason }) => this.#passivated.at(actor.type, reason).add(),
    "timer-fired": ({ actor, lateMs }) => this.#timerLate.at(actor.type).add(lateMs / 1_000),
    "partition-taken": ({ pool, ownerlessMs }) => {
      this.#taken.at(pool).add();
      if (ownerlessMs !== undefined) this.#ownerless.at(pool).add(ownerlessMs / 1_000);
    },
    "partition-given": ({ pool }) => this.#given.at(pool).add(),
    "ownership-lost": ({ pool, partitions }) => this.#lost.at(pool).add(partitions),
    "connection-lost": () => this.#connectionLost.at().add(),
    "watch-seen": ({ bucket, lagMs }) => this.#watchLag.at(bucket).add(lagMs / 1_000),
    "watch-restarted": ({ bucket }) => this.#watchRestarts.at(bucket).add(),
    "replica-seen": ({ bucket, lagMs }) => this.#replicaLag.at(bucket).add(lagMs / 1_000),
    "replica-restarted": ({ bucket }) => this.#replicaRestarts.at(bucket).add(),
    recalled: ({ by, durationMs, hits }) => {
      this.#recallDuration.at(by).add(durationMs / 1_000);
      this.#recallHits.at(by).add(hits);
    },
    "task-ended": ({ workflow, task, durationMs, code = ok }) =>
      this.#taskDuration.at(workflow, task, code).add(durationMs / 1_000),
    "waiting-ended": (event) => this.#waitingDuration.at(event.workflow, event.for).add(event.durationMs / 1_000),
    "worker-started": undefined,
    "worker-drained": undefined,
    "member-joined": undefined,
    "member-left": undefined,
    "cursor-saved": undefined,
    "connection-restored": undefined,
    "activations-exceeded": undefined,
    remembered: undefined,
    "memory-refused": undefined,
    "timer-set": undefined,
    "timer-cancelled": undefined,
    "timer-refused": undefined,
    escalated: undefined,
    "actor-stopped": undefined,
    "actor-resumed": undefined,
    "replica-lagged": undefined,
  };

  /** `startedAtMs`: by the clock that `snapshot` is given the time of. `served`: nothing, for a client. */
  constructor(worker: string, startedAtMs: number, served: Served = nothingServed) {
    this.#worker = worker;
    this.#startedAtMs = startedAtMs;
    this.#methods = new Map([...served.types].map(([type, methods]) => [type, new Set(methods)]));
    this.#begin(served);
  }

  readonly fold = (event: RuntimeEvent): void => {
    const foldOne = this.#folds[event.kind] as ((event: RuntimeEvent) => void) | undefined;
    foldOne?.(event);
  };

  /** As of now. `gauges`: what is not folded but was read for it. */
  snapshot(atMs: number, gauges: readonly NumberSeries[] = []): FiguresSnapshot {
    const series: Series[] = [];
    for (const [name, cells] of this.#counters) {
      for (const [values, { value }] of cells.cells()) series.push({ name, labels: labelsOf(name, values), value });
    }
    for (const [name, cells] of this.#histograms) {
      for (const [values, { counts, sum, max }] of cells.cells()) {
        series.push({ name, labels: labelsOf(name, values), counts: [...counts], sum, max });
      }
    }
    return { worker: this.#worker, atMs, startedAtMs: this.#startedAtMs, series: [...series, ...gauges] };
  }

  /** F4 */
  #begin({ pools, types }: Served): void {
    this.#connectionLost.at();
    for (const bucket of watchedBuckets) this.#watchRestarts.at(bucket);
    for (const bucket of replicatedBuckets) this.#replicaRestarts.at(bucket);
    for (const pool of pools) {
      for (const counter of [this.#taken, this.#given, this.#lost]) counter.at(pool);
      this.#ownerless.at(pool);
    }
    for (const type of types.keys()) {
      for (const reason of commitFailures) this.#commitsFailed.at(type, reason);
      this.#full.at(type);
      this.#timerLate.at(type);
    }
  }

  /** Anybody can write any method into a message: what no actor has is none (F2). */
  #methodLabel(type: string, method: string, code: string): string {
    if (code === "METHOD_UNKNOWN" || type === unknown) return unknown;
    return this.#methods.get(type)?.has(method) === false ? unknown : method;
  }

  #counter(name: FigureName): Labelled<Counter> {
    const counter = new Labelled(figureCatalog[name].labels, () => new Counter());
    this.#counters.set(name, counter);
    return counter;
  }

  #histogram(name: FigureName): Labelled<Histogram> {
    const { labels, bounds = [] }: Figure = figureCatalog[name];
    // Not the catalogue's own array: numbers of a frozen one lie one by one in the heap.
    const limits = Float64Array.from(bounds);
    const histogram = new Labelled(labels, () => new Histogram(limits));
    this.#histograms.set(name, histogram);
    return histogram;
  }
}

class Counter {
  value = 0;

  add(count = 1): void {
    this.value += count;
  }
}

class Histogram {
  readonly #bounds: Float64Array;
  readonly counts: number[];
  sum = 0;
  max = 0;

  constructor(bounds: Float64Array) {
    this.#bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  add(value: number): void {
    const at = bucketOf(this.#bounds, value);
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.sum += value;
    if (value > this.max) this.max = value;
  }
}

/** Of an actor's key; of what is none all of it. */
function typeOf(key: string): string {
  const dot = key.indexOf(".");
  return dot < 0 ? key : key.slice(0, dot);
}

/** The same for types: what is no key, or of a type that nobody ever had (F2). */
function typeLabel(type: string, code: string): string {
  return code === "TYPE_UNKNOWN" || code === "ID_INVALID" ? unknown : type;
}

function labelsOf(name: FigureName, values: readonly string[]): Labels {
  return Object.fromEntries(figureCatalog[name].labels.map((label, at) => [label, values[at] ?? ""]));
}
