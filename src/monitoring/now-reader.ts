// The second that was, each second: who lives, what waits, what was done. Reading alone; what it means is in `now-view.ts`
// and `now-unhealthy.ts`.
//
//   N1. A second is read once, whoever looks: the pages, `troupe top`, `/metrics`.
//   N2. What is said was so at `atMs`. While the server cannot be read no second is made up: what was read last stands, and says
//       first of all that it is old. After a pause of this process the copy of the bucket is read anew before the next second is.

import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { messageOf, TroupeError } from "../core/errors.ts";
import { Replica } from "../kv/replica.ts";
import type { TroupeClient } from "../runtime/client.ts";
import { figuresOf } from "../runtime/control.ts";
import type { AccountFacts, AppFacts, Inspector, UserFacts } from "../runtime/inspect.ts";
import { noLag } from "../runtime/inspect-lag.ts";
import { partitionKey } from "../runtime/subjects.ts";
import type { ClusterPicture } from "./cluster-picture.ts";
import { readCluster } from "./cluster-picture.ts";
import type { NowView, Second } from "./dashboard/api/now.ts";
import { Departures, workerIn } from "./departures.ts";
import { HealthKeeper } from "./health.ts";
import type { WorkerSpan } from "./now-figures.ts";
import type { ActorsSeen, RunsSeen } from "./now-unhealthy.ts";
import { noActors, noRuns, serverAway, unhealthyOf } from "./now-unhealthy.ts";
import type { NowSeen } from "./now-view.ts";
import { nowViewOf } from "./now-view.ts";
import { loadLags } from "./read-cluster.ts";
import { WorkerNumbers } from "./worker-numbers.ts";
import type { FiguresAnswer } from "./worker-spans.ts";
import { WorkerSpans } from "./worker-spans.ts";

export interface NowReaderOptions {
  readonly troupe: TroupeClient;
  readonly inspector: Inspector;
  readonly clock: Clock;
  /** What is known of the actors. Default: nothing. */
  readonly actors?: () => ActorsSeen;
  /** What is known of the runs of workflows. Default: nothing. */
  readonly runs?: () => RunsSeen;
}

/** What changes slowly. */
interface Slow {
  readonly facts: AppFacts;
  readonly user: UserFacts | undefined;
  readonly account: AccountFacts | undefined;
  /** By the clock that never runs backwards. Unit: ms. */
  readonly readAtMs: number;
}

const everyMs = 1_000;
/** Seconds that are kept. */
const keptMax = 600;
/** Who is so late has been asleep, or was stopped: what is known of the bucket is of before. Unit: ms. */
const pauseMsMin = 3_000;
/** How often it is asked what changes slowly. Unit: ms. */
const slowEveryMs = 5_000;

export class NowReader implements AsyncDisposable {
  /** Whether the last second is one of now. */
  readonly health: HealthKeeper;
  readonly #options: NowReaderOptions;
  readonly #ended = new AbortController();
  readonly #listeners = new Set<(view: NowView) => void>();
  readonly #seconds: Second[] = [];
  readonly #spans: WorkerSpans;
  #lastSpans: readonly WorkerSpan[] = [];
  readonly #departures = new Departures();
  readonly #numbers = new WorkerNumbers();
  #stopListening: () => void = () => {};
  #records: Replica | undefined;
  #slow: Slow | undefined;
  #reading: Promise<void> = Promise.resolve();
  /** As it was read. */
  #last: NowView | undefined;
  /** As it is told. */
  #view: NowView | undefined;
  #picture: ClusterPicture | undefined;

  constructor(options: NowReaderOptions) {
    const { clock } = options;
    this.#options = options;
    this.health = new HealthKeeper(clock);
    this.#spans = new WorkerSpans({ clock, ask: (worker, timeoutMs) => this.#ask(worker, timeoutMs) });
  }

