// One connection to NATS, used leanly: every request of a process shares one inbox, one map and one sweep timer.
// `nc.request()` builds two errors with stack traces for each request that succeeds and costs 52 to 58 µs; this costs
// what a publish and a map entry cost.
//
//   L1. A request gets exactly one answer: `reply`, `nobody` (no responders: it was not delivered to anyone), `unsent`
//       (not connected: it never left) or `lost` (no answer in time, or the connection broke: anything may have happened).
//   L2. When the connection breaks, every request in flight is answered `lost` at once instead of at its deadline: the
//       client library neither repeats nor rejects it.
//   L3. After every reconnection the `reconnected` listeners run: whatever reads a stream must ask again, since what
//       was under way to it is gone without a trace.
//   L4. Whoever is refused because there is no connection hears of it after the event loop has turned: one that tries
//       again at once would otherwise keep the process from hearing anything else, and that the connection is back.
//   L5. What the server does not let this user publish is answered `lost` as soon as it says so, with these words: nobody
//       would ever answer it.
//   L6. Deadlines are looked at after what has come was read: a process that stood still for seconds (its machine was
//       suspended, a handler computed) does not take answers for lost that lie in its socket.
//   L7. Requests that follow from what was read together leave together, in the order in which they were made: one write to the
//       socket instead of several. Nothing waits for anything that is still to come.

import type {
  ConnectionOptions,
  Msg,
  MsgHdrs,
  NatsConnection,
  PublishOptions,
  Subscription,
} from "@nats-io/transport-node";
import { connect, PermissionViolationError } from "@nats-io/transport-node";
import { messageOf, TroupeError } from "../core/errors.ts";
import { FleetingMap } from "../core/fleeting-map.ts";

export type LinkAnswer =
  | { readonly kind: "reply"; readonly message: Msg }
  | { readonly kind: "nobody" }
  | { readonly kind: "unsent"; readonly reason: string }
  | { readonly kind: "lost"; readonly reason: string };

export type LinkOptions = ConnectionOptions;

/** How long what was published last may take to leave when the link is closed. Unit: ms. */
const flushMsMax = 2_000;

/** How often deadlines are looked at. A request may be answered `lost` this much after its deadline. Unit: ms. */
export const sweepEveryMs = 50;

interface PendingRequest {
  readonly subject: string;
  readonly deadlineMs: number;
  readonly answer: (answer: LinkAnswer) => void;
}

interface LeavingRequest {
  readonly token: string;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly options: PublishOptions;
}

const nobody: LinkAnswer = { kind: "nobody" };

