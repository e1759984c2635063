// A whole conversation with the support desk, over three worker processes, as one connected trace (P9): from what the customers write,
// through every agent, commit and memory, to the revisions in the bucket. And the same trace as a real Jaeger knows it, where there is one.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { trace } from "@opentelemetry/api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Customer, Intake, Supervisor, theOne } from "../../examples/support-desk/agents.ts";
import type { Message } from "../../examples/support-desk/message.ts";
import { silentLogger } from "../../src/core/log.ts";
import { partitionCountDefault, partitionOf } from "../../src/core/partition.ts";
import { startTelemetry } from "../../src/monitoring/telemetry.ts";
import type { Troupe } from "../../src/runtime/client.ts";
import { connect } from "../../src/runtime/client.ts";
import type { Running } from "../support/cli.ts";
import { startCli, startProgram } from "../support/cli.ts";
import type { Jaeger } from "../support/jaeger.ts";
import { findJaeger, readTrace, startJaeger } from "../support/jaeger.ts";
import type { TestServer } from "../support/nats-server.ts";
import { startTestServer } from "../support/nats-server.ts";
import type { OtlpReceiver, ReceivedSpan } from "../support/otlp-receiver.ts";
import { startOtlpReceiver } from "../support/otlp-receiver.ts";

const agentsFile = fileURLToPath(new URL("../../examples/support-desk/agents.ts", import.meta.url));
const deskFile = fileURLToPath(new URL("../../examples/support-desk/main.ts", import.meta.url));
const app = "desk";
const workerNames = ["w1", "w2", "w3"];
const run = "conversation";
const jaegerPath = await findJaeger();

let folder: string;
let server: TestServer;
let jaeger: Jaeger | undefined;
let collector: OtlpReceiver;
let workers: readonly Running[];
let troupe: Troupe;
/** The span around the conversation. */
let root: { readonly traceId: string; readonly spanId: string };
let spans: readonly ReceivedSpan[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "troupe-test-conversation-"));
  server = await startTestServer();
  jaeger = jaegerPath === undefined ? undefined : await startJaeger(jaegerPath);
  collector = await startOtlpReceiver(jaeger?.otlpUrl);
  const telemetry = await startTelemetry({
    otlpUrl: collector.url,
    serviceName: "desk-front",
    logger: silentLogger,
  });
  workers = workerNames.map((name) => {
    const place = ["--app", app, "--server", server.url, "--name", name];
    return startCli(["worker", agentsFile, "--json", ...place, "--otlp", collector.url], {
      cwd: folder,
      runMsMax: 110_000,
    });
  });
  await Promise.all(workers.map((worker) => worker.line("out", (line) => line.includes('"serving"'))));
  troupe = await connect({ app, servers: server.url });
  root = await converse(troupe, await customersElsewhere(troupe));
  for (const worker of workers) worker.kill("SIGTERM");
  for (const { ended } of workers) expect(await ended).toMatchObject({ code: 0 });
  await telemetry.shutdown();
  spans = collector.spans.filter(({ traceId }) => traceId === root.traceId);
}, 120_000);