  /** Resolves when the first second is read. Rejects as reading does. */
  async start(): Promise<void> {
    const { troupe, clock } = this.#options;
    const { cluster: store } = troupe.ports;
    const stops = [
      troupe.events.listenToNotable(({ kind }) => {
        if (kind === "connection-lost") this.health.hear({ kind: "lost" });
        else if (kind === "connection-restored") this.health.hear({ kind: "restored" });
      }),
      this.health.onChange(({ state, reason }) => {
        if (state === "stale") this.#tellAway(reason);
      }),
    ];
    this.#stopListening = () => {
      for (const stop of stops) stop();
    };
    const onChange = (key: string | undefined) => {
      const entry = key === undefined ? undefined : this.#records?.get(key);
      if (entry !== undefined) this.#departures.hear(entry);
    };
    this.#records = await Replica.open({ store, pattern: ">", clock, onChange });
    await this.#read();
    this.#reading = this.#readAgainAndAgain();
  }

  /** The last second that could be read; undefined before `start`. */
  get view(): NowView | undefined {
    return this.#view;
  }

  /** Of the last second that could be read. */
  get cluster(): ClusterPicture | undefined {
    return this.#picture;
  }

  /** What each worker did in the last second that could be read: another array for each second. */
  get spans(): readonly WorkerSpan[] {
    return this.#lastSpans;
  }

  /** Pools and streams, as they were at most some seconds ago. */
  get facts(): AppFacts | undefined {
    return this.#slow?.facts;
  }

  /** At most 600, oldest first. */
  get past(): readonly Second[] {
    return this.#seconds;
  }

  /** Runs `listener` for each second from now on, and when it is noticed that none can be read. Returns the function that stops it. */
  onSecond(listener: (view: NowView) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#stopListening();
    this.#ended.abort();
    await this.#reading;
    await this.#records?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #readAgainAndAgain(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#ended;
    for (let nextMs = clock.monotonicMs() + everyMs; ; nextMs += everyMs) {
      const nowMs = clock.monotonicMs();
      // After a pause it goes on from now: seconds that are over cannot be read any more (N2).
      if (nextMs < nowMs) nextMs = nowMs;
      await delay(clock, nextMs - nowMs, signal);
      if (signal.aborted) return;
      const lateMs = clock.monotonicMs() - nextMs;
      try {
        if (lateMs > pauseMsMin) await this.#catchUp();
        await this.#read();
      } catch (thrown) {
        this.health.hear({ kind: "unread", reason: messageOf(thrown) });
      }
    }
  }

  async #catchUp(): Promise<void> {
    const keys = [...(this.#records?.entries() ?? [])].map(({ key }) => key);
    await this.#records?.refreshAll(keys);
  }

  async #read(): Promise<void> {
    const { clock, inspector, troupe, actors, runs } = this.#options;
    const slow = await this.#readSlow();
    const living = [...(this.#records?.entries() ?? [])].flatMap(({ key }) => workerIn(key) ?? []);
    const [cluster, { spans, carried, silentSinceMs }] = await Promise.all([
      this.#readPicture(slow),
      this.#spans.read(living),
    ]);
    // What could be read before the connection broke is no second (H1 of health.ts).
    if (!this.health.isConnected) throw new TroupeError("SERVER_UNREACHABLE", "the connection broke meanwhile");
    const atMs = Math.round(clock.now());
    this.#numbers.meet(cluster.workers.map(({ worker }) => worker));
    const nthOf = (worker: string) => this.#numbers.of(worker);
    const silent = new Set(silentSinceMs.keys());
    const seen: NowSeen = { atMs, cluster, spans: [...spans, ...carried], silent, nthOf };
    const view = nowViewOf(seen);
    this.#picture = cluster;
    this.#lastSpans = spans;
    this.#seconds.push(view.second);
    if (this.#seconds.length > keptMax) this.#seconds.shift();
    const unhealthy = unhealthyOf({
      ...{ app: troupe.app, atMs, server: inspector.server, ...slow, cluster, workers: view.workers, silentSinceMs },
      departed: this.#departures.since(cluster.workers, atMs),
      seconds: this.#seconds,
      ...{ actors: actors?.() ?? noActors, runs: runs?.() ?? noRuns },
    });
    this.health.hear({ kind: "read", atMs });
    this.#last = { ...view, unhealthy };
    this.#tell(this.#last);
  }

  #tell(view: NowView): void {
    this.#view = view;
    for (const listener of this.#listeners) listener(view);
  }

  /** N2 */
  #tellAway(reason: string | null): void {
    if (this.#last === undefined) return;
    const away = serverAway(this.#options.inspector.server.address, reason);
    this.#tell({ ...this.#last, unhealthy: [away, ...this.#last.unhealthy] });
  }

  async #readSlow(): Promise<Slow> {
    const { inspector, clock, troupe } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#slow !== undefined && nowMs - this.#slow.readAtMs < slowEveryMs) return this.#slow;
    // Who may use the app need not be allowed to read the account's limits.
    const account = inspector.account().catch(() => undefined);
    const [facts, user, limits] = await Promise.all([inspector.app(), inspector.user(), account]);
    this.#slow = {
      facts: facts ?? { pools: { [troupe.ports.pool]: troupe.ports.partitionCount }, streams: [] },
      user: user ?? this.#slow?.user,
      account: limits,
      readAtMs: nowMs,
    };
    return this.#slow;
  }

  async #readPicture({ facts: { pools }, user }: Slow): Promise<ClusterPicture> {
    const { inspector, clock } = this.#options;
    const entries = [...(this.#records?.entries() ?? [])];
    const records = new Map(entries.map((entry) => [entry.key, entry]));
    const lags = await loadLags(inspector, pools, records);
    const lagOf = (pool: string, partition: number) => lags.get(partitionKey(pool, partition)) ?? noLag;
    return readCluster(entries, { pools, serverMs: clock.now() + (user?.clockAheadMs ?? 0), lagOf });
  }

  async #ask(worker: string, timeoutMs: number): Promise<FiguresAnswer> {
    const { mail } = this.#options.troupe.ports;
    try {
      const answer = await figuresOf(mail, worker, timeoutMs);
      if (typeof answer === "object") return answer;
      return answer === "unknown" && (await mail.ping(worker, timeoutMs)) === "alive" ? "alive" : undefined;
    } catch {
      // A closed mail rejects: then nobody waits for the answer any more.
      return undefined;
    }
  }
}
