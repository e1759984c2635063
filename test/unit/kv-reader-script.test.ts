// The reader against a server that is played by hand: what no real one does on demand (messages that vanish on an open
// connection, replicas that are behind, pulls that end in every way).

import type { Msg, MsgHdrs } from "@nats-io/transport-node";
import { headers } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import type { LinkAnswer, NatsLink } from "../../src/kv/nats-link.ts";
import { openReader, type ReaderOptions } from "../../src/kv/nats-reader.ts";
import { ManualClock } from "./kv-manual-clock.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A server with one stream, and the link to it. */
class PlayedServer {
  readonly inbox = "_INBOX.me";
  readonly clock = new ManualClock();
  readonly calls: string[] = [];
  readonly pulls: { readonly reply: string; readonly batch: number; readonly heartbeatMs: number }[] = [];
  stream = { created: "then", config: { num_replicas: 1 }, state: { last_seq: 0 } };
  waiting = 0;
  refusal: object | undefined;
  isConnected = true;
  consumer = "";
  #receive: (error: Error | null, message: Msg) => void = () => {};
  #reconnected: () => void = () => {};

  readonly connection = {
    isClosed: () => false,
    closed: () => new Promise(() => {}),
    subscribe: (_subject: string, { callback }: { callback: (error: Error | null, message: Msg) => void }) => {
      this.#receive = callback;
      return { unsubscribe: () => this.calls.push("UNSUB") };
    },
  };

  publish(_subject: string, body: string, { reply }: { reply: string }): void {
    const { batch, idle_heartbeat } = JSON.parse(body) as { batch: number; idle_heartbeat: number };
    this.pulls.push({ reply, batch, heartbeatMs: idle_heartbeat / 1e6 });
  }

  onReconnected(listener: () => void): () => void {
    this.#reconnected = listener;
    return () => {};
  }

  send(
    subject: string,
    _data: Uint8Array,
    _headers: undefined,
    _timeoutMs: number,
    answer: (answer: LinkAnswer) => void,
  ): void {
    this.calls.push(subject.replace("$JS.API.", "").replace(/\.\w+-\d+$/, ""));
    queueMicrotask(() => answer({ kind: "nobody" }));
  }

  async request(subject: string, data: Uint8Array): Promise<LinkAnswer> {
    const [, , verb = "", what = ""] = subject.split(".");
    if (this.refusal !== undefined) return this.#answer({ error: this.refusal });
    if (verb === "STREAM") return this.#answer(this.stream);
    const { config } = JSON.parse(decoder.decode(data)) as { config: Record<string, unknown> };
    this.consumer = String(config.name);
    this.calls.push(
      `${what} ${config.deliver_policy}${config.opt_start_seq === undefined ? "" : ` ${config.opt_start_seq}`}`,
    );
    return this.#answer({ num_pending: this.waiting });
  }

  #answer(value: object): LinkAnswer {
    return { kind: "reply", message: { data: encoder.encode(JSON.stringify(value)) } as Msg };
  }

  #reach(sequence: number): void {
    const last_seq = Math.max(this.stream.state.last_seq, sequence);
    this.stream = { ...this.stream, state: { last_seq } };
  }

  deliver(consumerSequence: number, sequence: number, pending = 0, consumer = this.consumer): void {
    this.#reach(sequence);
    const reply = `$JS.ACK.S.${consumer}.1.${sequence}.${consumerSequence}.1000000000.${pending}`;
    this.#receive(null, { reply, subject: `s.${sequence}`, data: new Uint8Array(0) } as Msg);
  }

  status(code: number, text: string, values: Record<string, number> = {}, pull = this.pulls.at(-1)): void {
    const block: MsgHdrs = headers(code, text);
    for (const [name, value] of Object.entries(values)) block.set(name, String(value));
    this.#receive(null, { reply: "", subject: pull?.reply ?? "", headers: block, data: new Uint8Array(0) } as Msg);
  }

  heartbeat(consumerSequence: number, sequence: number): void {
    this.#reach(sequence);
    this.status(100, "Idle Heartbeat", { "Nats-Last-Consumer": consumerSequence, "Nats-Last-Stream": sequence });
  }

  reconnect(): void {
    this.isConnected = true;
    this.#reconnected();
  }

  /** Lets time pass, and what hangs on answers happen. */
  async pass(ms: number): Promise<void> {
    this.clock.pass(ms);
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
  }
}

