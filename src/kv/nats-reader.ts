// Reads a stream in order, for ever, without acknowledgements: watchers and mailboxes are built on it. An ephemeral
// pull consumer on the raw link; callbacks only. Whenever anything is in doubt, the consumer is thrown away and a new one
// goes on behind the last message that was handed over.
//
//   R1. Messages are handed over in order of sequence, each once, with none left out that the stream still holds; the
//       consumer's own numbering is checked without a gap.
//   R2. Never silently stale: every reconnection of the link, every gap (also one that only a heartbeat shows), two missed
//       heartbeats and every status that ends the consumer lead to a new consumer.
//   R3. A restart neither replays nor skips: "new" becomes a sequence when the reader opens, and a snapshot that was
//       interrupted goes on behind its last message. (It may then hand over older values that are kept, in order.)
//   R4. When the place is lost (stream made anew or cut behind it, or an outage that markers do not survive) the reader
//       says so by `onRestarted` and starts over.
//   R5. No storm: restarts are spread by jitter, failing ones back off to 2 s, and old consumers are deleted.

import type { Msg, Subscription } from "@nats-io/transport-node";
import type { Clock } from "../core/clock.ts";
import { systemClock } from "../core/clock.ts";
import { TroupeError } from "../core/errors.ts";
import { refusedError } from "./nats-api.ts";
import {
  createConsumer,
  deleteConsumer,
  describeStream,
  type PullTimes,
  pullRequest,
  pullTimes,
  quickPull,
  type StreamState,
  statusOf,
} from "./nats-consumer.ts";
import { checkConnected, type NatsLink } from "./nats-link.ts";
import { noPlace, PlaceFinder, Stored, type StoredMessage } from "./nats-place.ts";
import { restartDelayMs } from "./restart-delay.ts";

export type { StoredMessage } from "./nats-place.ts";

export interface ReaderOptions {
  readonly link: NatsLink;
  readonly stream: string;
  /** Subjects to read; NATS wildcards. */
  readonly filters: readonly string[];
  /** A sequence: this one and later. "last": the last of each subject first, then what comes. "new": what comes. */
  readonly from: number | "last" | "new";
  /** Where to begin again when the place is lost (R4). Default: "last" when `from` is that, else 1. */
  readonly restartFrom?: number | "last";
  /** Runs for each message, in order of sequence, each once. */
  readonly onMessage: (message: StoredMessage) => void;
  /**
   * Everything that was stored when the reader opened, or started over, has been handed over; once for each of these.
   * `sequence`: the stream's position.
   */
  readonly onCurrent?: (sequence: number) => void;
  /** The stream no longer holds the place where the reader was: it starts over at `restartFrom` (R4). */
  readonly onRestarted?: (reason: string) => void;
  /** The consumer was given up and a new one follows (R2). For logs and tests: nothing is lost by it. */
  readonly onInterrupted?: (reason: string) => void;
  /** The link was closed under the reader, or may not listen: nothing more will come. */
  readonly onLost?: (error: TroupeError) => void;
  /** Messages asked for at a time: at most so many are under way. Default 256. */
  readonly batch?: number;
  /**
   * The server says that it is alive each so often; after two misses the reader starts again. Unit: ms. Default 5,000;
   * 1,000 in a cluster, where the consumer lives on one server of several and goes with it while the link stands.
   */
  readonly heartbeatMs?: number;
  /** A request for messages ends after this, and is made again. Unit: ms, at least two heartbeats. Default 30,000. */
  readonly pullExpiresMs?: number;
  /** Leave the data of the messages on the server. Default false. */
  readonly headersOnly?: boolean;
  /** A reader that was behind for longer starts over (R4): what it missed may be gone. Unit: ms. Default: never. */
  readonly behindMsMax?: number;
  /** The consumer's name on the server begins with it. Letters, digits, `_`, `-`. Default "reader". */
  readonly role?: string;
  readonly clock?: Clock;
}

