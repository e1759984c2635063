// `troupe workflow` against a real server, with the incident triage; its worker is killed in the middle.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { Notes, Service, triage } from "../../examples/incident-triage/triage.ts";
import { research, Source } from "../../examples/research-pipeline/research.ts";
import { pruneRuns } from "../../src/cli/runs/prune-runs.ts";
import { loadCursors } from "../../src/monitoring/read-cluster.ts";
import type { Troupe } from "../../src/runtime/client.ts";
import { connect } from "../../src/runtime/client.ts";
import { natsPorts } from "../../src/runtime/nats-ports.ts";
import { committedState } from "../contract/runtime-support.ts";
import { isAt, runWhen } from "../contract/workflow-actors.ts";
import { runCli, startCli } from "../support/cli.ts";
import { book, held, own, pooled } from "../support/mortal-workflows.ts";
import { startTestServer } from "../support/nats-server.ts";
import { tempFolder } from "../support/temp-folder.ts";

const pathOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const file = pathOf("examples/incident-triage/triage.ts");
const automatic = "severity/otherwise/automatic";
/** A dozen commands one after the other: each takes five seconds where many processes start at once. */
const testMsMax = 240_000;
vi.setConfig({ testTimeout: testMsMax });

test("a run is started, shown, signalled and drawn; its worker is killed with -9, and each thing is done once", async () => {
  await using folder = await tempFolder();
  await using server = await startTestServer();
  const startWorker = async () => {
    const args = ["worker", file, "--json", "--server", server.url];
    const worker = startCli(args, { cwd: folder.path, runMsMax: testMsMax });
    await worker.line("out", (line) => line.includes('"serving"'));
    return worker;
  };
  const first = await startWorker();
  const troupe = (...args: readonly string[]) => runCli(args, { cwd: folder.path, env: { NATS_URL: server.url } });
  const json = async (...args: readonly string[]): Promise<unknown> => {
    const { code, out, err } = await troupe(...args, "--json");
    expect([code, err]).toEqual([0, ""]);
    return JSON.parse(out);
  };
  await using client = await connect({ ports: natsPorts({ nats: { servers: server.url } }) });
  const run = client.actor(triage.run, "i-1");
  // Looked for from before: a slow machine would pass it by.
  const asleep = runWhen(run, isAt(`${automatic}/try/settle`, "sleeping"));
  const input = { service: "shop", customer: "acme", report: "the shop is slow", settleMs: 300 };
  expect(await json("workflow", "start", "triage", "i-1", JSON.stringify(input))).toMatchObject({
    ...{ workflow: "triage", id: "i-1", state: { service: "shop" } },
  });
  await asleep;
  first.kill("SIGKILL");
  await first.ended;
  const second = await startWorker();
  await runWhen(run, isAt(`${automatic}/NOT_WELL/decision`, "waiting"));
  expect(await json("workflow", "ls")).toMatchObject({
    total: 1,
    runs: [{ workflow: "triage", id: "i-1", phase: "running", at: [`${automatic}/NOT_WELL/decision (waiting)`] }],
  });
  expect((await troupe("workflow", "show", "triage", "i-1")).out).toContain("waiting for the signal decision until 20");
  const refused = await troupe("workflow", "signal", "triage", "i-1", "decision", '{"by":7}');
  expect(refused.code).toBe(1);
  expect(refused.err).toContain("the signal decision of triage: by:");
  const decision = ["decision", '{"by":"ada","remedy":"restart"}'] as const;
  const elsewhere = await troupe("workflow", "signal", "triage", "i-1", ...decision, "--at", "severity/low/decision");
  expect(elsewhere.err).toContain("nothing waits for the signal decision at severity/low/decision");
  await json("workflow", "signal", "triage", "i-1", ...decision, "--at", `${automatic}/NOT_WELL/decision`);
  expect(await runWhen(run)).toMatchObject({ phase: "completed", result: "mended by a person" });
  const { history } = await committedState(client.actor(Service, "shop"), (state) => state.history.length >= 3);
  expect(history).toEqual(["apply scale-out", "revert scale-out", "apply restart"]);
  const notes = await committedState(client.actor(Notes, "oncall"), ({ lines }) => lines.length > 0);
  expect(notes.lines).toEqual(["i-1: the shop is slow"]);
  const graph = await troupe("workflow", "graph", "triage", "i-1", "--actors", file);
  expect(graph.out).toMatch(/^flowchart TD\n/);
  expect(graph.out).toContain('_try_mend["mend<br/>can be compensated<br/>compensated"]');
  expect((await troupe("workflow", "cancel", "triage", "i-1")).err).toContain("cancel does nothing there");
  expect((await troupe("workflow", "show", "triage", "none")).code).toBe(1);
  second.kill("SIGKILL");
  await second.ended;
});

