// The example as a person runs it: a process of its own on a real server, its summary checked against the input.

import type { ChildProcessByStdio } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Customer, Intake, Specialist, Supervisor, theOne } from "../../examples/support-desk/agents.ts";
import type { CustomerFile } from "../../examples/support-desk/customer-file.ts";
import { emptyFile, takeIn } from "../../examples/support-desk/customer-file.ts";
import type { Message } from "../../examples/support-desk/message.ts";
import type { Topic } from "../../examples/support-desk/rules.ts";
import { topics } from "../../examples/support-desk/rules.ts";
import type { Summary } from "../../examples/support-desk/summary.ts";
import { connect, createWorker, systemClock } from "../../src/index.ts";
import { AgentMemory } from "../../src/memory/agent-memory.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";
import { natsPorts } from "../../src/runtime/nats-ports.ts";
import { isAlive } from "../support/cli.ts";
import { serverBinary, startTestServer } from "../support/nats-server.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

const mainFile = fileURLToPath(new URL("../../examples/support-desk/main.ts", import.meta.url));
const dataFile = fileURLToPath(new URL("../../examples/support-desk/messages.jsonl", import.meta.url));
const runMsMax = 110_000;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Running {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Resolves when the process is gone. Never rejects. */
  readonly ended: Promise<Ended>;
  /** Resolves when standard error has held the text. Never does when the process ends before. */
  told(wanted: string): Promise<void>;
}

/** Starts the example; it is killed when it takes too long, so that a test never waits for it in vain. */
function start(args: readonly string[], env: Readonly<Record<string, string>>): Running {
  const child = spawn(process.execPath, [mainFile, ...args], {
    env: { ...process.env, NATS_URL: "", ...env },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: runMsMax,
    killSignal: "SIGKILL",
  });
  // What is written to a process that is gone is lost; its exit code tells the test.
  child.stdin.on("error", () => {});
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    out += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    err += chunk;
  });
  const ended = once(child, "close").then(() => ({ code: child.exitCode, out, err }));
  return {
    child,
    ended,
    told: async (wanted) => {
      while (!err.includes(wanted)) await once(child.stderr, "data");
    },
  };
}

async function run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const { child, ended } = start(args, env);
  child.stdin.end();
  return ended;
}

async function runForSummary(args: readonly string[], url: string): Promise<Summary> {
  const { code, out, err } = await run(["--once", "--json", ...args], { NATS_URL: url });
  expect(code, err).toBe(0);
  return JSON.parse(out) as Summary;
}

