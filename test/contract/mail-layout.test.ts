// The streams of an app: who makes them, what stands, and which servers will do.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { callApi } from "../../src/kv/nats-api.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import { checkServer, ensureLayout } from "../../src/runtime/layout.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import { openNatsMail } from "../../src/runtime/nats-mail.ts";
import { natsPorts } from "../../src/runtime/nats-ports.ts";
import { subjectsOf } from "../../src/runtime/subjects.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { store } from "./mail-support.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

interface Info {
  readonly config: Record<string, unknown> & { readonly metadata: Record<string, string> };
}

let apps = 0;
async function openApp() {
  apps += 1;
  const app = `layout${apps}`;
  const link = await openLink({ servers: server.url });
  const subjects = subjectsOf(app, "main");
  const infoOf = async (stream: string) => {
    const answer = await callApi<Info>(link, `STREAM.INFO.${stream}`, undefined);
    return answer.kind === "ok" ? answer.value : expect.unreachable(stream);
  };
  return { app, link, subjects, infoOf, [Symbol.asyncDispose]: () => link.close() };
}

test("the first comer makes the streams as wished, with 64 partitions when nothing is said", async () => {
  await using place = await openApp();
  const { link, subjects } = place;
  expect((await ensureLayout({ link, subjects, duplicateWindowMs: 60_000 })).partitionCount).toBe(64);
  const { config } = await place.infoOf(subjects.mailStream);
  expect(config).toMatchObject({
    subjects: [`${place.app}.mail.>`, `${place.app}.timer.>`],
    ...{ retention: "limits", storage: "file", discard: "old", num_replicas: 1, allow_direct: true },
    ...{ allow_msg_schedules: true, duplicate_window: 60_000_000_000, max_bytes: -1, max_msgs: -1, max_age: 0 },
    metadata: { "troupe.layout": "1", "troupe.pool.main": "64" },
  });
  const dead = await place.infoOf(subjects.deadStream);
  expect(dead.config).toMatchObject({ subjects: [`${place.app}.dead.>`], metadata: { "troupe.layout": "1" } });
});

test("Q1: a mail stream that is made anew begins above all that the one before it gave out", async () => {
  await using place = await openApp();
  const { link, subjects } = place;
  let highest = 0;
  for (let times = 0; times < 2; times += 1) {
    await ensureLayout({ link, subjects });
    const mail = openNatsMail({ link, subjects });
    const first = await store(mail, "first");
    expect(first).toBeGreaterThan(highest);
    highest = await store(mail, "second");
    expect(highest).toBe(first + 1);
    await callApi(link, `STREAM.DELETE.${subjects.mailStream}`, {});
  }
});

test("K2: what counts is the duplicate window that stands, not the one that is asked for", async () => {
  await using place = await openApp();
  const { link, subjects } = place;
  expect((await ensureLayout({ link, subjects, duplicateWindowMs: 600_000 })).duplicateWindowMs).toBe(600_000);
  expect((await ensureLayout({ link, subjects, duplicateWindowMs: 1_000 })).duplicateWindowMs).toBe(600_000);
  const request = { app: place.app, pool: "main", partitionCount: undefined };
  await using ports = await natsPorts({ nats: { servers: server.url } })(request);
  expect(ports.duplicateWindowMs).toBe(600_000);
});

test("Y1: the count that stands wins; a wish for another is refused with both numbers", async () => {
  await using place = await openApp();
  const { link, subjects } = place;
  expect((await ensureLayout({ link, subjects, partitionCount: 8 })).partitionCount).toBe(8);
  expect((await ensureLayout({ link, subjects })).partitionCount).toBe(8);
  expect(
    (await ensureLayout({ link, subjects, partitionCount: 8, replicas: 1, duplicateWindowMs: 5_000 })).partitionCount,
  ).toBe(8);
  const refusal = ensureLayout({ link, subjects, partitionCount: 16 });
  await expect(refusal).rejects.toMatchObject({
    code: "LAYOUT_MISMATCH",
    message: expect.stringMatching(/\b8\b.*\b16\b/),
  });
  expect((await ensureLayout({ link, subjects })).partitionCount).toBe(8);
});

