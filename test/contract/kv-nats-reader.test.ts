// The reader of streams on a real server: its laws R1 to R5 (src/kv/nats-reader.ts).

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { callApi } from "../../src/kv/nats-api.ts";
import { type NatsLink, openLink } from "../../src/kv/nats-link.ts";
import { openReader, type ReaderOptions, type StoredMessage, type StreamReader } from "../../src/kv/nats-reader.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { inTime } from "./in-time.ts";
import { bytes, within } from "./kv-support.ts";

let server: TestServer;
let direct: NatsLink;
beforeAll(async () => {
  server = await startTestServer();
  direct = await openLink({ servers: server.url });
});
afterAll(async () => {
  await direct.close();
  await server[Symbol.asyncDispose]();
});

let streams = 0;

async function makeStream(link = direct, options: object = {}): Promise<string> {
  streams += 1;
  const stream = `S${streams}`;
  const config = { name: stream, subjects: [`s${streams}.>`], storage: "file", num_replicas: 1, ...options };
  const made = await callApi(link, `STREAM.CREATE.${stream}`, config);
  expect(made.kind).toBe("ok");
  return stream;
}

const subjectOf = (stream: string, tail: string): string => `${stream.toLowerCase()}.${tail}`;

async function append(stream: string, tail: string, link = direct): Promise<void> {
  const answer = await link.request(subjectOf(stream, tail), bytes(tail), 5_000);
  expect(answer.kind).toBe("reply");
}

/** What a reader said, in order, and a way to wait for more of it. */
class Log {
  readonly lines: string[] = [];
  readonly sequences: number[] = [];
  #wake: (() => void) | undefined;

  readonly listeners = {
    onMessage: ({ subject, sequence }: StoredMessage) => {
      this.sequences.push(sequence);
      this.add(subject.slice(subject.indexOf(".") + 1));
    },
    onCurrent: (sequence: number) => this.add(`current ${sequence}`),
    onRestarted: () => this.add("restarted"),
    onInterrupted: (reason: string) => this.add(`interrupted: ${reason}`),
  };

  add(line: string): void {
    this.lines.push(line);
    this.#wake?.();
  }

  async until(what: string, holds: (lines: readonly string[]) => boolean): Promise<void> {
    const hold = async () => {
      while (!holds(this.lines)) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    };
    await within(20_000, `${what}; seen: ${this.lines.slice(-20).join(", ")}`, hold());
  }

  untilLine(line: string): Promise<void> {
    return this.until(line, (lines) => lines.includes(line));
  }

  /** Messages and what else counts, without the interruptions, which are matters of time. */
  get story(): readonly string[] {
    return this.lines.filter((line) => !line.startsWith("interrupted"));
  }
}

function read(log: Log, options: Partial<ReaderOptions> & { readonly stream: string }): Promise<StreamReader> {
  return openReader({ link: direct, filters: [], from: 1, ...log.listeners, ...options });
}

test("it reads from a sequence, from the last of each subject, or what comes, and says when it is current", async () => {
  const stream = await makeStream();
  for (const tail of ["a", "b", "a", "c"]) await append(stream, tail);
  const logs = {
    one: new Log(),
    three: new Log(),
    last: new Log(),
    fresh: new Log(),
    filtered: new Log(),
    empty: new Log(),
  };
  await using _one = await read(logs.one, { stream, from: 1 });
  await using three = await read(logs.three, { stream, from: 3 });
  await using _last = await read(logs.last, { stream, from: "last", filters: [subjectOf(stream, ">")] });
  await using fresh = await read(logs.fresh, { stream, from: "new" });
  const filters = ["b", "c"].map((tail) => subjectOf(stream, tail));
  await using _filtered = await read(logs.filtered, { stream, from: "last", filters });
  await using _empty = await read(logs.empty, { stream, from: "last", filters: [subjectOf(stream, "none")] });
  await Promise.all(Object.values(logs).map((log) => log.untilLine("current 4")));
  expect([three.position, fresh.position]).toEqual([4, 0]);
  await append(stream, "b");
  await append(stream, "none");
  await Promise.all([logs.one, logs.three, logs.last, logs.fresh, logs.empty].map((log) => log.untilLine("none")));
  await logs.filtered.until("b after", (lines) => lines.at(-1) === "b");
  expect(logs.one.story).toEqual(["a", "b", "a", "c", "current 4", "b", "none"]);
  expect(logs.three.story).toEqual(["a", "c", "current 4", "b", "none"]);
  expect(logs.last.story).toEqual(["b", "a", "c", "current 4", "b", "none"]);
  expect(logs.fresh.story).toEqual(["current 4", "b", "none"]);
  expect(logs.filtered.story).toEqual(["b", "c", "current 4", "b"]);
  expect(logs.empty.story).toEqual(["current 4", "none"]);
});

