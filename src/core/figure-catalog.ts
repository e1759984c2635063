// Every figure that there is: its name, kind, unit and labels, what it says, and what to do when it is high. The exporters, the page,
// the alert rules and docs/monitoring.md are made of this or checked against it.
//
// Names and units follow OpenTelemetry: durations in seconds, sizes in bytes (`By`), shares as 1, things that are counted in braces.

import { bytesBounds, countBounds, durationBounds, waitBounds } from "./histogram.ts";

export type FigureKind = "counter" | "gauge" | "histogram";

/** Where it comes from: each worker (and client) folds its own; those of the cluster are read from the server by one process. */
export type FigureSource = "process" | "cluster";

export interface Figure {
  readonly kind: FigureKind;
  readonly source: FigureSource;
  readonly unit: string;
  /** What it is told apart by: closed sets, never an id. */
  readonly labels: readonly string[];
  /** One sentence. */
  readonly help: string;
  readonly whenHigh: string;
  /** Of histograms: upper bounds of the buckets, in the unit. */
  readonly bounds?: readonly number[];
}

type Figures<Names extends string> = { readonly [Name in Names]: Figure };

const counter = (unit: string, labels: readonly string[], help: string, whenHigh: string) =>
  ({ kind: "counter", source: "process", unit, labels, help, whenHigh }) as const satisfies Figure;

const gauge = (unit: string, labels: readonly string[], help: string, whenHigh: string) =>
  ({ kind: "gauge", source: "process", unit, labels, help, whenHigh }) as const satisfies Figure;

const duration = (labels: readonly string[], help: string, whenHigh: string) =>
  ({
    kind: "histogram",
    source: "process",
    unit: "s",
    labels,
    help,
    whenHigh,
    bounds: durationBounds,
  }) as const satisfies Figure;

const ofCluster = (unit: string, labels: readonly string[], help: string, whenHigh: string) =>
  ({ kind: "gauge", source: "cluster", unit, labels, help, whenHigh }) as const satisfies Figure;

const messages = {
  "troupe.messages.told": counter(
    "{message}",
    ["type", "method", "by", "code"],
    "Messages that a client of this process (`by` client) or a committed turn of its actors (`by` actor) told to actors of a type, by outcome: `ok`, or the code of the error.",
    "A code other than `ok` that grows means messages that the server did not take: look at the disk and the limits of the mail stream.",
  ),
  "troupe.messages.asked": counter(
    "{message}",
    ["type", "method", "code"],
    "Asks of this process's clients and actors that have ended, by outcome: `ok`, or the code of the error.",
    "See which code grows: ASK_TIMEOUT means slow handlers, ASK_UNREACHABLE partitions without owner, MAILBOX_FULL more asks than one actor can answer.",
  ),
  "troupe.ask.duration": duration(
    ["type", "method"],
    "Time from the call of an ask to its answer, with all attempts, as the asker sees it.",
    "Compare with the duration of turns and commits: what is left is waiting in the mailbox or on the network.",
  ),
  "troupe.messages.handled": counter(
    "{message}",
    ["type", "method", "turn", "code"],
    "Messages that were handled by this worker's actors: told ones whose turn is committed, asks and queries that have their answer, by kind (tell, ask or query) and outcome: `ok`, or the code of what was answered, or of why it was given up on. Each counts once, however often it ran.",
    "Codes other than `ok`: COMMIT_REFUSED is the server's disk or limits, the others are of the handlers; look at the traces of that method.",
  ),
  "troupe.messages.withdrawn": counter(
    "{message}",
    ["type", "method", "was"],
    "Asks that their asker gave up on before the answer, by what they were doing then: `waiting` in the mailbox or `running`.",
    "Askers wait for less time than the actor needs: raise `timeoutMs`, or make the actor's work shorter.",
  ),
  "troupe.messages.retried": counter(
    "{message}",
    ["type", "method", "code"],
    "Told messages whose turn failed and is tried again, by the code of the failure.",
    "A handler fails again and again: look at the code, then at the feed for the message's text.",
  ),
  "troupe.messages.dead": counter(
    "{message}",
    ["type", "method", "code"],
    "Messages that were given up on and kept as dead letters, by the code of the failure.",
    "Read the reasons with `troupe dead ls`, mend the handler, then `troupe dead replay`.",
  ),
} satisfies Figures<string>;