test("a worker is killed with -9 while tasks are under way: the next one begins them anew, with the steps that they have kept, and all is told once", async () => {
  await using folder = await tempFolder();
  await using server = await startTestServer();
  const startWorker = async (env: Readonly<Record<string, string>>) => {
    const args = ["worker", pathOf("test/support/mortal-workflows.ts"), "--json", "--server", server.url];
    const worker = startCli(args, { cwd: folder.path, env, runMsMax: testMsMax });
    await worker.line("out", (line) => line.includes('"serving"'));
    return worker;
  };
  const first = await startWorker({ MORTAL: "1" });
  const troupe = (...args: readonly string[]) => runCli(args, { cwd: folder.path, env: { NATS_URL: server.url } });
  await using client = await connect({ ports: natsPorts({ nats: { servers: server.url } }) });
  const runs = [client.actor(own.run, "r-own"), client.actor(pooled.run, "r-pooled")];
  for (const run of runs) await run.ask.start();
  for (const name of ["own", "pooled"]) await first.line("err", (line) => line === `under way: ${name}`);
  const waiting = client.actor(held.run, "r-held");
  await waiting.ask.start();
  await runWhen(waiting, ({ phase }) => phase === "held");
  first.kill("SIGKILL");
  await first.ended;
  const second = await startWorker({});
  for (const run of runs) expect((await runWhen(run)).result).toBe(String(first.pid));
  const { lines } = await committedState(client.actor(book, "b"), (state) => state.lines.length >= 4);
  expect(lines.toSorted()).toEqual(["after r-own", "after r-pooled", "r-own", "r-pooled"]);
  expect((await troupe("workflow", "ls", "--phase", "held")).out).toContain("NOT_HERE, t (held)");
  expect((await troupe("workflow", "pause", "held", "r-held")).out).toContain("held, paused");
  expect((await troupe("workflow", "resume", "held", "r-held")).out).not.toContain("paused");
  expect((await troupe("workflow", "retry", "held", "r-held")).code).toBe(0);
  expect((await runWhen(waiting)).result).toBe("done");
  expect((await troupe("workflow", "ls", "--phase", "bogus")).err).toContain("--phase is one of new, running");
  expect((await troupe("workflow", "prune", "--days", "0")).out).toBe(
    "0 runs would go; 3 over for less than 60 min. Nothing was changed; --apply does it.\n",
  );
  await pruneAll(client);
  expect(await client.list(">")).toEqual(["book.b"]);
  second.kill("SIGKILL");
  await second.ended;
});

/** Takes away all runs that are over, once their messages are behind the cursors that the worker saves. */
async function pruneAll(client: Troupe): Promise<void> {
  const { pool, partitionCount, cluster } = client.ports;
  await using cursors = await cluster.watch("cursor.>");
  for await (const change of cursors) {
    if (change.kind === "entry" && change.isSnapshot) continue;
    const cursorOf = await loadCursors(client, { [pool]: partitionCount });
    const request = { workflow: undefined, overForMs: 0, cursorOf, isApplied: true };
    if ((await pruneRuns(client, request)).unsettled === 0) return;
  }
}

test("the research pipeline runs as the README says, also when its worker is killed with -9", async () => {
  await using folder = await tempFolder();
  await using server = await startTestServer();
  const startWorker = async () => {
    const worker = startCli(
      ["worker", pathOf("examples/research-pipeline/research.ts"), "--json", "--server", server.url],
      { cwd: folder.path, runMsMax: testMsMax },
    );
    await worker.line("out", (line) => line.includes('"serving"'));
    return worker;
  };
  const first = await startWorker();
  const readme = await readFile(pathOf("README.md"), "utf8");
  const lines = readme
    .split("\n")
    .filter((line) => /^npm run troupe -- .*(research|source)/.test(line) && !line.includes(" dev "));
  for (const line of lines.filter((each) => !each.includes(" show "))) {
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? "");
    const args = words.slice(4).filter((_, at, all) => !all.slice(0, at + 1).includes("#"));
    const { code, err } = await runCli(args, { cwd: folder.path, env: { NATS_URL: server.url } });
    expect([line, code, err]).toEqual([line, 0, ""]);
  }
  first.kill("SIGKILL");
  await first.ended;
  const second = await startWorker();
  await using client = await connect({ ports: natsPorts({ nats: { servers: server.url } }) });
  const { phase, state } = await runWhen(client.actor(research.run, "r-1"));
  expect({ phase, found: state.findings.map(({ source }) => source).toSorted(), reviews: state.reviews }).toEqual({
    ...{ phase: "completed", found: ["a", "b"], reviews: 3 },
  });
  for (const id of ["a", "b"]) expect(await client.actor(Source, id).ask.readers()).toBe(1);
  second.kill("SIGKILL");
  await second.ended;
});
