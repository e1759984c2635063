// Publishes what committed turns have sent and set, and says when the mail stream has it.
//
//   O1. To one receiver the entries go one after the other, in order of their numbers: the next only when the one before
//       is stored (P5). Receivers do not wait for each other. The receiver of a timer's entry is the actor itself.
//   O2. An entry is tried until it is stored or ownership is lost; its message id is the same each time, so that the
//       server's duplicate window drops what came twice, and behind it the receiver's inbox does.
//   O3. A timer that does not stand any more when its turn comes is not set. One that the server refuses for good is let
//       go, and said: it would hold up whatever its actor sends, for ever.
//   O4. What is written to one scope's memory goes one after the other as well; what waits there together is handed over
//       together, in order.

import type { OutboxDead, OutboxMemory, OutboxSent, OutboxTell, OutboxTimer } from "../actors/snapshot.ts";
import type { Timer } from "../actors/timer.ts";
import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { encodeText } from "../core/codec.ts";
import { FleetingMap } from "../core/fleeting-map.ts";
import type { Traceparent } from "../core/trace.ts";
import { endSpan, traceparentOf } from "../core/trace.ts";
import type { AppendOutcome, MailAddress } from "./mail.ts";
import type { Route } from "./routes.ts";
import { startSend } from "./spans.ts";

export interface PublisherOptions {
  readonly clock: Clock;
  /** The sender's key. */
  readonly from: string;
  /** The way into a receiver's pool; undefined: that of the types that name none. */
  readonly routeTo: (pool: string | undefined) => Promise<Pick<Route, "mail" | "partitionOf">>;
  /** Keeps what was given up on among the dead letters; false when ownership was lost before. */
  readonly bury: (entry: OutboxDead) => Promise<boolean>;
  /** Writes what is for one scope's memory, in order, or lets go what is refused there for good; false as above. */
  readonly remember: (entries: readonly OutboxMemory[]) => Promise<boolean>;
  readonly lost: AbortSignal;
  /** The sender's own pool, for its timers. */
  readonly pool: string | undefined;
  /** The timer of that name, as committed. */
  readonly timerOf: (name: string) => Timer | undefined;
  readonly onRefused: (entry: OutboxTimer, reason: string) => void;
  /** `isNews`: whoever had the actor before, or this worker when it was in memory last, has not stored it already. */
  readonly onStored: (entry: OutboxSent, isNews: boolean) => void;
}

/** Stored, or it had been before; "lost": ownership was, and the next owner publishes what stands in the outbox. */
type Fate = "stored" | "known" | "lost";

/** Deadline of one attempt, and the longest wait between two. Unit: ms. */
const appendTimeoutMs = 5_000;
const backoffMsMax = 2_000;
const nothing = new Uint8Array(0);

export class Publisher {
  readonly #options: PublisherOptions;
  /** By receiver (dead letters and each memory are one): what waits behind what is under way. */
  readonly #waiting = new FleetingMap<string, OutboxSent[]>();
  readonly #dead = new Set<number>();
  #pending = 0;
  #pendingBytes = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Entries that are not stored yet. */
  get pending(): number {
    return this.#pending;
  }

  /** About what these take in the actor's value. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Lowest mail sequence of what was given up on and is no dead letter yet; undefined when there is none. */
  get oldestDead(): number | undefined {
    return this.#dead.size === 0 ? undefined : Math.min(...this.#dead);
  }

  publish(entries: readonly OutboxSent[]): void {
    const begun: string[] = [];
    for (const entry of entries) {
      this.#pending += 1;
      this.#pendingBytes += bytesOf(entry);
      if ("dead" in entry) this.#dead.add(entry.dead.seq);
      const lane = this.#laneOf(entry);
      const waiting = this.#waiting.get(lane);
      if (waiting !== undefined) waiting.push(entry);
      else {
        this.#waiting.set(lane, [entry]);
        begun.push(lane);
      }
    }
    for (const lane of begun) void this.#publishLane(lane);
  }

