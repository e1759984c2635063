// The Mail port on NATS: JetStream for what must last, core requests for what is answered. The laws stand at the port.
// The hot path of the whole system, so: nothing is awaited before a message is sent (M2), headers are made only when
// there is something to say, and no acknowledgement is parsed that can be read.

import type { Msg } from "@nats-io/transport-node";
import type { Clock } from "../core/clock.ts";
import { systemClock } from "../core/clock.ts";
import { TroupeError } from "../core/errors.ts";
import { escapeId } from "../core/ids.ts";
import { unseen } from "../core/trace.ts";
import { callApi, refusedError } from "../kv/nats-api.ts";
import type { LinkAnswer, NatsLink } from "../kv/nats-link.ts";
import { headersOf, rawHeaders } from "../kv/nats-link.ts";
import type {
  AppendOutcome,
  AskAddress,
  ControlAnswer,
  DeadLetter,
  Letter,
  Mail,
  MailAddress,
  MailMeta,
  MailReader,
  MailRequest,
  MailServer,
  MailTimer,
  MailTimerId,
  PingOutcome,
  RequestOutcome,
  Withdrawal,
} from "./mail.ts";
import { pingOutcomeOf } from "./mail.ts";
import { AckReader } from "./mail-ack.ts";
import { deadHeaderBytesMax, deadTail, fitDead } from "./mail-dead.ts";
import { checkAddress, headerBytes, headerLinesOf, headerNames, isHeaderValue, line } from "./mail-headers.ts";
import { misaddressed, strictTargetOf } from "./mail-subject.ts";
import { firingLines, refusalOf, scheduleLines } from "./mail-timer.ts";
import { NatsIntake } from "./nats-intake.ts";
import { readStoredMailbox } from "./nats-mailbox.ts";
import { NatsRequest, unseenMark, withdrawnBy } from "./nats-request.ts";
import { openServing } from "./nats-serving.ts";
import type { Subjects } from "./subjects.ts";
import { doorQueue, timerMethod } from "./subjects.ts";

export interface NatsMailOptions {
  /** Stays the caller's own: `close` leaves it open. */
  readonly link: NatsLink;
  readonly subjects: Subjects;
  /** Partitions of the pool: whoever opens all of them at once reads them with one filter. */
  readonly partitionCount?: number;
  readonly clock?: Clock;
}

const nothing = new Uint8Array(0);
const silence: ControlAnswer = { payload: nothing };
const aborted: LinkAnswer = { kind: "lost", reason: "the asker waits no longer" };
const nobody: RequestOutcome = { kind: "nobody" };
/** Of two that take themselves for the owner one gets each request, so that what one refuses the other does not do (M5). */
const ownerQueue = "owner";

/** The streams must be there (`ensureLayout`). */
export function openNatsMail(options: NatsMailOptions): Mail {
  return new NatsMail(options);
}

class NatsMail implements Mail {
  readonly #link: NatsLink;
  readonly #subjects: Subjects;
  readonly #clock: Clock;
  readonly #intake: NatsIntake;
  readonly #mailAcks: AckReader;
  readonly #deadAcks: AckReader;
  readonly #open = new Set<{ close(): Promise<void> }>();
  readonly #stopListening = new Set<() => void>();
  readonly #closing = Promise.withResolvers<void>();
  #isClosed = false;

  constructor({ link, subjects, partitionCount, clock = systemClock }: NatsMailOptions) {
    this.#link = link;
    this.#intake = new NatsIntake(link, clock, subjects, partitionCount);
    this.#subjects = subjects;
    this.#clock = clock;
    this.#mailAcks = new AckReader(subjects.mailStream);
    this.#deadAcks = new AckReader(subjects.deadStream);
  }

  get payloadBytesMax(): number {
    return this.#link.payloadBytesMax - deadHeaderBytesMax;
  }

