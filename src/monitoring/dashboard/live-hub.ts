// Hands out what happens to all who listen: each event is made and written as text once, whoever gets it.
//
//   L3. A topic runs while somebody listens to it, and costs nothing else.
//   L4. Clients are counted: one more than `clientsMax` is refused, not served badly.

import type { Clock } from "../../core/clock.ts";
import { invariant } from "../../core/errors.ts";
import { eventBytes, LiveClient } from "./live-client.ts";
import type { LiveTopic } from "./live-topic.ts";
import { Refusal } from "./problem.ts";

export const clientsMax = 128;

interface Channel {
  readonly clients: Set<LiveClient>;
  readonly close: () => void;
}

export class LiveHub {
  readonly #clock: Clock;
  readonly #topics = new Map<string, LiveTopic<unknown>>();
  readonly #channels = new Map<string, Channel>();
  readonly #clients = new Set<LiveClient>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** The names that can be listened to. */
  get topics(): readonly string[] {
    return [...this.#topics.keys()];
  }

  /** Each name once. */
  register<Data>(name: string, topic: LiveTopic<Data>): void {
    invariant(!this.#topics.has(name), `the topic ${name} is registered once`);
    this.#topics.set(name, topic as LiveTopic<unknown>);
  }

  /**
   * What a client reads that listens to these topics. `own`: what of a topic is wanted, in its own words, where the pattern does not say
   * it. Throws TOO_MANY_CLIENTS.
   */
  listen(
    topics: readonly string[],
    pattern: string | undefined,
    own: Readonly<Record<string, string | undefined>> = {},
  ): ReadableStream<Uint8Array> {
    if (this.#clients.size >= clientsMax) {
      const text = `${clientsMax} pages listen already`; // L4
      throw new Refusal(503, "TOO_MANY_CLIENTS", text, "Close one of them, or wait until one has gone.");
    }
    const leaving: (() => void)[] = [];
    const client = new LiveClient(this.#clock, () => {
      this.#clients.delete(client);
      for (const leave of leaving) leave();
    });
    this.#clients.add(client);
    for (const name of topics) leaving.push(this.#join(name, Object.hasOwn(own, name) ? own[name] : pattern, client));
    return client.open();
  }

  /** Every client's stream ends. */
  close(): void {
    for (const client of [...this.#clients]) client.end();
  }

  #join(name: string, pattern: string | undefined, client: LiveClient): () => void {
    const topic = this.#topics.get(name);
    invariant(topic, `${name} is a topic`);
    const key = JSON.stringify([name, pattern]);
    const channel = this.#channels.get(key) ?? this.#openChannel(key, name, topic, pattern);
    channel.clients.add(client);
    const first = topic.first?.(pattern);
    if (first !== undefined) client.offer(name, first, eventBytes(name, first), topic.merge);
    return () => {
      channel.clients.delete(client);
      if (channel.clients.size > 0) return;
      this.#channels.delete(key); // L3
      channel.close();
    };
  }

  #openChannel(key: string, name: string, topic: LiveTopic<unknown>, pattern: string | undefined): Channel {
    const clients = new Set<LiveClient>();
    const publish = (data: unknown) => {
      const bytes = eventBytes(name, data);
      for (const client of clients) client.offer(name, data, bytes, topic.merge);
    };
    const channel = { clients, close: topic.open(publish, pattern) };
    this.#channels.set(key, channel);
    return channel;
  }
}