const turns = {
  "troupe.turns": counter(
    "{turn}",
    ["type", "method", "turn", "code"],
    "Runs of handlers that have ended, by kind (tell, ask or query) and outcome: `ok`, or the code of the error. A message that runs again, since it failed or its commit did not stand, has several; what came of it is in `troupe.messages.handled`.",
    "A share of failed turns that grows: look at the code, then at the traces of that method.",
  ),
  "troupe.turn.duration": duration(
    ["type", "method", "turn"],
    "Time that a handler ran, without its waiting in the mailbox and without the commit.",
    "The handler is slow, or the event loop is busy: compare with `troupe.event_loop.delay`.",
  ),
  "troupe.commit.duration": duration(
    ["type"],
    "Time from the end of the first turn of a batch to the acknowledgement of its commit.",
    "The server is slow to store: look at its disk, at `sync_interval`, and at the size of the values.",
  ),
  "troupe.commit.turns": {
    ...{ kind: "histogram", source: "process", unit: "{turn}", labels: ["type"], bounds: countBounds },
    help: "Turns that one commit made durable together.",
    whenHigh:
      "Nothing is wrong: a hot actor shares its commits. At 256 all the time the actor is as busy as it can be.",
  },
  "troupe.commit.bytes": {
    ...{ kind: "histogram", source: "process", unit: "By", labels: ["type"], bounds: bytesBounds },
    help: "Size of an actor's committed value.",
    whenHigh: "Each turn writes all of it: keep what grows in the actor's memory, or in actors of their own.",
  },
  "troupe.commits.failed": counter(
    "{commit}",
    ["type", "reason"],
    "Commits that did not stand: `refused` by the server or since the value cannot be stored, `superseded` by a later owner, or `given-up` with the ownership.",
    "Superseded: workers take each other for dead; look for pauses of the process. Refused: look at the size of the values and at the disk.",
  ),
  "troupe.conflicts": counter(
    "{conflict}",
    ["bucket", "of"],
    "Writes that lost a race of compare-and-set, by bucket (state, memory, facts, central) and by what was written: the actor type, the kind of the scope, the model.",
    "Many write the same key: let one actor own it, or write less often.",
  ),
} satisfies Figures<string>;

const activations = {
  "troupe.activations": gauge(
    "{activation}",
    [],
    "Actors that are in this worker's memory now.",
    "Lower `activationsMax` or `idleMsMax`, or add workers, when the heap is high as well.",
  ),
  "troupe.activated": counter(
    "{activation}",
    ["type"],
    "Actors that were read into memory.",
    "Actors come and go: raise `idleMsMax` or `activationsMax`.",
  ),
  "troupe.passivated": counter(
    "{activation}",
    ["type", "reason"],
    "Actors that left the memory: `idle`, the longest at rest because there were too many (`least-used`), or what has nothing to do any more, as runs that have ended (`over`).",
    "Least-used: the worker holds more actors than `activationsMax`; raise it or add workers.",
  ),
  "troupe.outbox.pending": gauge(
    "{message}",
    [],
    "Messages and memory writes that are committed and not yet known to be stored where they go.",
    "The server takes messages more slowly than turns send them: look at its disk and at the connection.",
  ),
  "troupe.mailbox.full": counter(
    "{message}",
    ["type"],
    "Asks that were turned away with MAILBOX_FULL: 1,024 waited for that actor already.",
    "One actor cannot do it all: divide its work among more actors, or tell instead of asking.",
  ),
  "troupe.timer.late": duration(
    ["type"],
    "Time from when a timer was due to when its turn began; the server itself is up to 250 ms late.",
    "The actor is busy, the partition had no owner, or the worker reads behind: compare with the mailbox lag.",
  ),
} satisfies Figures<string>;