test("Y1: a layout of another version, and a stream that is not ours, are refused and left alone", async () => {
  for (const metadata of [{ "troupe.layout": "2", "troupe.pool.main": "64" }, {}]) {
    await using place = await openApp();
    const { link, subjects, app } = place;
    const taken = [`${app}.mail.>`, `${app}.timer.>`];
    const features = { allow_direct: true, allow_msg_schedules: true };
    const config = { name: subjects.mailStream, subjects: taken, ...features, metadata };
    await callApi(link, `STREAM.CREATE.${subjects.mailStream}`, config);
    await expect(ensureLayout({ link, subjects })).rejects.toMatchObject({ code: "LAYOUT_MISMATCH" });
    const { metadata: kept } = (await place.infoOf(subjects.mailStream)).config;
    expect(kept["troupe.layout"]).toBe(metadata["troupe.layout"]);
  }
});

test("Y1: subjects that are missing, a feature that is missing and a count that is none are refused", async () => {
  const good = { "troupe.layout": "1", "troupe.pool.main": "64" };
  const faults = [
    { subjects: ["mail"], metadata: good, allow_direct: true, allow_msg_schedules: true },
    { subjects: ["mail", "timer"], metadata: good, allow_direct: true, allow_msg_schedules: false },
    {
      subjects: ["mail", "timer"],
      metadata: { ...good, "troupe.pool.main": "many" },
      allow_direct: true,
      allow_msg_schedules: true,
    },
  ];
  for (const fault of faults) {
    await using place = await openApp();
    const { link, subjects, app } = place;
    const config = { ...fault, name: subjects.mailStream, subjects: fault.subjects.map((kind) => `${app}.${kind}.>`) };
    await callApi(link, `STREAM.CREATE.${subjects.mailStream}`, config);
    await expect(ensureLayout({ link, subjects })).rejects.toMatchObject({ code: "LAYOUT_MISMATCH" });
  }
});

test("Y2: of any number that come at once one makes the streams, and all agree on what stands", async () => {
  await using place = await openApp();
  await using other = await openApp();
  const links = [place.link, other.link];
  const counts = Array.from({ length: 16 }, (_, at) => (at % 4 === 0 ? undefined : 8 + (at % 3)));
  const outcomes = await Promise.allSettled(
    counts.map((partitionCount, at) =>
      ensureLayout({ link: links[at % 2] ?? place.link, subjects: place.subjects, partitionCount }),
    ),
  );
  const standing = await ensureLayout({ link: place.link, subjects: place.subjects });
  const { partitionCount } = standing;
  for (const [at, outcome] of outcomes.entries()) {
    const wanted = counts[at];
    if (wanted === undefined || wanted === partitionCount)
      expect(outcome).toEqual({ status: "fulfilled", value: standing });
    else expect(outcome.status === "rejected" && outcome.reason.code).toBe("LAYOUT_MISMATCH");
  }
});

test("each pool of an app has its own count in the same streams", async () => {
  await using place = await openApp();
  const { link, app } = place;
  await ensureLayout({ link, subjects: place.subjects, partitionCount: 8 });
  const gpu = subjectsOf(app, "gpu");
  expect((await ensureLayout({ link, subjects: gpu, partitionCount: 4 })).partitionCount).toBe(4);
  expect((await ensureLayout({ link, subjects: place.subjects })).partitionCount).toBe(8);
  await expect(ensureLayout({ link, subjects: gpu, partitionCount: 8 })).rejects.toMatchObject({
    code: "LAYOUT_MISMATCH",
  });
  const { metadata } = (await place.infoOf(place.subjects.mailStream)).config;
  expect(metadata).toMatchObject({ "troupe.pool.main": "8", "troupe.pool.gpu": "4" });
});