test("whatever is cut or swallowed, each message is handed over once and in order (R1, R2, R3)", async () => {
  const fault = fc.record({ swallows: fc.boolean(), after: fc.integer({ min: 1, max: 120 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(fault, { minLength: 1, maxLength: 4 }), fc.constantFrom(4, 64), async (faults, batch) => {
      const stream = await makeStream();
      await using proxy = await startTcpProxy(server.port);
      await using link = await openLink({ servers: proxy.url, reconnectTimeWait: 10, reconnectJitter: 5 });
      const log = new Log();
      await using _reader = await read(log, { link, stream, from: "new", batch });
      let written = 0;
      for (const { swallows, after } of faults) {
        if (swallows) proxy.swallow("to-client");
        const appending = Array.from({ length: after }, () => append(stream, `n.${++written}`));
        if (!swallows) proxy.cut();
        await Promise.all(appending);
        if (swallows) proxy.cut();
        await log.untilLine(`n.${written}`);
      }
      const all = Array.from({ length: written }, (_, at) => `n.${at + 1}`);
      expect(log.story.slice(1)).toEqual(all);
      expect(log.story[0]).toBe("current 0");
    }),
    { numRuns: 8 },
  );
});

test("a paused reader takes at most a batch more, and goes on where it was", async () => {
  const stream = await makeStream();
  const log = new Log();
  await using reader = await read(log, { stream, batch: 10 });
  reader.pause();
  reader.pause();
  const count = 200;
  await Promise.all(Array.from({ length: count }, (_, at) => append(stream, `n.${at}`)));
  // A round trip behind everything that was under way to it.
  await direct.connection.flush();
  expect(reader.position).toBeLessThanOrEqual(10);
  reader.resume();
  reader.resume();
  await log.until("all", () => log.sequences.length === count);
  expect(log.sequences).toEqual(Array.from({ length: count }, (_, at) => at + 1));
});

test("pulls that end by time, again and again, leave nothing out", () =>
  inTime(800, async (pullMs, limit) => {
    const stream = await makeStream();
    const log = new Log();
    await using _reader = await read(log, { stream, batch: 8, heartbeatMs: pullMs / 2, pullExpiresMs: pullMs });
    for (let round = 0; round < 20; round += 1) {
      await append(stream, `n.${round}`);
      await log.untilLine(`n.${round}`);
      if (round % 10 === 0) await letPullsEnd(stream, 2, pullMs);
    }
    // A busy machine may be silent for two heartbeats: then they are too close.
    if (log.lines.includes("interrupted: no heartbeat")) limit(0)();
    expect(log.lines.filter((line) => line.startsWith("interrupted"))).toEqual([]);
    expect(log.sequences).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
  }));

/** Waits by the server's own clock: for so many requests that end by time. */
async function letPullsEnd(stream: string, count: number, pullMs: number): Promise<void> {
  const name = `pace-${crypto.randomUUID()}`;
  const config = { name, deliver_policy: "new", ack_policy: "none", inactive_threshold: 5_000_000_000 };
  await callApi(direct, `CONSUMER.CREATE.${stream}.${name}`, { stream_name: stream, config });
  for (let beat = 0; beat < count; beat += 1) {
    const answer = await direct.request(
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`,
      bytes(JSON.stringify({ batch: 1, expires: pullMs * 1e6 })),
      pullMs + 20_000,
    );
    expect(answer.kind === "reply" && answer.message.headers?.code).toBe(408);
  }
}

test("a server that goes silent without a word is given up after two heartbeats, and read on from there (R2)", async () => {
  await using own = await startTestServer();
  await using link = await openLink({ servers: own.url });
  const stream = await makeStream(link);
  const log = new Log();
  await using _reader = await read(log, { link, stream, heartbeatMs: 100 });
  await append(stream, "a", link);
  await log.untilLine("a");
  own.freeze();
  // A busy machine may have missed two before.
  const before = log.lines.length;
  const isGivenUp = (lines: readonly string[]) => lines.slice(before).includes("interrupted: no heartbeat");
  await log.until("it is given up", isGivenUp);
  own.thaw();
  await append(stream, "b", link);
  await log.untilLine("b");
  expect(log.story).toEqual(["current 0", "a", "b"]);
});

test("a consumer that is deleted is replaced at once (R2)", async () => {
  const stream = await makeStream();
  const log = new Log();
  await using _reader = await read(log, { stream, role: "role" });
  await append(stream, "a");
  await log.untilLine("a");
  const names = await callApi<{ consumers: string[] }>(direct, `CONSUMER.NAMES.${stream}`, {});
  const [name = ""] = names.kind === "ok" ? names.value.consumers : [];
  expect(name).toMatch(/^role-\w{22}$/);
  await callApi(direct, `CONSUMER.DELETE.${stream}.${name}`, undefined);
  await append(stream, "b");
  await log.untilLine("b");
  expect(log.lines).toEqual(["current 0", "a", "interrupted: 409 Consumer Deleted", "b"]);
});

test("a place that the stream does not hold: it starts over and says so (R4)", async () => {
  const stream = await makeStream();
  for (const tail of ["a", "b"]) await append(stream, tail);
  const log = new Log();
  await using _reader = await read(log, { stream, from: 4 });
  await log.untilLine("current 2");
  expect(log.story).toEqual(["restarted", "a", "b", "current 2"]);
  // The next one is a place: nothing is there yet.
  const next = new Log();
  await using _next = await read(next, { stream, from: 3 });
  await next.untilLine("current 2");
  expect(next.story).toEqual(["current 2"]);
});

test("a stream that was made anew with as many messages is noticed by its date (R4)", async () => {
  const stream = await makeStream();
  for (const tail of ["a", "b"]) await append(stream, tail);
  const log = new Log();
  await using _reader = await read(log, { stream, heartbeatMs: 50 });
  await log.untilLine("b");
  await callApi(direct, `STREAM.DELETE.${stream}`, undefined);
  streams -= 1;
  expect(await makeStream()).toBe(stream);
  for (const tail of ["x", "y", "z"]) await append(stream, tail);
  await log.untilLine("z");
  expect(log.story).toEqual(["a", "b", "current 2", "restarted", ...log.story.slice(4)]);
  expect(log.story.filter((line) => "xyz".includes(line))).toEqual(["x", "y", "z"]);
});

test("a stream that is not there, and a link that is down, reject the opening", async () => {
  const opening = read(new Log(), { stream: "NOWHERE" });
  await expect(opening).rejects.toMatchObject({ code: "STORE_FAILED" });
  const link = await openLink({ servers: server.url });
  await link.close();
  const stream = await makeStream();
  await expect(read(new Log(), { stream, link })).rejects.toMatchObject({ code: "SERVER_UNREACHABLE" });
});