/** Connects. Rejects with SERVER_UNREACHABLE. Once connected it reconnects for ever. */
export async function openLink(options: LinkOptions): Promise<NatsLink> {
  try {
    const connection = await connect({
      timeout: 5_000,
      // A server that hangs is left after 4 to 6 s, when one of the others leads what it led.
      pingInterval: 2_000,
      maxPingOut: 2,
      reconnectTimeWait: 100,
      reconnectJitter: 100,
      maxReconnectAttempts: -1,
      ignoreAuthErrorAbort: true,
      noAsyncTraces: true,
      ...options,
    });
    return new NatsLink(connection);
  } catch (thrown) {
    const where = [options.servers ?? "127.0.0.1:4222"].flat().join(", ");
    throw new TroupeError("SERVER_UNREACHABLE", `cannot connect to NATS at ${where}: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}

/** Rejects with SERVER_UNREACHABLE when there is no connection (L4). */
export async function checkConnected({ isConnected }: Pick<NatsLink, "isConnected">): Promise<void> {
  if (isConnected) return;
  await new Promise(setImmediate);
  throw new TroupeError("SERVER_UNREACHABLE", "not connected to NATS");
}

export class NatsLink implements AsyncDisposable {
  readonly connection: NatsConnection;
  /** Subjects below this are this link's own: `<inbox>.<anything>`. */
  readonly inbox: string;
  #isConnected = true;
  #nextToken = 0;
  #sweep: NodeJS.Timeout | undefined;
  readonly #replies: Subscription;
  readonly #pending = new FleetingMap<string, PendingRequest>();
  /** Requests that leave soon (L7). */
  readonly #leaving: LeavingRequest[] = [];
  readonly #reconnected = new Set<() => void>();
  readonly #disconnected = new Set<() => void>();
  readonly #watching: Promise<void>;

  constructor(connection: NatsConnection) {
    this.connection = connection;
    this.inbox = `_INBOX.${crypto.randomUUID().replaceAll("-", "").slice(0, 22)}`;
    const skip = this.inbox.length + 3;
    this.#replies = connection.subscribe(`${this.inbox}.r.*`, {
      callback: (_error, message) => this.#receive(message.subject.slice(skip), message),
    });
    this.#watching = this.#watchStatus();
  }

  get isConnected(): boolean {
    return this.#isConnected && !this.connection.isClosed();
  }

  /** Largest payload with its headers. Unit: bytes. */
  get payloadBytesMax(): number {
    return this.connection.info?.max_payload ?? 1_048_576;
  }

  /** Runs `listener` after each reconnection. Returns the function that stops it. */
  onReconnected(listener: () => void): () => void {
    this.#reconnected.add(listener);
    return () => this.#reconnected.delete(listener);
  }

  onDisconnected(listener: () => void): () => void {
    this.#disconnected.add(listener);
    return () => this.#disconnected.delete(listener);
  }

  /**
   * Sends and hands `answer` exactly one answer (L1), never before this call has returned. Returns the subject of the
   * reply, unlike any other request's, with `mark` as its end; undefined when nothing was sent.
   */
  send(
    subject: string,
    data: Uint8Array,
    headers: MsgHdrs | undefined,
    timeoutMs: number,
    answer: (answer: LinkAnswer) => void,
    mark = "",
  ): string | undefined {
    if (!this.isConnected) {
      setImmediate(() => answer({ kind: "unsent", reason: "not connected to NATS" })); // L4
      return undefined;
    }
    const token = (this.#nextToken++).toString(36) + mark;
    this.#pending.set(token, { subject, deadlineMs: performance.now() + timeoutMs, answer });
    const reply = `${this.inbox}.r.${token}`;
    if (this.#leaving.length === 0) process.nextTick(() => this.#leave());
    this.#leaving.push({ token, subject, data, options: headers === undefined ? { reply } : { reply, headers } });
    this.#sweep ??= this.#sweepLater();
    return reply;
  }

  /** Publishes what nobody answers to this link, after all that was sent before. Throws as the connection does. */
  publish(subject: string, data: Uint8Array | string, options: PublishOptions = {}): void {
    this.#leave();
    this.connection.publish(subject, data, options);
  }

  /** `send` as a promise; it never rejects. */
  request(subject: string, data: Uint8Array, timeoutMs: number, headers?: MsgHdrs): Promise<LinkAnswer> {
    return new Promise((resolve) => void this.send(subject, data, headers, timeoutMs, resolve));
  }

  /** Flushes what was published, then closes. Idempotent; requests in flight are answered `lost`. */
  async close(): Promise<void> {
    if (!this.connection.isClosed()) {
      if (this.#isConnected) await this.#flush();
      this.#replies.unsubscribe();
      await this.connection.close();
    }
    this.#loseAll("the connection was closed");
    await this.#watching;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** L7. What was answered meanwhile, because the connection broke, stays here (L2). */
  #leave(): void {
    for (const { token, subject, data, options } of this.#leaving.splice(0)) {
      const pending = this.#pending.get(token);
      if (pending === undefined) continue;
      try {
        this.connection.publish(subject, data, options);
      } catch (thrown) {
        this.#pending.delete(token);
        setImmediate(() => pending.answer({ kind: "unsent", reason: messageOf(thrown) })); // L4
      }
    }
  }

  #flush(): Promise<void> {
    this.#leave();
    return new Promise((resolve) => {
      const late = setTimeout(resolve, flushMsMax);
      const done = () => {
        clearTimeout(late);
        resolve();
      };
      this.connection.flush().then(done, done);
    });
  }

  #receive(token: string, message: Msg): void {
    const pending = this.#pending.get(token);
    if (pending === undefined) return;
    this.#pending.delete(token);
    const headers = message.data.length === 0 ? headersOf(message) : undefined;
    const isNobody = headers !== undefined && headers !== "unreadable" && headers.code === 503;
    try {
      pending.answer(isNobody ? nobody : { kind: "reply", message });
    } catch (thrown) {
      // Thrown from here it would end the client's reading of the connection without a word.
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }

  #sweepDeadlines(): void {
    const now = performance.now();
    for (const [token, pending] of this.#pending) {
      if (pending.deadlineMs > now || !this.#pending.delete(token)) continue;
      pending.answer({ kind: "lost", reason: "no answer in time" });
    }
    this.#sweep = this.#pending.size === 0 ? undefined : this.#sweepLater();
  }

  /** The event loop runs timers first, then it reads, and then it comes to this (L6). */
  #sweepLater(): NodeJS.Timeout {
    return setTimeout(() => setImmediate(() => this.#sweepDeadlines()), sweepEveryMs);
  }

  /** L5. */
  #loseForbidden({ subject: forbidden, operation }: PermissionViolationError): void {
    if (operation !== "publish") return;
    for (const [token, { subject, answer }] of this.#pending) {
      if (subject !== forbidden || !this.#pending.delete(token)) continue;
      answer({ kind: "lost", reason: `NATS does not let this user publish to ${subject}: give it the permission` });
    }
  }

  #loseAll(reason: string): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { answer } of pending) answer({ kind: "lost", reason });
  }

  async #watchStatus(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === "disconnect" || status.type === "staleConnection") {
        this.#isConnected = false;
        this.#loseAll("the connection to NATS broke");
        for (const listener of [...this.#disconnected]) listener();
      } else if (status.type === "reconnect") {
        this.#isConnected = true;
        for (const listener of [...this.#reconnected]) listener();
      } else if (status.type === "error" && status.error instanceof PermissionViolationError) {
        this.#loseForbidden(status.error);
      }
    }
  }
}

/**
 * A request of what changes nothing, sent again each `againMs` until an answer comes or `timeoutMs` is over: what is under
 * way to a leader that changes gets none. The first answer counts, whichever request it is to.
 */
export function requestAgain(
  link: Pick<NatsLink, "request">,
  subject: string,
  data: Uint8Array,
  timeoutMs: number,
  againMs: number,
): Promise<LinkAnswer> {
  const endMs = performance.now() + timeoutMs;
  return new Promise((resolve) => {
    let again: NodeJS.Timeout | undefined;
    const send = () => {
      const leftMs = endMs - performance.now();
      if (leftMs > againMs) again = setTimeout(send, againMs);
      void link.request(subject, data, leftMs).then((answer) => {
        clearTimeout(again);
        resolve(answer);
      });
    };
    send();
  });
}

/**
 * A message's headers, or "unreadable": the client throws at header names outside of the standard, which anybody may
 * send, and whatever a subscription's callback throws ends the reading of the whole connection without a word.
 */
export function headersOf(message: Msg): MsgHdrs | undefined | "unreadable" {
  try {
    return message.headers;
  } catch {
    return "unreadable";
  }
}

/** A header block that is already in wire form; `lines` are `Name: value`. Callers keep line breaks out of values. */
export function rawHeaders(lines: readonly string[]): MsgHdrs {
  const bytes = Buffer.from(`NATS/1.0\r\n${lines.join("\r\n")}\r\n\r\n`, "utf8");
  // The client only calls `encode` on what it is given to publish (nats-core 3.4.0, protocol.ts `publish`); building a
  // MsgHdrs for each message costs more than the publish itself.
  return { encode: () => bytes } as unknown as MsgHdrs;
}