async function open(server: PlayedServer, options: Partial<ReaderOptions> = {}) {
  const lines: (string | number)[] = [];
  const reader = await openReader({
    link: server as unknown as NatsLink,
    clock: server.clock,
    stream: "S",
    filters: [],
    from: 1,
    batch: 8,
    heartbeatMs: 1_000,
    onMessage: ({ sequence }) => lines.push(sequence),
    onCurrent: (sequence) => lines.push(`current ${sequence}`),
    onRestarted: () => lines.push("restarted"),
    onInterrupted: (reason) => lines.push(reason),
    ...options,
  });
  return { reader, lines };
}

test("a message that vanishes is noticed by the next one, and read again", async () => {
  const server = new PlayedServer();
  const { lines } = await open(server);
  server.deliver(1, 1);
  server.deliver(3, 3);
  server.deliver(4, 4);
  await server.pass(100);
  expect(lines).toEqual(["current 0", 1, "a gap"]);
  expect(server.calls).toEqual(["CREATE by_start_sequence 1", "CONSUMER.DELETE.S", "CREATE by_start_sequence 2"]);
  server.deliver(1, 2);
  expect(lines.at(-1)).toBe(2);
});

test("a message that vanishes and is the last is noticed by a heartbeat", async () => {
  const server = new PlayedServer();
  const { lines } = await open(server);
  server.deliver(1, 1);
  server.heartbeat(1, 1);
  server.heartbeat(2, 2);
  await server.pass(100);
  expect(lines).toEqual(["current 0", 1, "a heartbeat shows a gap"]);
  expect(server.calls.at(-1)).toBe("CREATE by_start_sequence 2");
});

test("what comes late from a consumer that was given up is void, messages and statuses", async () => {
  const server = new PlayedServer();
  const { lines } = await open(server);
  const [oldConsumer, oldPull] = [server.consumer, server.pulls.at(-1)];
  server.reconnect();
  await server.pass(100);
  server.deliver(1, 7, 0, oldConsumer);
  server.status(409, "Consumer Deleted", {}, oldPull);
  server.deliver(1, 1);
  expect(lines).toEqual(["current 0", "the link reconnected", 1]);
});

test("a pull that ends by time gives its rest back; half of the credit used asks for more", async () => {
  const server = new PlayedServer();
  const { lines, reader } = await open(server);
  expect(server.pulls.map(({ batch }) => batch)).toEqual([8]);
  for (let at = 1; at <= 3; at += 1) server.deliver(at, at);
  expect(server.pulls).toHaveLength(1);
  server.deliver(4, 4);
  expect(server.pulls.map(({ batch }) => batch)).toEqual([8, 4]);
  server.status(408, "Request Timeout", { "Nats-Pending-Messages": 4 }, server.pulls[0]);
  expect(server.pulls.map(({ batch }) => batch)).toEqual([8, 4, 4]);
  reader.pause();
  for (let at = 5; at <= 12; at += 1) server.deliver(at, at);
  expect(server.pulls).toHaveLength(3);
  await server.pass(60_000);
  reader.resume();
  expect(server.pulls.map(({ batch }) => batch)).toEqual([8, 4, 4, 8]);
  expect(lines.filter((line) => typeof line === "string")).toEqual(["current 0"]);
});

test("two heartbeats that do not come end the consumer; while the link is down nobody counts", async () => {
  const server = new PlayedServer();
  const { lines } = await open(server);
  for (let beat = 0; beat < 5; beat += 1) {
    await server.pass(1_000);
    server.heartbeat(0, 0);
  }
  expect(lines).toEqual(["current 0"]);
  server.isConnected = false;
  await server.pass(10_000);
  server.isConnected = true;
  await server.pass(1_000);
  expect(lines).toEqual(["current 0"]);
  await server.pass(2_000);
  expect(lines).toEqual(["current 0", "no heartbeat"]);
});

test("statuses that end the consumer lead to a new one, ever more slowly while they go on (R5)", async () => {
  const server = new PlayedServer();
  const { lines } = await open(server);
  for (const [code, text] of [
    [409, "Consumer Deleted"],
    [409, "Leadership Change"],
    [503, "No Responders"],
    [400, "Bad Request"],
  ] as const) {
    server.status(code, text);
    await server.pass(1_000);
  }
  expect(lines.slice(1)).toEqual([
    "409 Consumer Deleted",
    "409 Leadership Change",
    "the consumer is gone",
    "400 Bad Request",
  ]);
  server.refusal = { code: 404, err_code: 10_059, description: "stream not found" };
  const before = lines.length;
  server.status(409, "Consumer Deleted");
  for (let second = 0; second < 60; second += 1) await server.pass(1_000);
  // Every 1 to 2 s, from the fifth failure on.
  expect(lines.length - before).toBeLessThan(45);
  server.refusal = undefined;
  await server.pass(5_000);
  server.deliver(1, 1);
  expect(lines.at(-1)).toBe(1);
});