const readMessages = async (file: string) =>
  (await readFile(file, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Message);

function countBy<T>(all: readonly T[], keyOf: (each: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const each of all) counts[keyOf(each)] = (counts[keyOf(each)] ?? 0) + 1;
  return counts;
}

/** What must come out, from the input alone: counted by hand, and by the rules without any agent. */
function expectedOf(messages: readonly Message[]) {
  const files = new Map<string, CustomerFile>();
  const taken = messages.map((message) => {
    const file = files.get(message.customer) ?? emptyFile();
    files.set(message.customer, file);
    return takeIn(file, message);
  });
  const threads = [...files.values()].flatMap((file) => file.threads);
  const raised = taken.flatMap((each) => each.raised);
  return {
    files,
    totals: {
      messages: messages.length,
      answered: messages.length,
      customers: new Set(messages.map(({ customer }) => customer)).size,
      threads: new Set(messages.map(({ customer, thread }) => `${customer}\n${thread}`)).size,
      open: threads.filter(({ status }) => status === "open").length,
      settled: taken.filter(({ resolves }) => resolves).length,
      escalations: raised.length,
      byTopic: expect.objectContaining(countBy(taken, ({ topic }) => topic)),
      byMood: expect.objectContaining(countBy(taken, ({ mood }) => mood)),
      byChannel: expect.objectContaining(countBy(messages, ({ channel }) => channel)),
      byReason: expect.objectContaining(countBy(raised, (reason) => reason)),
    },
    byTopic: countBy(taken, ({ topic }) => topic),
  };
}

/** What every agent holds after so many runs, asked by a worker of the test: the example's own has ended. */
async function expectEveryAgentAgrees(url: string, messages: readonly Message[], runs: number): Promise<void> {
  const expected = expectedOf(messages);
  const worker = await createWorker({ servers: url, actors: [Intake, Customer, Specialist, Supervisor] });
  const troupe = await connect({ servers: url });
  try {
    expect(await troupe.actor(Supervisor, theOne).ask.summary()).toMatchObject(expected.totals);
    const arrived = Array.from({ length: runs }, () => messages).flat();
    const byChannel = countBy(arrived, ({ channel }) => channel);
    expect(await troupe.actor(Intake, theOne).ask.counts()).toMatchObject({ received: arrived.length, byChannel });
    for (const topic of topics satisfies readonly Topic[]) {
      const { answered } = await troupe.actor(Specialist, topic).ask.workload();
      expect([topic, answered]).toEqual([topic, expected.byTopic[topic] ?? 0]);
    }
    for (const [id, file] of expected.files) {
      const open = file.threads.filter(({ status }) => status === "open").map((thread) => thread.id);
      expect([id, await troupe.actor(Customer, id).ask.openThreads()]).toEqual([id, open]);
      expect(await troupe.actor(Customer, id).ask.facts()).toEqual(file.facts);
    }
  } finally {
    await troupe.close();
    await worker.drain();
  }
}

/** Each message stands in its customer's memory once, in the order of its customer's messages, with an answer of the desk. */
async function expectRemembered(url: string, messages: readonly Message[]): Promise<void> {
  await using troupe = await connect({ servers: url });
  const { entries, facts } = await troupe.ports.openMemory();
  const memory = new AgentMemory({ entries, facts, clock: systemClock, codecs: new ValueCodecs() });
  for (const customer of new Set(messages.map((message) => message.customer))) {
    const remembered = await memory.last({ user: customer }, 1_000, []);
    const written = messages.filter((message) => message.customer === customer).map(({ text }) => text);
    expect(remembered.filter(({ role }) => role === "user").map(({ text }) => text)).toEqual(written);
    expect(remembered.filter(({ role }) => role === "assistant")).toHaveLength(written.length);
  }
}

test("every message of the input is counted once, by every agent; a second run knows them all", async () => {
  const messages = await readMessages(dataFile);
  await using server = await startTestServer();
  const first = await runForSummary([], server.url);
  expect(first.run).toMatchObject({ sent: messages.length, fresh: messages.length, repeated: 0, broken: 0 });
  expect(first.totals).toMatchObject(expectedOf(messages).totals);
  const second = await runForSummary([], server.url);
  expect(second.run).toMatchObject({ sent: messages.length, fresh: 0, repeated: messages.length });
  expect(second.totals).toMatchObject({ ...expectedOf(messages).totals, repeated: messages.length });
  await expectEveryAgentAgrees(server.url, messages, 2);
  await expectRemembered(server.url, messages);
});

test("a broken line is reported with its number and skipped, and the rest goes on", async () => {
  const folder = await mkdtemp(join(tmpdir(), "troupe-desk-"));
  try {
    const good = (await readMessages(dataFile)).slice(0, 5).map((message) => JSON.stringify(message));
    const [first = "", ...others] = good;
    const file = join(folder, "mine.jsonl");
    await writeFile(file, [first, "{oops", "", '{"at":"2026-03-02T08:00:00Z"}', ...others].join("\r\n"));
    await using server = await startTestServer();
    const summary = await runForSummary(["--input", file], server.url);
    expect(summary.run).toMatchObject({ sent: 5, fresh: 5, broken: 2, isComplete: true });
    expect(summary.run.brokenLines).toMatchObject([
      { line: 2, reason: expect.stringMatching(/^is not JSON/) },
      { line: 4, reason: expect.stringContaining("has no `customer`") },
    ]);
    const { out } = await run(["--once", "--fresh", "--input", file], { NATS_URL: server.url });
    for (const part of ["line 2 skipped", "line 4 skipped", "2 broken lines skipped", "5 messages from"]) {
      expect(out).toContain(part);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("the server is killed in the middle: nothing acknowledged is lost and nothing is counted twice", async () => {
  const messages = await readMessages(dataFile);
  const lines = messages.map((message) => `${JSON.stringify(message)}\n`);
  await using server = await startTestServer();
  await using proxy = await startTcpProxy(server.port);
  // The server forgets message ids sooner than it is back, so that what comes twice meets the agents' own memory.
  const troupe = await connect({ ports: natsPorts({ nats: { servers: server.url }, duplicateWindowMs: 100 }) });
  const { child, ended } = start(["--once", "--json", "--input", "-"], { NATS_URL: proxy.url });
  try {
    const counts = countsOf(troupe);
    // What is under way is stored and nobody hears of it the first time; the second time it vanishes.
    for (const [from, swallowed] of [
      [0, "to-client"],
      [90, "to-server"],
    ] as const) {
      // More is written than is waited for, so that every agent is busy when the server dies.
      child.stdin.write(lines.slice(from, from + 90).join(""));
      await untilCounted(counts, from + 30);
      proxy.swallow(swallowed);
      await untilStored(troupe);
      await server.kill9();
      proxy.cut();
      await server.restart();
    }
    child.stdin.end(lines.slice(180).join(""));
    await untilCounted(counts, messages.length);
  } finally {
    await troupe.close();
  }
  const { code, out, err } = await ended;
  expect(code, err).toBe(0);
  const summary = JSON.parse(out) as Summary;
  expect(summary.run).toMatchObject({ sent: messages.length, fresh: messages.length, repeated: 0, isComplete: true });
  expect(summary.totals).toMatchObject(expectedOf(messages).totals);
  await expectEveryAgentAgrees(server.url, messages, 1);
  await expectRemembered(server.url, messages);
});

test("a customer's agent answers from what it remembers, also when worker and server have been started anew", async () => {
  const messages = await readMessages(dataFile);
  await using server = await startTestServer();
  expect((await runForSummary([], server.url)).run).toMatchObject({ fresh: messages.length });
  await server.kill9();
  await server.restart();
  const actors = [Intake, Customer, Specialist, Supervisor];
  await using worker = await createWorker({ servers: server.url, actors });
  const sam = worker.actor(Customer, "c-11103");
  expect(await sam.ask.question("Was there a red light at my router?")).toContain(
    "router light = red. is that bad lol",
  );
  expect(await sam.ask.question("What about my grandmother's umbrella?")).toBe("I remember nothing about that.");
  // What the agent has answered itself speaks of the earlier message, as it was recalled then.
  const lines = (await sam.get())?.state.threads.flatMap((thread) => thread.lines) ?? [];
  const recalled = lines.filter(({ from, text }) => from === "desk" && text.includes("On 2 March you wrote"));
  expect(recalled.length).toBeGreaterThan(0);
  await expectRemembered(server.url, messages);
});

test("it stays up until SIGTERM, then drains and ends with 0", async () => {
  await using server = await startTestServer();
  const { child, ended, told } = start(["--rate", "1000"], { NATS_URL: server.url });
  child.stdin.end();
  await Promise.race([told("Ctrl-C ends it"), ended]);
  child.kill("SIGTERM");
  const { code, out, err } = await ended;
  expect(code, err).toBe(0);
  expect(out).toContain("Look further");
  expect(out).toContain(`--server ${server.url}`);
});

test("a second run joins the desk that the first one serves", async () => {
  const messages = await readMessages(dataFile);
  await using server = await startTestServer();
  const { child, ended, told } = start(["--rate", "1000"], { NATS_URL: server.url });
  child.stdin.end();
  await Promise.race([told("Ctrl-C ends it"), ended]);
  const second = await runForSummary([], server.url);
  expect(second.run).toMatchObject({ sent: messages.length, fresh: 0, repeated: messages.length });
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ code: 0 });
});

test("a private server is started, ends with the run, and keeps what the agents know", async () => {
  const folder = await mkdtemp(join(tmpdir(), "troupe-desk-"));
  try {
    const env = { NATS_SERVER: await serverBinary() };
    const args = ["--once", "--data", join(folder, "data")];
    const first = await run(args, env);
    expect(first.code, first.err).toBe(0);
    expect(first.out).toContain(`npm start -- --data ${join(folder, "data")}  opens it again`);
    // By its process: on its port another one may listen by now.
    const { pid } = JSON.parse(await readFile(join(folder, "data", "server.json"), "utf8")) as { pid: number };
    expect([first.err.includes("nats://127.0.0.1:"), isAlive(pid)]).toEqual([true, false]);
    const second = await run([...args, "--json"], env);
    expect(second.code, second.err).toBe(0);
    expect((JSON.parse(second.out) as Summary).run).toMatchObject({ fresh: 0, isComplete: true });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("a server that is not there, a file that is not there, a wrong option: each has its exit code", async () => {
  expect(await run(["--what"], {})).toMatchObject({ code: 2, err: expect.stringContaining("--help") });
  expect(await run(["--memory", "--once", "--input", "/not/there"], {})).toMatchObject({ code: 1 });
  expect(await run(["--once"], { NATS_URL: "nats://127.0.0.1:1" })).toMatchObject({ code: 3 });
});

test("with --memory no server is needed", async () => {
  const messages = await readMessages(dataFile);
  const { code, out, err } = await run(["--memory", "--once", "--json"], { NATS_SERVER: "/not/there", PATH: "" });
  expect(code, err).toBe(0);
  expect((JSON.parse(out) as Summary).totals).toMatchObject(expectedOf(messages).totals);
});

/** How many messages the supervisor has counted, each time that it has changed. */
async function* countsOf(troupe: Awaited<ReturnType<typeof connect>>): AsyncGenerator<number, void, undefined> {
  const signal = AbortSignal.timeout(runMsMax);
  for await (const change of troupe.actor(Supervisor, theOne).watch({ signal })) {
    if (change.kind === "committed") yield change.state.totals.messages;
  }
}

/** Waits until the server has dealt with what had arrived there: its own answers come in order. */
async function untilStored(troupe: Awaited<ReturnType<typeof connect>>): Promise<void> {
  for (const id of ["first", "second", "third"]) await troupe.actor(Customer, id).get();
}

async function untilCounted(counts: AsyncGenerator<number, void, undefined>, wanted: number): Promise<void> {
  let last = 0;
  while (last < wanted) {
    const next = await counts.next();
    if (next.done === true) throw new Error(`the supervisor has counted ${last} messages in time, not ${wanted}`);
    last = next.value;
  }
}