export interface StreamReader extends AsyncDisposable {
  /** Sequence of the last message handed over; 0 before the first. */
  readonly position: number;
  /** Asks for no more until `resume`: at most `batch` messages still come. Idempotent. */
  pause(): void;
  resume(): void;
  close(): Promise<void>;
}

/**
 * Resolves when the consumer stands: what is stored from now on will be read.
 * Rejects with STORE_FAILED (no such stream, refused) or SERVER_UNREACHABLE; later troubles it mends by itself.
 */
export async function openReader(options: ReaderOptions): Promise<StreamReader> {
  const reader = new OrderedReader(options);
  try {
    await reader.open();
  } catch (thrown) {
    await reader.close();
    throw thrown;
  }
  return reader;
}

let readersOpened = 0;

class OrderedReader implements StreamReader {
  readonly #options: ReaderOptions;
  readonly #link: NatsLink;
  readonly #clock: Clock;
  readonly #batch: number;
  readonly #inbox: string;
  readonly #place = noPlace();
  #unlisten: (() => void) | undefined;
  #subscription: Subscription | undefined;
  #isClosed = false;
  #lost: TroupeError | undefined;
  #isPaused = false;

  // The stream and the place in it.
  #stream: StreamState | undefined;
  #position = 0;
  /** The sequence to start from; "last" as long as a snapshot has not begun. */
  #next: number | "last" | "new";
  #isCurrent = false;
  /** At this wall-clock time everything before it had been read. */
  #freshAsOfMs = 0;

