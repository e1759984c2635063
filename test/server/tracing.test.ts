// Traces across processes: a caller, a worker, a collector, and what stands in the state bucket.

import { jetstreamManager } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { connect as connectNats, headers } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLogger } from "../../src/core/log.ts";
import type { Change } from "../../src/runtime/changes.ts";
import type { Troupe } from "../../src/runtime/client.ts";
import { connect } from "../../src/runtime/client.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import type { TestServer } from "../support/nats-server.ts";
import { startTestServer } from "../support/nats-server.ts";
import type { OtlpReceiver, ReceivedSpan } from "../support/otlp-receiver.ts";
import { startOtlpReceiver } from "../support/otlp-receiver.ts";
import { runScript } from "../support/script-run.ts";
import { counter, supervisor, thinker } from "../support/traced-actors.ts";

const script = (name: string) => new URL(`../support/${name}.ts`, import.meta.url).pathname;
const external = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
const externalTold = { traceId: "1af7651916cd43dd8448eb211c80319c", spanId: "c7ad6b7169203331" };
const externalWound = { traceId: "2af7651916cd43dd8448eb211c80319c", spanId: "d7ad6b7169203331" };
const traceparentOf = ({ traceId, spanId }: typeof external) => `00-${traceId}-${spanId}-01`;

let server: TestServer;
let collector: OtlpReceiver;
let troupe: Troupe;
let said: { readonly checkout: { readonly traceId: string; readonly spanId: string }; readonly failure: string };

/** Resolves with the first change of the actor that is as wanted. */
async function changed<State>(
  changes: AsyncIterable<Change<State>>,
  isWanted: (state: State) => boolean,
): Promise<Change<State> & { kind: "committed" }> {
  for await (const change of changes) if (change.kind === "committed" && isWanted(change.state)) return change;
  throw new Error("the watch has ended");
}

async function knock(url: string, door: string, argument: string, traceparent: string | undefined): Promise<string> {
  const connection = await connectNats({ servers: url });
  const header: MsgHdrs = headers();
  if (traceparent !== undefined) header.set("traceparent", traceparent);
  const answer = await connection.request(door, argument, { headers: header, timeout: 10_000 });
  await connection.close();
  return answer.string();
}

beforeAll(async () => {
  server = await startTestServer();
  collector = await startOtlpReceiver();
  const env = { NATS_URL: server.url, OTLP_URL: collector.url };
  await using worker = runScript(script("traced-worker"), env);
  await worker.next();
  await using caller = runScript(script("traced-caller"), env);
  said = (await caller.next()) as typeof said;
  expect(await caller.exited, caller.errors).toBe(0);
  await knock(server.url, "troupe.call.counter.knocked.add", "2", traceparentOf(external));
  await knock(server.url, "troupe.tell.counter.told.bump", "", traceparentOf(externalTold));
  await knock(server.url, "troupe.call.counter.garbled.bump", "", "00-xyz-1-01");
  await knock(server.url, "troupe.tell.counter.wound.wind", "", traceparentOf(externalWound));
  troupe = await connect({ servers: server.url });
  const done = { signal: AbortSignal.timeout(30_000) };
  await troupe.actor(counter, "plain").tell.bump();
  await changed(troupe.actor(counter, "plain").watch(done), () => true);
  await changed(troupe.actor(supervisor, "s1").watch(done), ({ notes }) => notes.length === 4);
  await changed(troupe.actor(counter, "doomed").watch(done), () => true);
  await changed(troupe.actor(counter, "told").watch(done), ({ count }) => count === 1);
  await changed(troupe.actor(counter, "bought").watch(done), ({ count }) => count === 2);
  await changed(troupe.actor(counter, "wound").watch(done), ({ count }) => count >= 3);
  worker.child.kill("SIGTERM");
  expect(await worker.exited, worker.errors).toBe(0);
}, 120_000);

