// The Mail port on a world in memory. The laws stand at the port; the same checks as on NATS come first, so that what is
// refused there is refused here.

import { TroupeError } from "../core/errors.ts";
import { escapeId } from "../core/ids.ts";
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
import { mailboxReadBytesMax, noMeta, pingOutcomeOf } from "./mail.ts";
import { deadHeaderBytesMax, deadMessageId, deadTail, fitDead } from "./mail-dead.ts";
import { checkAddress, entriesOf, headerBytes, headerLinesOf, metaOf } from "./mail-headers.ts";
import { firingLines, letterOf, refusalOf, scheduleLines, timerHeaderNames } from "./mail-timer.ts";
import type { CallAnswer, MemoryConnection } from "./memory-connection.ts";
import { unlessAborted } from "./memory-connection.ts";
import { MemoryReader } from "./memory-reader.ts";
import type { MemorySubscription } from "./memory-router.ts";
import type { StoredLetter } from "./memory-stream.ts";
import type { MemoryWorld } from "./memory-world.ts";
import type { Subjects } from "./subjects.ts";
import { timerMethod } from "./subjects.ts";

export interface MemoryMailOptions {
  readonly world: MemoryWorld;
  readonly subjects: Subjects;
  /** By which the world's faults know this client. Default: one of its own. */
  readonly name?: string;
  /** One that the client's stores use too. Default: a new one of that name. */
  readonly connection?: MemoryConnection;
}

/** How long calls may take that have no time of their own. Unit: ms. */
const callTimeoutMs = 5_000;
/** How long the world may take to hear that a subject is no longer served. Unit: ms. */
const unserveMsMax = 2_000;
const nothing = new Uint8Array(0);
const silence: ControlAnswer = { payload: nothing };

export function openMemoryMail(options: MemoryMailOptions): Mail {
  return new MemoryMail(options);
}

/** A letter as its reader gets it, with bytes of its own. */
export function readLetter({ payload, lines, sequence, ...target }: StoredLetter): Letter {
  return letterOf(target, new Uint8Array(payload), lines === undefined ? noMeta : metaOf(entriesOf(lines)), sequence);
}

class MemoryMail implements Mail {
  readonly payloadBytesMax: number;
  readonly #world: MemoryWorld;
  readonly #subjects: Subjects;
  readonly #connection: MemoryConnection;
  readonly #open = new Set<{ close(): Promise<void> }>();
  readonly #stopListening = new Set<() => void>();
  readonly #closing = Promise.withResolvers<void>();
  #asks = 0;
  #isClosed = false;

  constructor({ world, subjects, name, connection }: MemoryMailOptions) {
    this.#world = world;
    this.#subjects = subjects;
    this.#connection = connection ?? world.connect(name);
    this.payloadBytesMax = world.payloadBytesMax - deadHeaderBytesMax;
  }

  async append(to: MailAddress, payload: Uint8Array, meta: MailMeta, timeoutMs: number): Promise<AppendOutcome> {
    this.#checkOpen();
    checkAddress(to);
    const lines = headerLinesOf(meta);
    const excess = this.#excess(payload, lines);
    if (excess !== undefined) return { kind: "refused", reason: excess };
    const letter = { key: to.key, method: to.method, payload: new Uint8Array(payload), lines };
    const subject = this.#subjects.mail(to.partition, to.key, to.method);
    const answer = await this.#connection.call<AppendOutcome>("append", subject, timeoutMs, (done) =>
      done(this.#world.append(this.#subjects.mailStream, this.#prefix(to.partition), letter, meta.messageId)),
    );
    return appendOutcomeOf(answer);
  }