  // The consumer of this generation. Whatever carries an older generation's name is void.
  #generation = 0;
  #consumer: string | undefined;
  #finder: PlaceFinder | undefined;
  #pullPrefix = "";
  #pulls = 0;
  #consumerSequence = 0;
  /** Messages that were asked for and have not come. */
  #credit = 0;
  #isHeard = false;
  #misses = 0;
  #attempts = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#link = options.link;
    this.#clock = options.clock ?? systemClock;
    this.#batch = Math.max(1, options.batch ?? 256);
    this.#next = typeof options.from === "number" ? Math.max(1, options.from) : options.from;
    this.#inbox = `${options.link.inbox}.w${(readersOpened++).toString(36)}`;
  }

  get position(): number {
    return this.#position;
  }

  async open(): Promise<void> {
    const { connection } = this.#link;
    await checkConnected(this.#link);
    this.#subscription = connection.subscribe(`${this.#inbox}.>`, {
      callback: (error, message) => {
        if (error === null) this.#receive(message);
        else this.#lose(error.message);
      },
    });
    const failure = await this.#start();
    if (failure !== undefined) throw failure;
    this.#unlisten = this.#link.onReconnected(() => {
      this.#attempts = 0;
      this.#restart("the link reconnected"); // R2
    });
    void connection.closed().then(() => this.#lose("the connection was closed"));
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#consumer === undefined) return;
    const { behindMsMax } = this.#options;
    if (behindMsMax !== undefined && this.#clock.now() - this.#freshAsOfMs > behindMsMax) {
      this.#restart("paused for too long");
    } else this.#topUp();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#unlisten?.();
    this.#stop();
    this.#subscription?.unsubscribe();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #lose(reason: string): void {
    if (this.#isClosed) return;
    this.#lost = new TroupeError("WATCH_LOST", `${this.#options.stream} cannot be read any more: ${reason}`);
    void this.close();
    this.#options.onLost?.(this.#lost);
  }

  /** Why a start that became void failed; undefined when another start has taken its place. */
  #whyVoid(): TroupeError | undefined {
    if (!this.#isClosed) return undefined;
    return this.#lost ?? new TroupeError("CLOSED", `the reader of ${this.#options.stream} was closed`);
  }

  get #times(): PullTimes {
    return pullTimes(this.#options, this.#stream?.replicas);
  }

  /** The stream's last sequence at the (re)start: up to there it is the past. */
  get #target(): number {
    return this.#stream?.lastSequence ?? 0;
  }

  /** Makes everything of the present consumer void. */
  #stop(): void {
    this.#generation += 1;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#finder = undefined;
    this.#credit = 0;
    if (this.#consumer !== undefined) deleteConsumer(this.#link, this.#options.stream, this.#consumer); // R5
    this.#consumer = undefined;
  }

  /** A new consumer, soon. While the link is down there is nothing to do: its reconnection leads here again. */
  #restart(reason: string): void {
    this.#stop();
    if (this.#isClosed || !this.#link.isConnected) return;
    this.#options.onInterrupted?.(reason);
    const delayMs = restartDelayMs(this.#attempts, this.#clock.random());
    this.#attempts += 1;
    this.#cancelTimer = this.#clock.after(delayMs, () => {
      this.#cancelTimer = undefined;
      void this.#start().then((failure) => {
        if (failure !== undefined) this.#restart(failure.message);
      });
    });
  }

  /** Makes the consumer. Resolves with what prevented it; undefined when it stands, or when this start became void. */
  async #start(): Promise<TroupeError | undefined> {
    const generation = this.#generation;
    const { stream, filters, role = "reader", headersOnly = false } = this.#options;
    const described = await describeStream(this.#link, stream);
    if (generation !== this.#generation) return this.#whyVoid();
    if (described.kind === "failed") return described.error;
    if (described.kind === "refused") return refusedError(`stream ${stream}`, described.refusal);
    this.#adopt(described.value);
    const name = `${role}-${this.#clock.uniqueId()}`;
    const from = this.#next === "new" ? described.value.lastSequence + 1 : this.#next;
    this.#next = from;
    const created = await createConsumer(this.#link, { stream, name, filters, from, headersOnly });
    if (generation !== this.#generation || created.kind === "failed") {
      deleteConsumer(this.#link, stream, name); // It may stand all the same (R5).
      if (generation !== this.#generation) return this.#whyVoid();
    }
    if (created.kind === "failed") return created.error;
    if (created.kind === "refused") return refusedError(`consumer on ${stream}`, created.refusal);
    this.#run(name, created.value);
    return undefined;
  }

  /** Takes the stream as it is now; starts over when it is not the one that was read (R4). */
  #adopt(stream: StreamState): void {
    const lost = this.#whyPlaceIsLost(stream);
    if (lost !== undefined) {
      this.#next = this.#options.restartFrom ?? (this.#options.from === "last" ? "last" : 1);
      this.#position = 0;
      this.#isCurrent = false;
      this.#options.onRestarted?.(lost);
    }
    const isFromScratch = lost !== undefined || this.#stream === undefined || this.#next === "last";
    if (isFromScratch) this.#freshAsOfMs = this.#clock.now();
    this.#stream = stream;
  }

  #whyPlaceIsLost(stream: StreamState): string | undefined {
    const name = this.#options.stream;
    if (this.#stream !== undefined && this.#stream.created !== stream.created) return `${name} was made anew`;
    if (typeof this.#next !== "number") return undefined;
    const after = Math.max(this.#next - 1, this.#position);
    if (stream.lastSequence < after) return `${name} ends at ${stream.lastSequence}, before ${after}`;
    const { behindMsMax } = this.#options;
    const behindMs = this.#stream === undefined ? 0 : this.#clock.now() - this.#freshAsOfMs;
    if (behindMsMax === undefined || behindMs <= behindMsMax) return undefined;
    return `${Math.round(behindMs / 1_000)} s behind: what was deleted meanwhile may have left no trace`;
  }

  #run(name: string, waiting: number): void {
    this.#consumer = name;
    this.#finder = new PlaceFinder(this.#options.stream, name);
    this.#pullPrefix = `${this.#inbox}.${this.#generation}.`;
    this.#consumerSequence = 0;
    this.#credit = 0;
    this.#misses = 0;
    this.#isHeard = false;
    if (typeof this.#next === "number" && this.#next > this.#target && !this.#isCurrent) this.#becomeCurrent();
    if (waiting === 0) this.#nothingWaits(0);
    if (this.#consumer !== name) return; // Closed by whom it told that it is current.
    this.#topUp();
    this.#watchHeartbeat();
  }

  #watchHeartbeat(): void {
    this.#cancelTimer = this.#clock.after(this.#times.heartbeatMs, () => {
      if (this.#isHeard || this.#credit === 0 || !this.#link.isConnected) this.#misses = 0;
      else this.#misses += 1;
      this.#isHeard = false;
      if (this.#misses < 2) this.#watchHeartbeat();
      else this.#restart("no heartbeat");
    });
  }

  #topUp(): void {
    if (this.#isPaused || this.#consumer === undefined || this.#link.connection.isClosed()) return;
    const batch = this.#batch - this.#credit;
    if (batch <= 0) return;
    this.#credit += batch;
    const isQuick = !this.#isCurrent && (this.#stream?.replicas ?? 1) > 1;
    const reply = this.#pullPrefix + (this.#pulls++).toString(36);
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${this.#options.stream}.${this.#consumer}`;
    this.#link.publish(subject, pullRequest(batch, isQuick ? quickPull : this.#times), { reply });
  }

  #receive(message: Msg): void {
    const reply = message.reply;
    if (reply === undefined || reply === "") {
      this.#hearStatus(message);
      return;
    }
    const place = this.#place;
    if (this.#finder === undefined || !this.#finder.read(reply, place)) return;
    if (place.consumerSequence !== this.#consumerSequence + 1) {
      this.#restart("a gap"); // R1
      return;
    }
    const { sequence, pending, writtenAtMs } = place;
    const generation = this.#generation;
    // Beyond what was stored at the start: this is the first news.
    if (!this.#isCurrent && sequence > this.#target) this.#becomeCurrent();
    if (generation !== this.#generation) return;
    this.#consumerSequence += 1;
    this.#credit -= 1;
    this.#isHeard = true;
    this.#attempts = 0;
    this.#position = sequence;
    this.#next = sequence + 1; // R3
    if (writtenAtMs > this.#freshAsOfMs) this.#freshAsOfMs = writtenAtMs;
    try {
      this.#options.onMessage(new Stored(sequence, pending, writtenAtMs, message));
    } catch (thrown) {
      // Thrown through the client's parser it would end the connection without a word; it is a bug, and shown as one.
      queueMicrotask(() => {
        throw thrown;
      });
    }
    if (generation !== this.#generation) return;
    if (pending === 0) this.#nothingWaits(0);
    else if (!this.#isCurrent && sequence >= this.#target) this.#becomeCurrent();
    if (this.#credit * 2 <= this.#batch) this.#topUp();
  }

  #hearStatus(message: Msg): void {
    if (this.#finder === undefined || !message.subject.startsWith(this.#pullPrefix)) return;
    const status = statusOf(message);
    if (status.kind === "gone") {
      this.#restart(status.reason); // R2
      return;
    }
    this.#isHeard = true;
    this.#attempts = 0;
    if (status.kind === "over") {
      this.#credit = Math.max(0, this.#credit - status.undelivered);
      this.#topUp();
    } else if (status.consumerSequence !== this.#consumerSequence) {
      this.#restart("a heartbeat shows a gap"); // R1, R2
    } else this.#nothingWaits(status.streamSequence);
  }

  /** Nothing that the server's copy of the stream holds waits for us; the copy is known to reach `provenTo`. */
  #nothingWaits(provenTo: number): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    // A replica may not have come as far as the leader, which told us the last sequence.
    if (stream.replicas > 1 && Math.max(provenTo, this.#position) < stream.lastSequence) return;
    this.#freshAsOfMs = Math.max(this.#freshAsOfMs, this.#clock.now());
    if (!this.#isCurrent) this.#becomeCurrent();
  }

  #becomeCurrent(): void {
    const sequence = Math.max(this.#target, this.#position);
    this.#isCurrent = true;
    this.#next = sequence + 1; // R3
    this.#options.onCurrent?.(sequence);
  }
}