test("P10: a partition count that is none is refused before the server is asked", async () => {
  await using place = await openApp();
  const { link, subjects } = place;
  for (const partitionCount of [0, -1, 1.5, Number.NaN, 4_097]) {
    await expect(ensureLayout({ link, subjects, partitionCount })).rejects.toMatchObject({ code: "OPTION_INVALID" });
  }
});

test("in memory the count that stands wins too", async () => {
  const world = new MemoryWorld();
  const subjects = subjectsOf("app", "main");
  expect(await world.ensureLayout(subjects, 8)).toBe(8);
  expect(await world.ensureLayout(subjects)).toBe(8);
  expect(await world.ensureLayout(subjectsOf("app", "gpu"))).toBe(64);
  await expect(world.ensureLayout(subjects, 9)).rejects.toMatchObject({ code: "LAYOUT_MISMATCH" });
});

test("an account without JetStream is unsuitable", async () => {
  const config = `accounts {
    A { users = [ { user: "a", password: "p" } ] }
    SYS { users = [ { user: "s", password: "p" } ] }
  }
  system_account: SYS`;
  await using other = await startTestServer({ config });
  await using link = await openLink({ servers: other.url, user: "a", pass: "p" });
  await expect(checkServer(link)).rejects.toMatchObject({ code: "SERVER_UNSUITABLE" });
});

/**
 * What a server of another version says first; it answers every ping and nothing else. Whoever asks for JetStream hears
 * that nobody serves it, or this answer, or the connection breaks.
 */
async function startGreeter(info: object, answer: "nobody" | "break" | object = "nobody") {
  const greeter = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.write(
      `INFO ${JSON.stringify({ server_id: "x", max_payload: 1_048_576, headers: true, proto: 1, ...info })}\r\n`,
    );
    socket.on("data", (said) => {
      for (const _ping of said.toString().matchAll(/PING\r\n/g)) socket.write("PONG\r\n");
      const request = /PUB \$JS\.API\.INFO (\S+)/.exec(said.toString());
      const sid = 1;
      if (request === null) return;
      const text = JSON.stringify(answer);
      if (answer === "break") socket.destroy();
      else if (answer === "nobody") socket.write(`HMSG ${request[1]} ${sid} 16 16\r\nNATS/1.0 503\r\n\r\n\r\n`);
      else socket.write(`MSG ${request[1]} ${sid} ${text.length}\r\n${text}\r\n`);
    });
  });
  greeter.listen(0, "127.0.0.1");
  await once(greeter, "listening");
  const { port } = greeter.address() as AddressInfo;
  return { url: `nats://127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => void greeter.close() };
}

test("a server that is too old is refused by its version, whatever else it could do", async () => {
  for (const version of ["2.13.9", "2.9.0", "1.4.1", "0.0.0"]) {
    await using greeter = await startGreeter({ version, jetstream: true });
    await using link = await openLink({ servers: greeter.url });
    await expect(checkServer(link), version).rejects.toMatchObject({ code: "SERVER_TOO_OLD" });
  }
});

test("a newer server without JetStream is unsuitable", async () => {
  for (const version of ["2.14.0", "2.14.0-RC.1", "3.0.0"]) {
    await using greeter = await startGreeter({ version });
    await using link = await openLink({ servers: greeter.url });
    await expect(checkServer(link), version).rejects.toMatchObject({ code: "SERVER_UNSUITABLE" });
  }
});

test("a connection that breaks, or a cluster that elects its leader, is no unsuitable server: it is tried again later", async () => {
  await using breaking = await startGreeter({ version: "2.15.0" }, "break");
  await using first = await openLink({ servers: breaking.url });
  await expect(checkServer(first)).rejects.toMatchObject({ code: "SERVER_UNREACHABLE", retry: "later" });
  const electing = { error: { code: 503, err_code: 10_008, description: "JetStream system temporarily unavailable" } };
  await using cluster = await startGreeter({ version: "2.15.0", jetstream: true }, electing);
  await using second = await openLink({ servers: cluster.url });
  await expect(checkServer(second)).rejects.toMatchObject({ code: "SERVER_UNREACHABLE", retry: "later" });
});