  async read(partition: number, fromSequence: number, onLetter: (letter: Letter) => void): Promise<MailReader> {
    this.#checkOpen();
    const prefix = this.#prefix(partition);
    const reader = new MemoryReader({
      world: this.#world,
      connection: this.#connection,
      stream: this.#subjects.mailStream,
      prefix,
      fromSequence,
      onLetter: (letter) => {
        if (!this.#isClosed) onLetter(readLetter(letter));
      },
      onClose: (closed) => this.#open.delete(closed),
    });
    this.#open.add(reader);
    const answer = await this.#connection.call<true>("read", `${prefix}>`, callTimeoutMs, (done) => done(true));
    this.#checkOpen(); // M7
    if (answer.kind === "answer") {
      reader.start();
      return reader;
    }
    await reader.close();
    throw unreachable(`reading ${prefix}>`, answer);
  }

  async readMailbox(partition: number, key: string, fromSequence: number, most: number): Promise<readonly Letter[]> {
    this.#checkOpen();
    checkAddress({ partition, key, method: "any" });
    const prefix = this.#prefix(partition);
    return this.#ask("read-mailbox", `${prefix}${key}.*`, () => {
      const log = this.#world.stream(this.#subjects.mailStream).partition(prefix);
      const found: Letter[] = [];
      let bytes = 0;
      for (let at = log.indexOf(fromSequence); found.length < most && bytes < mailboxReadBytesMax; at += 1) {
        const letter = log.letters[at];
        if (letter === undefined) break;
        if (letter.key !== key) continue;
        found.push(readLetter(letter));
        bytes += letter.payload.length;
      }
      return found;
    });
  }

  async trim(partition: number, upToSequence: number): Promise<void> {
    this.#checkOpen();
    if (upToSequence < 1) return;
    const prefix = this.#prefix(partition);
    await this.#ask("trim", `${prefix}>`, () => {
      this.#world.stream(this.#subjects.mailStream).partition(prefix).trim(upToSequence);
    });
  }

  async bury(dead: DeadLetter, timeoutMs: number): Promise<AppendOutcome> {
    this.#checkOpen();
    const { deadStream } = this.#subjects;
    const { lines, payload } = fitDead(dead, this.#world.payloadBytesMax);
    const [key, method] = deadTail(dead.letter);
    const letter = { key, method, payload: new Uint8Array(payload), lines };
    const id = deadMessageId(dead.partition, dead.letter.sequence);
    const subject = this.#subjects.dead(key, method);
    const answer = await this.#connection.call<AppendOutcome>("bury", subject, timeoutMs, (done) =>
      done(this.#world.append(deadStream, deadStream, letter, id)),
    );
    return appendOutcomeOf(answer);
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
    const subject = this.#subjects.timer(to.key, escapeId(timer.name), timer.number);
    const refusal = refusalOf(timer.when, this.#world.clock.now());
    if (refusal !== undefined) return refusal;
    const slot = timerMethod(timer.number);
    const lines = firingLines(to, timer, meta.trace);
    const target = this.#subjects.mail(to.partition, to.key, slot);
    const ownLines = headerLinesOf({ messageId: meta.messageId }) ?? [];
    const excess = this.#excess(payload, [...scheduleLines(timer, target), ...lines, ...ownLines]);
    if (excess !== undefined) return { kind: "refused", reason: excess, isFinal: true };
    const { mailStream } = this.#subjects;
    const letter = { key: to.key, method: slot, payload: new Uint8Array(payload) };
    const answer = await this.#connection.call<AppendOutcome>("schedule", subject, timeoutMs, (done) => {
      const outcome = this.#world.stream(mailStream).note(meta.messageId);
      if (!outcome.isDuplicate) {
        this.#world.setTimer(subject, timer.when, (nextMs) => {
          const next = nextMs === undefined ? "purge" : new Date(nextMs).toISOString();
          const fired = {
            ...letter,
            lines: [...lines, `${timerHeaderNames.next}: ${next}`],
            rollsUp: nextMs !== undefined,
          };
          this.#world.append(mailStream, this.#prefix(to.partition), fired, undefined);
        });
      }
      done(outcome);
    });
    return appendOutcomeOf(answer);
  }

  async cancel(key: string, { name, number }: MailTimerId): Promise<void> {
    this.#checkOpen();
    checkAddress({ partition: 0, key, method: "any" });
    const subject = this.#subjects.timer(key, escapeId(name), number);
    await this.#ask("cancel", subject, () => this.#world.cancelTimer(subject));
  }

  async request(
    to: AskAddress,
    payload: Uint8Array,
    meta: MailMeta,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<RequestOutcome> {
    this.#checkOpen();
    checkAddress(to);
    const lines = headerLinesOf(meta);
    const excess = this.#excess(payload, lines);
    if (excess !== undefined) return { kind: "unsent", reason: excess };
    this.#asks += 1;
    const askId = `${this.#connection.name}.${this.#asks}`;
    const request = {
      askId,
      subject: this.#subjects.ask(to.partition, to.epoch, to.key, to.method),
      payload: new Uint8Array(payload),
      meta: lines === undefined ? noMeta : metaOf(entriesOf(lines)),
      payloadBytesMax: this.#world.payloadBytesMax,
    };
    const calling = this.#connection.call<RequestOutcome>("request", request.subject, timeoutMs, (done) =>
      this.#world.router.route(request, done),
    );
    const answer = await (signal === undefined ? calling : unlessAborted(calling, signal));
    if (answer.kind === "answer") return answer.value;
    if (answer.kind === "unsent") return answer;
    return { kind: "lost", reason: answer.reason, askId };
  }

  withdraw(to: AskAddress, askId: string): void {
    if (this.#isClosed) return;
    const subject = this.#subjects.ask(to.partition, to.epoch, to.key, to.method);
    this.#connection.say("withdraw", subject, () => this.#world.router.withdraw(subject, askId));
  }

  serve(
    partition: number,
    epoch: number,
    onRequest: (request: MailRequest) => void,
    onWithdrawn?: (withdrawal: Withdrawal) => void,
  ): Promise<MailServer> {
    const prefix = this.#subjects.askPrefix(partition, epoch);
    return this.#serve({ prefix, isQueue: true, isWhole: false, onRequest, onWithdrawn });
  }

  serveDoor(door: "call" | "tell", onRequest: (request: MailRequest) => void): Promise<MailServer> {
    return this.#serve({ prefix: this.#subjects.doorPrefix(door), isQueue: true, isWhole: false, onRequest });
  }

  async ping(worker: string, timeoutMs: number): Promise<PingOutcome> {
    return pingOutcomeOf(await this.control(worker, nothing, timeoutMs));
  }

  async control(worker: string, payload: Uint8Array, timeoutMs: number): Promise<RequestOutcome> {
    this.#checkOpen();
    const subject = this.#subjects.worker(escapeId(worker));
    const { payloadBytesMax } = this.#world;
    const request = { subject, payload: new Uint8Array(payload), meta: noMeta, payloadBytesMax };
    const answer = await this.#connection.call<RequestOutcome>("ping", subject, timeoutMs, (done) =>
      this.#world.router.route(request, done),
    );
    if (answer.kind === "answer") return answer.value;
    return answer.kind === "unsent" ? answer : { kind: "lost", reason: answer.reason };
  }

  serveControl(worker: string, onControl: (payload: Uint8Array) => ControlAnswer = () => silence): Promise<MailServer> {
    const prefix = this.#subjects.worker(escapeId(worker));
    const onRequest = (request: MailRequest) => {
      const { payload, errorCode } = request.payload.length === 0 ? silence : onControl(request.payload);
      request.reply(payload, errorCode);
    };
    return this.#serve({ prefix, isQueue: false, isWhole: true, onRequest });
  }

  publishFeed(worker: string, payload: Uint8Array): void {
    const { payloadBytesMax } = this.#world;
    if (this.#isClosed || payload.length > payloadBytesMax) return;
    const subject = this.#subjects.feed(escapeId(worker));
    const told = { subject, payload: new Uint8Array(payload), meta: noMeta, payloadBytesMax };
    this.#connection.say("feed", subject, () => this.#world.router.route(told, undefined));
  }

  followFeed(worker: string, onBatch: (payload: Uint8Array) => void): Promise<MailServer> {
    const prefix = this.#subjects.feed(escapeId(worker));
    return this.#serve({ prefix, isQueue: false, isWhole: true, onRequest: ({ payload }) => onBatch(payload) });
  }

  onConnection(listener: (state: "lost" | "restored") => void): () => void {
    const stopState = this.#connection.onState(listener);
    const stop = () => {
      stopState();
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
    this.#world.disconnect(this.#connection);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #prefix(partition: number): string {
    return this.#subjects.mailPrefix(partition);
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new TroupeError("CLOSED", "the mail is closed");
  }

  #excess(payload: Uint8Array, lines: readonly string[] | undefined): string | undefined {
    const bytes = payload.length + headerBytes(lines);
    if (bytes <= this.payloadBytesMax) return undefined;
    return `the message takes ${bytes} bytes with its headers, ${this.payloadBytesMax} are allowed`;
  }

  /** A call that changes nothing that matters when it fails. */
  async #ask<Value>(kind: "read-mailbox" | "trim" | "cancel", subject: string, perform: () => Value): Promise<Value> {
    const answer = await this.#connection.call<Value>(kind, subject, callTimeoutMs, (done) => done(perform()));
    if (answer.kind === "answer") return answer.value;
    throw unreachable(subject, answer);
  }

  async #serve(wanted: Omit<MemorySubscription, "connection">): Promise<MailServer> {
    this.#checkOpen();
    let end = () => {};
    let isEnded = false;
    const subject = `${wanted.prefix}>`;
    const server: MailServer = {
      close: async () => {
        this.#open.delete(server);
        // What is under way when the world hears of it is still taken, or its asker would wait in vain.
        if (!this.#isClosed && this.#connection.isConnected && !isEnded) {
          await this.#connection.call<true>("serve", subject, unserveMsMax, (done) => {
            end();
            done(true);
          });
        }
        isEnded = true;
        end();
      },
      [Symbol.asyncDispose]: () => server.close(),
    };
    this.#open.add(server);
    const onRequest = (request: MailRequest) => {
      if (!this.#isClosed && !isEnded) wanted.onRequest(request);
    };
    const onWithdrawn = (withdrawal: Withdrawal) => {
      if (!this.#isClosed && !isEnded) wanted.onWithdrawn?.(withdrawal);
    };
    // The server may be away: it hears of the subscription when it is back.
    for (let isKnown = false; !isKnown; ) {
      const answer = await this.#connection.call<true>("serve", subject, callTimeoutMs, (done) => {
        end();
        end = this.#world.router.subscribe({ ...wanted, onRequest, onWithdrawn, connection: this.#connection });
        done(true);
      });
      if (this.#isClosed) end();
      this.#checkOpen();
      isKnown = answer.kind === "answer";
      if (isKnown || this.#connection.isConnected) continue;
      await Promise.race([this.#closing.promise, this.#connection.untilRestored()]);
    }
    return server;
  }
}

function appendOutcomeOf(answer: CallAnswer<AppendOutcome>): AppendOutcome {
  switch (answer.kind) {
    case "answer":
      return answer.value;
    case "refused":
    case "unsent":
      return answer;
    case "lost":
      return { kind: "unknown", reason: answer.reason };
  }
}

function unreachable(what: string, answer: Exclude<CallAnswer<unknown>, { kind: "answer" }>): TroupeError {
  return new TroupeError("SERVER_UNREACHABLE", `${what}: ${answer.reason}`);
}