  /** The receiver; for dead letters and memories what is no actor's key. */
  #laneOf(entry: OutboxSent): string {
    if ("dead" in entry) return "";
    if ("memory" in entry) return `memory ${entry.memory.in}`;
    return entry.timer === undefined ? entry.to : this.#options.from;
  }

  async #publishLane(lane: string): Promise<void> {
    const waiting = this.#waiting.get(lane) ?? [];
    for (let entry = waiting.shift(); entry !== undefined; entry = waiting.shift()) {
      const together: readonly OutboxSent[] = "memory" in entry ? [entry, ...waiting.splice(0)] : [entry]; // O4
      const fate = await this.#publishTogether(entry, together);
      if (fate === "lost") return;
      for (const stored of together) this.#isStored(stored, fate === "stored");
    }
    this.#waiting.delete(lane);
  }

  #isStored(entry: OutboxSent, isNews: boolean): void {
    this.#pending -= 1;
    this.#pendingBytes -= bytesOf(entry);
    if ("dead" in entry) this.#dead.delete(entry.dead.seq);
    this.#options.onStored(entry, isNews);
  }

  async #publishTogether(entry: OutboxSent, together: readonly OutboxSent[]): Promise<Fate> {
    const { remember, bury } = this.#options;
    if ("memory" in entry) return (await remember(together.filter((each) => "memory" in each))) ? "stored" : "lost";
    if ("dead" in entry) return (await bury(entry)) ? "stored" : "lost";
    return entry.timer === undefined ? this.#send(entry) : this.#setOrCancel(entry);
  }

  /** Tries until the way is open; undefined when ownership is lost first. */
  async #routeTo(pool: string | undefined): Promise<Pick<Route, "mail" | "partitionOf"> | undefined> {
    const { routeTo, clock, lost } = this.#options;
    for (let attempt = 0; !lost.aborted; attempt += 1) {
      const route = await routeTo(pool).catch(() => undefined); // The server is away.
      if (route !== undefined) return route;
      await delay(clock, Math.min(backoffMsMax, 50 * 2 ** attempt), lost);
    }
    return undefined;
  }

  async #send(entry: OutboxTell): Promise<Fate> {
    const { from } = this.#options;
    const route = await this.#routeTo(entry.pool);
    if (route === undefined) return "lost";
    const { mail, partitionOf } = route;
    const to: MailAddress = { partition: partitionOf(entry.to), key: entry.to, method: entry.method };
    const payload = entry.inputText === undefined ? nothing : encodeText(entry.inputText);
    return this.#traced(to, entry, (messageId, trace) =>
      this.#untilDone(async () => {
        const meta = { messageId, from, number: entry.n, trace };
        return fateOf(await mail.append(to, payload, meta, appendTimeoutMs));
      }),
    );
  }

  async #setOrCancel(entry: OutboxTimer): Promise<Fate> {
    const { from, pool, timerOf } = this.#options;
    const { timer: name, cancels: number } = entry;
    const route = await this.#routeTo(pool);
    if (route === undefined) return "lost";
    if (number !== undefined) {
      return this.#untilDone(() => route.mail.cancel(from, { name, number }).then(() => "stored"));
    }
    const timer = timerOf(name);
    return timer?.n === entry.n ? this.#set(entry, timer, route) : "stored"; // O3
  }

  #set(
    entry: OutboxTimer,
    { method, inputText, when }: Timer,
    { mail, partitionOf }: Pick<Route, "mail" | "partitionOf">,
  ): Promise<Fate> {
    const { from } = this.#options;
    const to: MailAddress = { partition: partitionOf(from), key: from, method };
    const payload = inputText === undefined ? nothing : encodeText(inputText);
    return this.#traced(to, entry, (messageId, trace) =>
      this.#untilDone(async () => {
        const timer = { name: entry.timer, number: entry.n, when };
        const outcome = await mail.schedule(to, timer, payload, { messageId, trace }, appendTimeoutMs);
        if (outcome.kind !== "refused" || outcome.isFinal !== true) return fateOf(outcome);
        this.#options.onRefused(entry, outcome.reason); // O3
        return "stored";
      }),
    );
  }

  /** Within a span of its own, when the turn that sent it was traced. */
  async #traced(
    to: MailAddress,
    { n, trace }: OutboxSent,
    store: (messageId: string, trace: Traceparent | undefined) => Promise<Fate>,
  ): Promise<Fate> {
    const messageId = `${this.#options.from}:${n}`;
    const span = trace === undefined ? undefined : startSend(to, messageId, trace);
    const fate = await store(messageId, traceparentOf(span, trace));
    if (fate !== "lost") endSpan(span);
    else endSpan(span, { code: "FENCED", message: "ownership was lost before the message was stored" });
    return fate;
  }

  /** Tries it until it is done, or ownership is lost (O2). */
  async #untilDone(attemptIt: () => Promise<Fate | undefined>): Promise<Fate> {
    const { clock, lost } = this.#options;
    for (let attempt = 0; !lost.aborted; attempt += 1) {
      // What rejects is an entry that somebody else has written into the value, with an address that is none, or a server
      // that is away.
      const fate = await attemptIt().catch(() => undefined);
      // What an attempt before has stored unheard is news all the same.
      if (fate !== undefined) return attempt === 0 ? fate : "stored";
      await delay(clock, Math.min(backoffMsMax, 50 * 2 ** attempt) * (0.5 + clock.random() / 2), lost);
    }
    return "lost";
  }
}

function bytesOf(entry: OutboxSent): number {
  if ("memory" in entry) return JSON.stringify(entry.memory).length;
  return "to" in entry ? (entry.inputText?.length ?? 0) : 0;
}

/** Undefined: it is to be tried again. */
function fateOf(outcome: AppendOutcome): Fate | undefined {
  if (outcome.kind !== "accepted") return undefined;
  return outcome.isDuplicate ? "known" : "stored";
}