const ownership = {
  "troupe.partitions.owned": gauge(
    "{partition}",
    ["pool"],
    "Partitions that this worker owns now.",
    "Each worker should own its share: when one owns far more, look for workers that do not come up.",
  ),
  "troupe.partitions.taken": counter(
    "{partition}",
    ["pool"],
    "Partitions that this worker has taken.",
    "Ownership moves back and forth: look for workers that restart or pause.",
  ),
  "troupe.partitions.given": counter(
    "{partition}",
    ["pool"],
    "Partitions that this worker has given back.",
    "As for those taken: workers come and go.",
  ),
  "troupe.partitions.lost": counter(
    "{partition}",
    ["pool"],
    "Partitions that this worker lost without giving them back: its lease ran out, or another one took them.",
    "The process was paused, or cut off from the server for longer than its lease.",
  ),
  "troupe.partition.ownerless": duration(
    ["pool"],
    "Time that a partition that this worker took was without owner: from when it was given back, or from the last sign of life of an owner that died (up to 0.9 s before its end), by the clocks of server and worker.",
    "Dead workers are noticed late: look at the connection between the workers and the server.",
  ),
  "troupe.connection.lost": counter(
    "{loss}",
    [],
    "Times that the connection to the server broke.",
    "Look at the network, and at the server's log for slow consumers.",
  ),
} satisfies Figures<string>;

const following = {
  "troupe.watch.lag": duration(
    ["bucket"],
    "Time from a change's commit, by the server's clock, to the watcher of this process having it.",
    "The process is busy or the connection is slow. Clocks that differ show here as well.",
  ),
  "troupe.watch.restarts": counter(
    "{restart}",
    ["bucket"],
    "Times that a watch lost its place and was made again; nothing is missed, but it takes a moment.",
    "The connection breaks, or the server restarts.",
  ),
  "troupe.replica.lag": duration(
    ["bucket"],
    "Time from a change of the memory, by the server's clock, to a replica of this process showing it.",
    "As for the lag of watches: a busy process, a slow connection, or clocks that differ.",
  ),
  "troupe.replica.restarts": counter(
    "{restart}",
    ["bucket"],
    "Times that a replica of the memory lost its place and read again what stands.",
    "The connection breaks, or the memory's stream was cut behind the replica.",
  ),
  "troupe.recall.duration": duration(
    ["by"],
    "Time that a recall took, by who recalled: a turn of an actor (`by` actor) or a client of this process (`by` client).",
    "The scope holds very much, or the embedder is slow: narrow the scope, or look at the embedder.",
  ),
  "troupe.recall.hits": {
    ...{ kind: "histogram", source: "process", unit: "{hit}", labels: ["by"], bounds: countBounds },
    help: "Hits that a recall gave.",
    whenHigh: "Nothing is wrong. Many recalls with none: what is looked for is not remembered, or in other words.",
  },
} satisfies Figures<string>;

const workflows = {
  "troupe.workflow.task.duration": duration(
    ["workflow", "task", "code"],
    "Time that an attempt of a workflow's task ran, by outcome: `ok`, or the code of the error.",
    "The task's own work is slow: see its trace.",
  ),
  "troupe.workflow.waiting.duration": {
    ...duration(
      ["workflow", "for"],
      "Time that a run waited, when that is over, by what for: a `signal` or a `sleep`; in steps from 1 s to 30 days.",
      "Somebody did not send a signal that runs wait for: look at the waiting runs.",
    ),
    bounds: waitBounds,
  },
} satisfies Figures<string>;

const process = {
  "troupe.started": gauge(
    "s",
    [],
    "When this process began to count, as seconds since 1970: its counters and histograms were 0 then.",
    "Nothing is wrong. It is another one after each start: often another one means that the process ends again and again.",
  ),
  "troupe.heap.used": gauge(
    "By",
    [],
    "Memory of the process's JavaScript heap that is in use.",
    "Lower `activationsMax`, or look for a handler that keeps things.",
  ),
  "troupe.memory.resident": gauge(
    "By",
    [],
    "Memory of the process as the system sees it.",
    "Lower `activationsMax`, or give the process more memory.",
  ),
  "troupe.event_loop.busy": gauge(
    "1",
    [],
    "Share of the last second or more in which the event loop was at work.",
    "Above 0.9 the worker is full: add workers, or move heavy work out of handlers.",
  ),
  "troupe.event_loop.delay": gauge(
    "s",
    [],
    "The latest that the event loop came to what was due, in the last minute.",
    "Something computes for long in one go: look for handlers with loops over much data.",
  ),
} satisfies Figures<string>;