test("with replicas it is current only when the copy is proven to be as far as the leader was", async () => {
  const server = new PlayedServer();
  server.stream = { created: "then", config: { num_replicas: 3 }, state: { last_seq: 9 } };
  server.waiting = 1;
  const { lines } = await open(server, { from: "last" });
  expect(server.pulls[0]?.heartbeatMs).toBe(100);
  server.deliver(1, 5, 0);
  server.heartbeat(1, 6);
  expect(lines).toEqual([5]);
  server.heartbeat(1, 9);
  expect(lines).toEqual([5, "current 9"]);
  server.status(408, "Request Timeout", { "Nats-Pending-Messages": 7 });
  expect(server.pulls.at(-1)?.heartbeatMs).toBe(1_000);
  // What it has heard of, it goes on behind.
  server.reconnect();
  await server.pass(100);
  expect(server.calls.at(-1)).toBe("CREATE by_start_sequence 10");
});

test("a snapshot begins anew until its first message, then goes on behind it (R3)", async () => {
  const server = new PlayedServer();
  server.stream = { ...server.stream, state: { last_seq: 9 } };
  server.waiting = 3;
  const { lines } = await open(server, { from: "last" });
  server.reconnect();
  await server.pass(100);
  server.deliver(1, 4, 2);
  server.reconnect();
  await server.pass(100);
  server.deliver(1, 6, 1);
  server.deliver(2, 9, 0);
  expect(server.calls.filter((call) => call.startsWith("CREATE"))).toEqual([
    "CREATE last_per_subject",
    "CREATE last_per_subject",
    "CREATE by_start_sequence 5",
  ]);
  expect(lines.filter((line) => line !== "the link reconnected")).toEqual([4, 6, 9, "current 9"]);
});

test("new is a sequence from the first start on, whatever is written before the first message (R3)", async () => {
  const server = new PlayedServer();
  server.stream = { created: "then", config: { num_replicas: 3 }, state: { last_seq: 9 } };
  await open(server, { from: "new" });
  server.stream = { ...server.stream, state: { last_seq: 12 } };
  server.reconnect();
  await server.pass(100);
  expect(server.calls.filter((call) => call.startsWith("CREATE"))).toEqual([
    "CREATE by_start_sequence 10",
    "CREATE by_start_sequence 10",
  ]);
});

test("behind for too long, after an outage or a pause, it starts over (R4)", async () => {
  for (const interrupt of ["outage", "pause"] as const) {
    const server = new PlayedServer();
    const { lines, reader } = await open(server, { from: "last", behindMsMax: 5_000 });
    server.deliver(1, 1);
    for (let beat = 0; beat < 10; beat += 1) {
      await server.pass(1_000);
      server.heartbeat(1, 1);
    }
    server.reconnect();
    await server.pass(100);
    expect(lines).toEqual(["current 0", 1, "the link reconnected"]);
    server.heartbeat(0, 1);
    if (interrupt === "pause") reader.pause();
    else server.isConnected = false;
    await server.pass(5_100);
    if (interrupt === "pause") reader.resume();
    else server.reconnect();
    await server.pass(100);
    expect(lines, interrupt).toContain("restarted");
    expect(server.calls.at(-1)).toBe("CREATE last_per_subject");
  }
});

test("closing from inside its own callbacks leaves no timer behind", async () => {
  for (const which of ["onRestarted", "onCurrent", "onMessage"] as const) {
    const server = new PlayedServer();
    let isClosing = false;
    const close = () => {
      if (isClosing) void reader.close();
    };
    const { reader } = await open(server, { [which]: close });
    isClosing = true;
    server.stream = { ...server.stream, created: "later" };
    server.reconnect();
    await server.pass(100);
    server.deliver(1, 1);
    await server.pass(60_000);
    expect(server.clock.timers, which).toBe(0);
    expect(server.calls.at(-1), which).toMatch(/^UNSUB|^CONSUMER.DELETE/);
  }
});

test("closing deletes the consumer and hears nothing more", async () => {
  const server = new PlayedServer();
  const { lines, reader } = await open(server);
  await reader.close();
  await reader.close();
  server.deliver(1, 1);
  server.reconnect();
  await server.pass(60_000);
  expect(lines).toEqual(["current 0"]);
  expect(server.calls).toEqual(["CREATE by_start_sequence 1", "CONSUMER.DELETE.S", "UNSUB"]);
  expect(server.clock.timers).toBe(0);
});