afterAll(async () => {
  await troupe?.close();
  for (const worker of workers ?? []) worker.kill("SIGKILL");
  await collector?.[Symbol.asyncDispose]();
  await jaeger?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Two customers whose agents live on the two workers that do not have the intake. Resolves when the three share the partitions. */
async function customersElsewhere({ ports }: Troupe): Promise<readonly string[]> {
  const ownerOf = new Map<number, string>();
  for await (const news of await ports.cluster.watch("partition.main.*", { signal: AbortSignal.timeout(40_000) })) {
    if (news.kind !== "entry" || news.entry.operation !== "put") continue;
    const { owner } = JSON.parse(Buffer.from(news.entry.value).toString()) as { readonly owner: string };
    const partition = Number(news.entry.key.split(".").at(-1));
    if (owner === "")
      ownerOf.delete(partition); // It is being handed over.
    else ownerOf.set(partition, owner);
    const shares = new Map<string, number>();
    for (const each of ownerOf.values()) shares.set(each, (shares.get(each) ?? 0) + 1);
    const most = Math.ceil(partitionCountDefault / workerNames.length); // Z1 of placement.ts
    const isShared = shares.size === workerNames.length && [...shares.values()].every((share) => share <= most);
    if (isShared && ownerOf.size === partitionCountDefault) break;
  }
  const ownerFor = (type: string, id: string) => ownerOf.get(partitionOf(type, id, partitionCountDefault));
  const chosen = new Map([[ownerFor("intake", theOne), ""]]);
  for (let number = 1; chosen.size < workerNames.length; number += 1) {
    const owner = ownerFor("customer", `c-${number}`);
    if (!chosen.has(owner)) chosen.set(owner, `c-${number}`);
  }
  return [...chosen.values()].filter((id) => id !== "");
}

/** One thread, in which two people of a company write, and what its agent says about it when it is over. */
async function converse(desk: Troupe, [one = "", other = ""]: readonly string[]): Promise<typeof root> {
  const at = (minute: number) => `2026-03-02T08:${String(minute).padStart(2, "0")}:00Z`;
  const common = { thread: "T-1", channel: "email" } as const;
  const messages: readonly Message[] = [
    { ...common, at: at(1), customer: one, name: "Ada", text: "My router has no light at all since this morning." },
    { ...common, at: at(9), customer: other, name: "Bea", text: "Same here in the other office, the router is dead." },
    { ...common, at: at(20), customer: one, name: "Ada", text: "Still no light on the router. I am angry!" },
    { ...common, at: at(40), customer: other, name: "Bea", text: "And we were charged twice on the invoice." },
  ];
  const intake = desk.actor(Intake, theOne);
  return trace.getTracer("test").startActiveSpan("conversation", async (span) => {
    for (const [at, message] of messages.entries()) await intake.tell.message({ run, number: at + 1, message });
    const done = { signal: AbortSignal.timeout(60_000) };
    for await (const change of desk.actor(Supervisor, theOne).watch(done)) {
      if (change.kind === "committed" && change.state.totals.messages === messages.length) break;
    }
    expect(await desk.actor(Customer, one).ask.question("What was it about my router?")).toContain("router");
    span.end();
    return span.spanContext();
  });
}

const named = (name: string) => spans.filter((span) => span.name === name);
const byId = () => new Map(spans.map((span) => [span.spanId, span]));

test("it has one root, and every span's parent is in it", () => {
  expect(spans.filter(({ parentId }) => parentId === undefined).map(({ name }) => name)).toEqual(["conversation"]);
  const known = byId();
  expect(spans.filter(({ parentId }) => parentId !== undefined && !known.has(parentId))).toEqual([]);
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
});

test("all turns and commits of the conversation are in it, and they ran in three processes", () => {
  const isWork = ({ name }: ReceivedSpan) => /^(process|commit|update|remember|send|ask) /.test(name);
  expect(collector.spans.filter((span) => isWork(span) && span.traceId !== root.traceId)).toEqual([]);
  const turns = spans.filter(({ name }) => name.startsWith("process "));
  expect(new Set(turns.map(({ pid }) => pid))).toEqual(new Set(workers.map(({ pid }) => pid)));
  const counts = ["intake.message", "customer.message", "specialist.answer", "supervisor.report", "customer.question"];
  expect(counts.map((name) => named(`process ${name}`).length)).toEqual([4, 4, 4, 4, 1]);
});

test("the revision on each commit is that in the bucket, where the trace's id stands", async () => {
  const commits = spans.filter(({ name }) => name.startsWith("commit "));
  const keyOf = ({ attributes }: ReceivedSpan) => `${attributes["troupe.actor.type"]}.${attributes["troupe.actor.id"]}`;
  const keys = [...new Set(commits.map(keyOf))];
  expect(keys).toHaveLength(new Set(await troupe.list(">")).size);
  for (const key of keys) {
    const history = await troupe.ports.state.history(key);
    const stored = history.map(({ revision, value }) => [revision, JSON.parse(Buffer.from(value).toString()).trace]);
    const told = commits.filter((span) => keyOf(span) === key).map(({ attributes }) => attributes["troupe.revision"]);
    const latest = told.map(Number).sort((a, b) => a - b);
    // The bucket keeps the last 8.
    expect(stored, key).toEqual(latest.map((revision) => [revision, root.traceId]).slice(-8));
  }
});

test("what an agent is brought of its memory, recalls and leaves there is below its turn", () => {
  const known = byId();
  const turns = named("process customer.message");
  const parentOf = ({ parentId }: ReceivedSpan) => known.get(parentId ?? "");
  for (const bring of named("bring memory")) expect(parentOf(bring)?.name).toMatch(/^process customer/);
  const recalls = named("recall memory");
  expect(recalls).toHaveLength(named("bring memory").length);
  for (const recall of recalls) expect(parentOf(recall)?.name).toBe("bring memory");
  expect(recalls.some(({ attributes }) => Number(attributes["troupe.recall.hits"]) > 0)).toBe(true);
  const remembered = named("remember memory").filter((span) => turns.includes(parentOf(span) as ReceivedSpan));
  expect(new Set(remembered.map(({ parentId }) => parentId)).size).toBeGreaterThan(0);
  const causes = remembered.flatMap(({ parentId, links }) => [parentId, ...links.map(({ spanId }) => spanId)]);
  expect(new Set(causes)).toEqual(new Set(turns.map(({ spanId }) => spanId)));
  for (const { attributes } of remembered) expect(attributes["troupe.memory.scope"]).toMatch(/^user\.c-\d+$/);
});

test("npm start with --otlp traces each message from end to end, and prints a link to one", async () => {
  const args = [
    deskFile,
    "--once",
    "--app",
    "linked",
    "--otlp",
    collector.url,
    "--jaeger",
    jaeger?.url ?? "http://h:16686/",
  ];
  const { ended } = startProgram(process.execPath, args, { cwd: folder, env: { NATS_URL: server.url } });
  const { code, out, err } = await ended;
  expect(code, err).toBe(0);
  expect(out).toMatch(/^Traces: http:\/\/[^/]+\/search\?service=support-desk$/m);
  const traceId = /^ .*: http:\/\/[^/]+\/trace\/([0-9a-f]{32})$/m.exec(out)?.[1] ?? "";
  const linked = collector.spans.filter((span) => span.traceId === traceId);
  expect(linked.filter(({ parentId }) => parentId === undefined).map(({ name }) => name)).toEqual([
    "send intake.message",
  ]);
  expect(linked.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["process customer.message", "process specialist.answer", "process supervisor.report"]),
  );
  expect(new Set(linked.map(({ service }) => service))).toEqual(new Set(["support-desk"]));
  if (jaeger !== undefined) expect((await readTrace(jaeger, traceId)).spans).toHaveLength(linked.length);
});

test.skipIf(jaegerPath === undefined)(
  "Jaeger, asked for the trace, knows all of it (skipped where there is none)",
  async () => {
    const { spans: known, processes } = await readTrace(jaeger as Jaeger, root.traceId);
    const form = (name: string, spanId: string, parentId: string | undefined) =>
      `${spanId} ${name} <- ${parentId ?? ""}`;
    const parentIn = ({ references }: (typeof known)[number]) =>
      references.find(({ refType }) => refType === "CHILD_OF")?.spanID;
    expect(known.map((span) => form(span.operationName, span.spanID, parentIn(span))).sort()).toEqual(
      spans.map(({ name, spanId, parentId }) => form(name, spanId, parentId)).sort(),
    );
    const tagOf = (tags: (typeof known)[number]["tags"], key: string) => tags.find((tag) => tag.key === key)?.value;
    const pids = new Set(Object.values(processes).map(({ tags }) => Number(tagOf(tags, "process.pid"))));
    expect(pids).toEqual(new Set([...workers.map(({ pid }) => pid), process.pid]));
    const commit = known.find(({ operationName }) => operationName === "commit supervisor");
    expect(tagOf(commit?.tags ?? [], "troupe.revision")).toEqual(expect.any(Number));
  },
);