const cluster = {
  "troupe.mailbox.lag": ofCluster(
    "{message}",
    ["pool", "partition"],
    "Told messages of a partition that its owner has not passed yet.",
    "The owner is slower than what is told, or there is none: add workers, or look at the oldest message.",
  ),
  "troupe.mailbox.oldest": ofCluster(
    "s",
    ["pool", "partition"],
    "Age of the oldest told message of a partition that its owner has not passed yet.",
    "One actor holds its partition's cursor: it is stopped, fails, or is slow.",
  ),
  "troupe.workers": ofCluster("{worker}", ["pool"], "Workers that live and serve a pool.", "Nothing is wrong."),
  "troupe.partitions.unowned": ofCluster(
    "{partition}",
    ["pool"],
    "Partitions that nobody owns now.",
    "Start a worker that serves the pool and registers the types that its mail is for.",
  ),
  "troupe.dead.kept": ofCluster(
    "{message}",
    [],
    "Dead letters that are kept.",
    "Read the reasons with `troupe dead ls`; replay or drop them.",
  ),
  "troupe.stream.bytes": ofCluster(
    "By",
    ["stream"],
    "Bytes that a stream of the app takes, by what it is for.",
    "See what grows, and how long it lasts.",
  ),
  "troupe.stream.limit": ofCluster(
    "By",
    ["stream"],
    "Bytes that a stream may take at most, by its own limit or the account's; absent without one.",
    "Nothing is wrong.",
  ),
  "troupe.stream.messages": ofCluster(
    "{message}",
    ["stream"],
    "Messages that a stream of the app holds.",
    "See what grows, and how long it lasts.",
  ),
  "troupe.stream.growth": ofCluster(
    "By/h",
    ["stream"],
    "Bytes that a stream grew in an hour, as it has lately.",
    "Give the memory a retention policy, or find out who writes so much.",
  ),
  "troupe.stream.full_in": ofCluster(
    "s",
    ["stream"],
    "Time until a stream reaches its limit if it grows as lately; absent when it does not.",
    "Low is what is bad here: raise the limit or the disk, or let go of what is old.",
  ),
  "troupe.memory.entries": ofCluster(
    "{entry}",
    ["kind"],
    "Entries of logs that are remembered, by kind of scope.",
    "Give the memory a retention policy.",
  ),
  "troupe.memory.facts": ofCluster(
    "{fact}",
    ["kind"],
    "Facts that are remembered, by kind of scope.",
    "Give the memory a retention policy.",
  ),
  "troupe.memory.bytes": ofCluster(
    "By",
    ["kind"],
    "Bytes of what is remembered, by kind of scope.",
    "Give the memory a retention policy.",
  ),
  "troupe.memory.growth": ofCluster(
    "By/h",
    ["kind"],
    "Bytes that the memory of a kind of scope grew in an hour, as it has lately.",
    "Give the memory a retention policy, or find out who writes so much.",
  ),
  "troupe.workflow.runs": ofCluster(
    "{run}",
    ["workflow", "phase"],
    "Runs of a workflow by the phase that they are in.",
    "Runs that fail or wait: look at them on the Workflows page.",
  ),
} satisfies Figures<string>;

export const figureCatalog = {
  ...messages,
  ...turns,
  ...activations,
  ...ownership,
  ...following,
  ...workflows,
  ...process,
  ...cluster,
} as const satisfies Figures<string>;

export type FigureName = keyof typeof figureCatalog;

/** By any name; undefined when there is no such figure, as one of a newer worker may be. */
export function figureOf(name: string): Figure | undefined {
  return Object.hasOwn(figureCatalog, name) ? (figureCatalog as Readonly<Record<string, Figure>>)[name] : undefined;
}