afterAll(async () => {
  await troupe?.close();
  await collector?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const spansOf = (name: string) => collector.spans.filter((span) => span.name === name);
const childrenOf = ({ spanId }: { readonly spanId: string }, name: string) =>
  spansOf(name).filter((span) => span.parentId === spanId);

function only(spans: readonly ReceivedSpan[]): ReceivedSpan {
  expect(spans).toHaveLength(1);
  return spans[0] as ReceivedSpan;
}

/** The one span of that name that is about that actor. */
const about = (name: string, key: string) =>
  only(spansOf(name).filter(({ attributes }) => attributes["messaging.destination.name"] === key));

async function traceInStore(type: string, id: string): Promise<unknown> {
  const entry = await troupe.ports.state.get(`${type}.${id}`);
  return (JSON.parse(Buffer.from(entry?.value ?? []).toString()) as { trace?: unknown }).trace;
}

test("one trace leads from the caller by turn and commit to the turn of a message that the turn sent", async () => {
  const ask = about("ask counter.add", "counter.asked");
  expect(ask).toMatchObject({ service: "caller", kind: "client", parentId: undefined, error: undefined });
  const turn = only(childrenOf(ask, "process counter.add"));
  expect(turn).toMatchObject({ service: "worker", kind: "consumer" });
  const commit = only(childrenOf(turn, "commit counter"));
  expect(commit).toMatchObject({ service: "worker", kind: "client", links: [] });
  const send = only(childrenOf(turn, "send supervisor.note"));
  expect(send).toMatchObject({ service: "worker", kind: "producer" });
  const sent = only(childrenOf(send, "process supervisor.note"));
  expect(sent).toMatchObject({ kind: "consumer" });
  const family = [turn, commit, send, sent];
  expect(new Set(family.map(({ traceId }) => traceId))).toEqual(new Set([ask.traceId]));
});

test("a timer's firing is a child of the turn that set it; of one that repeats each is a trace of its own, linked to that turn", () => {
  const turns = spansOf("process counter.bump").filter(
    ({ attributes }) => attributes["messaging.destination.name"] === "counter.wound",
  );
  const settings = childrenOf(about("process counter.wind", "counter.wound"), "send counter.bump");
  expect(new Set(settings.map(({ traceId }) => traceId))).toEqual(new Set([externalWound.traceId]));
  const isSetting = (spanId: string | undefined) => settings.some((setting) => setting.spanId === spanId);
  const [once, ...others] = turns.filter(({ parentId }) => isSetting(parentId));
  expect([once?.traceId, others]).toEqual([externalWound.traceId, []]);
  const again = turns.filter((turn) => turn !== once);
  expect(again.length).toBeGreaterThan(1);
  expect(new Set(again.map(({ traceId }) => traceId)).size).toBe(again.length);
  for (const { parentId, links } of again)
    expect([parentId, links.map(({ spanId }) => isSetting(spanId))]).toEqual([undefined, [true]]);
});

test("the trace id of each commit stands in the value, in history and in changes", async () => {
  const { traceId } = about("ask counter.add", "counter.asked");
  expect(await traceInStore("counter", "asked")).toBe(traceId);
  const [first] = await troupe.actor(counter, "asked").history();
  expect(first).toMatchObject({ kind: "committed", traceId, state: { count: 5 } });
  expect((await troupe.actor(counter, "asked").get())?.traceId).toBe(traceId);
  for (const change of await troupe.actor(counter, "busy").history()) {
    const commits = spansOf("commit counter").filter(
      ({ attributes }) => change.kind === "committed" && attributes["troupe.revision"] === change.revision,
    );
    expect(change).toMatchObject({ traceId: only(commits).traceId });
  }
});

test("names, kinds and attributes are those of the semantic conventions", () => {
  const messaging = {
    "messaging.system": "nats",
    "messaging.destination.template": "counter.add",
    "messaging.destination.name": "counter.asked",
    "messaging.destination.partition.id": expect.stringMatching(/^\d+$/),
  };
  const ask = about("ask counter.add", "counter.asked");
  expect(ask.attributes).toMatchObject({
    ...messaging,
    "messaging.operation.name": "ask",
    "messaging.operation.type": "send",
  });
  const turn = only(childrenOf(ask, "process counter.add"));
  expect(turn.attributes).toMatchObject({
    ...messaging,
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.message.id": expect.stringMatching(/./),
    "troupe.actor.id": "asked",
    "troupe.turn.kind": "ask",
  });
  expect(turn.attributes["messaging.destination.partition.id"]).toBe(
    ask.attributes["messaging.destination.partition.id"],
  );
  const send = only(childrenOf(turn, "send supervisor.note"));
  const sent = only(childrenOf(send, "process supervisor.note"));
  expect(send.attributes).toMatchObject({
    "messaging.operation.name": "send",
    "messaging.operation.type": "send",
    "messaging.destination.template": "supervisor.note",
    "messaging.destination.name": "supervisor.s1",
    "messaging.message.id": sent.attributes["messaging.message.id"],
  });
  expect(sent.attributes).toMatchObject({ "troupe.turn.kind": "tell", "troupe.mail.sequence": expect.any(Number) });
  expect(only(childrenOf(turn, "commit counter")).attributes).toEqual({
    "db.system.name": "nats.kv",
    "db.collection.name": "troupe_state",
    "db.operation.name": "update",
    "troupe.actor.type": "counter",
    "troupe.actor.id": "asked",
    "troupe.revision": expect.any(Number),
  });
  expect(collector.paths).toEqual(new Set(["/v1/traces"]));
  expect(collector.resources.get("worker")).toMatchObject({ "service.version": "1.2.3", "test.run": true });
});

test("a span of the caller's own is the parent of what is asked and told inside of it", () => {
  for (const name of ["ask counter.add", "send counter.bump"]) {
    const span = about(name, "counter.bought");
    expect(span).toMatchObject({ parentId: said.checkout.spanId, traceId: said.checkout.traceId });
    const turn = only(childrenOf(span, `process ${name.slice(name.indexOf(" ") + 1)}`));
    expect(turn.traceId).toBe(said.checkout.traceId);
  }
});

test("what a handler asks is a child of its turn, its own span too, and what it does inside of that is below it", () => {
  const turn = about("process thinker.think", "thinker.t1");
  const thinking = only(childrenOf(turn, "thinking"));
  for (const parent of [turn, thinking]) {
    const ask = only(childrenOf(parent, "ask counter.total"));
    expect(only(childrenOf(ask, "process counter.total"))).toMatchObject({ traceId: turn.traceId });
  }
  const send = only(childrenOf(thinking, "send supervisor.note"));
  expect(childrenOf(send, "process supervisor.note")).toHaveLength(1);
});

test("a commit for several turns is part of the first one's trace and linked to the others", () => {
  const turns = spansOf("process counter.bump").filter(({ attributes }) => attributes["troupe.actor.id"] === "busy");
  const commits = spansOf("commit counter").filter(({ attributes }) => attributes["troupe.actor.id"] === "busy");
  expect(turns).toHaveLength(40);
  expect(commits.length).toBeLessThan(turns.length);
  const causes = commits.flatMap(({ parentId, links }) => [parentId, ...links.map(({ spanId }) => spanId)]);
  expect(causes.sort()).toEqual(turns.map(({ spanId }) => spanId).sort());
  for (const { attributes, links } of commits) {
    const count = links.length === 0 ? undefined : links.length + 1;
    expect(attributes["messaging.batch.message_count"]).toBe(count);
  }
});

test("a handler that fails leaves an error with its type and what was thrown, for the turn and for who asked", () => {
  expect(said.failure).toBe("HANDLER_FAILED");
  const ask = about("ask counter.fail", "counter.failing");
  const turn = only(childrenOf(ask, "process counter.fail"));
  for (const span of [ask, turn]) {
    expect(span.error).toContain("not today");
    expect(span.attributes["error.type"]).toBe("HANDLER_FAILED");
  }
  expect(turn.events).toEqual(["exception"]);
});

test("a message that is given up on stays in its trace, each run and the burial; the dead letter knows it", async () => {
  const send = about("send counter.fail", "counter.doomed");
  const runs = childrenOf(send, "process counter.fail");
  expect(runs).toHaveLength(2);
  const bury = only(childrenOf(runs[1] as ReceivedSpan, "bury counter.fail"));
  expect(bury).toMatchObject({ kind: "producer", attributes: { "error.type": "HANDLER_FAILED" } });
  const connection = await connectNats({ servers: server.url });
  const manager = await jetstreamManager(connection);
  const letter = await manager.streams.getMessage("troupe_dead", { last_by_subj: "troupe.dead.counter.doomed.fail" });
  expect(letter?.header.get("traceparent")).toBe(`00-${send.traceId}-${bury.spanId}-01`);
  expect(await traceInStore("counter", "doomed")).toBe(send.traceId);
  await connection.close();
});

test("a traceparent that comes to the doors goes on, one that is malformed does not", async () => {
  const ask = about("ask counter.add", "counter.knocked");
  expect(ask).toMatchObject({ service: "worker", traceId: external.traceId, parentId: external.spanId });
  expect(childrenOf(ask, "process counter.add")).toHaveLength(1);
  expect(await traceInStore("counter", "knocked")).toBe(external.traceId);
  const send = about("send counter.bump", "counter.told");
  expect(send).toMatchObject({ service: "worker", traceId: externalTold.traceId, parentId: externalTold.spanId });
  expect(await traceInStore("counter", "told")).toBe(externalTold.traceId);
  const garbled = about("ask counter.bump", "counter.garbled");
  expect(garbled).toMatchObject({ parentId: undefined, traceId: expect.stringMatching(/^[0-9a-f]{32}$/) });
});

test("what comes untraced begins a trace in the worker, and is no part of the span in which the worker was started", () => {
  expect(about("process counter.bump", "counter.plain").parentId).toBeUndefined();
  expect(about("ask counter.bump", "counter.garbled").parentId).toBeUndefined();
  expect(childrenOf(only(spansOf("startup")), "process counter.bump")).toEqual([]);
});

test("every span has its parent among the others, but for the first ones and those whose parent is outside", () => {
  const known = new Set([
    ...collector.spans.map(({ spanId }) => spanId),
    external.spanId,
    externalTold.spanId,
    externalWound.spanId,
  ]);
  expect(collector.spans.filter(({ parentId }) => parentId !== undefined && !known.has(parentId))).toEqual([]);
});

test("without an SDK messages carry no headers for it, but a trace that comes in goes on and stands in the value", async () => {
  const spy = await connectNats({ servers: server.url });
  const seen: (readonly string[])[] = [];
  for (const subject of ["untraced.mail.>", "untraced.ask.>"]) {
    spy.subscribe(subject, { callback: (_error, message) => void seen.push(message.headers?.keys() ?? []) });
  }
  await spy.flush();
  const options = { app: "untraced", servers: server.url, actors: [counter, supervisor, thinker] };
  await using worker = await createWorker({ ...options, logger: silentLogger });
  await using client = await connect(options);
  const c1 = client.actor(counter, "c1");
  await c1.ask.bump();
  await c1.tell.bump();
  await changed(c1.watch({ signal: AbortSignal.timeout(10_000) }), ({ count }) => count === 2);
  await spy.flush();
  expect(seen).toEqual([[], ["Nats-Msg-Id"]]);
  expect((await c1.get())?.traceId).toBeUndefined();

  seen.length = 0;
  await knock(server.url, "untraced.call.counter.c2.add", "1", traceparentOf(external));
  const s1 = client.actor(supervisor, "s1");
  const note = await changed(s1.watch({ signal: AbortSignal.timeout(10_000) }), () => true);
  expect(note.traceId).toBe(external.traceId);
  expect((await client.actor(counter, "c2").get())?.traceId).toBe(external.traceId);
  await spy.close();
  expect(worker.activations).toBe(3);
});