  append(to: MailAddress, payload: Uint8Array, meta: MailMeta, timeoutMs: number): Promise<AppendOutcome> {
    let lines: string[] | undefined;
    try {
      this.#checkOpen();
      checkAddress(to);
      lines = headerLinesOf(meta);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
    const excess = this.#excess(payload, lines);
    if (excess !== undefined) return Promise.resolve({ kind: "refused", reason: excess });
    const subject = this.#subjects.mail(to.partition, to.key, to.method);
    return this.#store(this.#mailAcks, subject, payload, lines, timeoutMs);
  }

  async read(
    partition: number,
    fromSequence: number,
    onLetter: (letter: Letter) => void,
    onLost?: (error: TroupeError) => void,
  ): Promise<MailReader> {
    this.#checkOpen();
    const reader = await this.#intake.open(
      partition,
      Math.max(1, fromSequence),
      (letter) => this.#isClosed || onLetter(letter),
      (error) => this.#isClosed || onLost?.(error),
    );
    if (this.#isClosed) await reader.close(); // M7
    this.#checkOpen();
    const opened = {
      get position() {
        return reader.position;
      },
      close: () => {
        this.#open.delete(opened);
        return reader.close();
      },
      [Symbol.asyncDispose]: () => opened.close(),
    };
    return this.#keep(opened);
  }

  async readMailbox(partition: number, key: string, fromSequence: number, most: number): Promise<readonly Letter[]> {
    this.#checkOpen();
    checkAddress({ partition, key, method: "any" });
    return readStoredMailbox({
      link: this.#link,
      clock: this.#clock,
      stream: this.#subjects.mailStream,
      prefix: this.#subjects.mailPrefix(partition),
      key,
      from: fromSequence,
      most,
    });
  }

  async trim(partition: number, upToSequence: number): Promise<void> {
    this.#checkOpen();
    if (upToSequence < 1) return;
    await this.#purge({ filter: `${this.#subjects.mailPrefix(partition)}>`, seq: upToSequence + 1 });
  }

  async bury(dead: DeadLetter, timeoutMs: number): Promise<AppendOutcome> {
    this.#checkOpen();
    const { lines, payload } = fitDead(dead, this.#link.payloadBytesMax);
    const subject = this.#subjects.dead(...deadTail(dead.letter));
    return this.#store(this.#deadAcks, subject, payload, lines, timeoutMs);
  }

  async schedule(
    to: MailAddress,
    timer: MailTimer,
    payload: Uint8Array,
    meta: Pick<MailMeta, "messageId" | "trace">,
    timeoutMs: number,
  ): Promise<AppendOutcome> {
    this.#checkOpen();
    checkAddress(to);
    const { messageId, trace } = meta;
    const subject = this.#subjects.timer(to.key, escapeId(timer.name), timer.number);
    const refusal = refusalOf(timer.when, this.#clock.now());
    if (refusal !== undefined) return refusal;
    const target = this.#subjects.mail(to.partition, to.key, timerMethod(timer.number));
    const lines = [...scheduleLines(timer, target), ...firingLines(to, timer, trace)];
    lines.push(...(headerLinesOf({ messageId }) ?? []));
    const excess = this.#excess(payload, lines);
    if (excess !== undefined) return { kind: "refused", reason: excess, isFinal: true };
    return this.#store(this.#mailAcks, subject, payload, lines, timeoutMs);
  }

  async cancel(key: string, { name, number }: MailTimerId): Promise<void> {
    this.#checkOpen();
    checkAddress({ partition: 0, key, method: "any" });
    await this.#purge({ filter: this.#subjects.timer(key, escapeId(name), number) });
  }

  request(
    to: AskAddress,
    payload: Uint8Array,
    meta: MailMeta,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<RequestOutcome> {
    let lines: string[] | undefined;
    const isUnseen = meta.trace === unseen;
    try {
      this.#checkOpen();
      checkAddress(to);
      lines = headerLinesOf(meta, isUnseen);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
    const excess = this.#excess(payload, lines);
    if (excess !== undefined) return Promise.resolve({ kind: "unsent", reason: excess });
    const subject = this.#subjects.ask(to.partition, to.epoch, to.key, to.method);
    const headers = lines === undefined ? undefined : rawHeaders(lines);
    return new Promise((resolve) => {
      const onAnswer = (answer: LinkAnswer) => {
        signal?.removeEventListener("abort", withdraw);
        resolve(requestOutcomeOf(answer, askId));
      };
      const askId = this.#link.send(subject, payload, headers, timeoutMs, onAnswer, isUnseen ? unseenMark : "");
      const withdraw = () => resolve(requestOutcomeOf(aborted, askId));
      signal?.addEventListener("abort", withdraw, { once: true });
    });
  }

  withdraw(to: AskAddress, askId: string): void {
    if (this.#isClosed || !this.#link.isConnected || !isHeaderValue(askId)) return;
    const subject = this.#subjects.ask(to.partition, to.epoch, to.key, to.method);
    const headers = rawHeaders([line(headerNames.withdraw, askId)]);
    this.#link.publish(subject, nothing, { headers });
  }

  serve(
    partition: number,
    epoch: number,
    onRequest: (request: MailRequest) => void,
    onWithdrawn?: (withdrawal: Withdrawal) => void,
  ): Promise<MailServer> {
    const prefix = this.#subjects.askPrefix(partition, epoch);
    return this.#serveBelow(prefix, { queue: ownerQueue }, onRequest, onWithdrawn);
  }

  serveDoor(door: "call" | "tell", onRequest: (request: MailRequest) => void): Promise<MailServer> {
    return this.#serveBelow(this.#subjects.doorPrefix(door), { queue: doorQueue }, onRequest);
  }

  async ping(worker: string, timeoutMs: number): Promise<PingOutcome> {
    return pingOutcomeOf(await this.control(worker, nothing, timeoutMs));
  }

  async control(worker: string, payload: Uint8Array, timeoutMs: number): Promise<RequestOutcome> {
    this.#checkOpen();
    const subject = this.#subjects.worker(escapeId(worker));
    return requestOutcomeOf(await this.#link.request(subject, payload, timeoutMs), undefined);
  }

  async serveControl(
    worker: string,
    onControl: (payload: Uint8Array) => ControlAnswer = () => silence,
  ): Promise<MailServer> {
    this.#checkOpen();
    return this.#subscribe(this.#subjects.worker(escapeId(worker)), {}, (message) => {
      const { payload, errorCode } = message.data.length === 0 ? silence : onControl(message.data);
      new NatsRequest(this.#link, message, "", "").reply(payload, errorCode);
    });
  }

  publishFeed(worker: string, payload: Uint8Array): void {
    if (this.#isClosed || !this.#link.isConnected || payload.length > this.#link.payloadBytesMax) return;
    this.#link.publish(this.#subjects.feed(escapeId(worker)), payload);
  }

  async followFeed(worker: string, onBatch: (payload: Uint8Array) => void): Promise<MailServer> {
    this.#checkOpen();
    return this.#subscribe(this.#subjects.feed(escapeId(worker)), {}, ({ data }) => onBatch(data));
  }

  onConnection(listener: (state: "lost" | "restored") => void): () => void {
    const stopLost = this.#link.onDisconnected(() => listener("lost"));
    const stopRestored = this.#link.onReconnected(() => listener("restored"));
    const stop = () => {
      stopLost();
      stopRestored();
      this.#stopListening.delete(stop);
    };
    this.#stopListening.add(stop);
    return stop;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closing.resolve();
    for (const stop of [...this.#stopListening]) stop();
    await Promise.all([...this.#open].map((each) => each.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new TroupeError("CLOSED", "the mail is closed");
  }

  /** Why it is too large; undefined when it is not. */
  #excess(payload: Uint8Array, lines: readonly string[] | undefined): string | undefined {
    const bytes = payload.length + headerBytes(lines);
    if (bytes <= this.payloadBytesMax) return undefined;
    return `the message takes ${bytes} bytes with its headers, ${this.payloadBytesMax} are allowed`;
  }

  #store(
    acks: AckReader,
    subject: string,
    payload: Uint8Array,
    lines: readonly string[] | undefined,
    timeoutMs: number,
  ): Promise<AppendOutcome> {
    const headers = lines === undefined ? undefined : rawHeaders(lines);
    return new Promise((resolve) => {
      this.#link.send(subject, payload, headers, timeoutMs, (answer) => resolve(acks.outcomeOf(answer)));
    });
  }

  async #purge(request: { readonly filter: string; readonly seq?: number }): Promise<void> {
    const { mailStream } = this.#subjects;
    const answer = await callApi(this.#link, `STREAM.PURGE.${mailStream}`, request);
    if (answer.kind === "failed") throw answer.error;
    if (answer.kind === "refused") throw refusedError(`purging ${request.filter}`, answer.refusal);
  }

  async #serveBelow(
    prefix: string,
    options: { readonly queue?: string },
    onRequest: (request: MailRequest) => void,
    onWithdrawn?: (withdrawal: Withdrawal) => void,
  ): Promise<MailServer> {
    this.#checkOpen();
    const skip = prefix.length;
    return this.#subscribe(`${prefix}>`, options, (message) => {
      const { subject } = message;
      const target = strictTargetOf(subject, skip);
      // Who asks waits for a reply; only then is there nothing to look for in the headers.
      const askId = message.reply === undefined || message.reply === "" ? withdrawnBy(message) : undefined;
      if (askId !== undefined) {
        if (target !== undefined) onWithdrawn?.({ key: target.key, askId });
        return;
      }
      const request = new NatsRequest(this.#link, message, target?.key ?? "", target?.method ?? "");
      if (target === undefined) request.reply(misaddressed(subject), "NAME_INVALID");
      else onRequest(request);
    });
  }

  async #subscribe(
    subject: string,
    options: { readonly queue?: string },
    onMessage: (message: Msg) => void,
  ): Promise<MailServer> {
    const serving = await openServing({
      ...{ link: this.#link, clock: this.#clock, closing: this.#closing.promise, subject, ...options },
      onMessage: (message) => {
        if (!this.#isClosed) onMessage(message);
      },
    });
    const server: MailServer = this.#keep({
      close: () => {
        this.#open.delete(server);
        return serving.close({ isAbrupt: this.#isClosed });
      },
      [Symbol.asyncDispose]: () => server.close(),
    });
    return server;
  }

  #keep<Opened extends { close(): Promise<void> }>(opened: Opened): Opened {
    this.#open.add(opened);
    return opened;
  }
}

function requestOutcomeOf(answer: LinkAnswer, askId: string | undefined): RequestOutcome {
  switch (answer.kind) {
    case "reply": {
      const { message } = answer;
      const headers = headersOf(message);
      if (headers === "unreadable") return { kind: "lost", reason: "the reply's headers cannot be read" };
      const errorCode = headers?.get(headerNames.error) ?? "";
      return { kind: "reply", payload: message.data, errorCode: errorCode === "" ? undefined : errorCode };
    }
    case "nobody":
      return nobody;
    case "unsent":
      return answer;
    case "lost":
      return askId === undefined ? answer : { ...answer, askId };
  }
}
