// `troupe workflow` against a real server, with the incident triage; its worker is killed in the middle.

import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Notes, Service, triage } from "../../examples/incident-triage/triage.ts";
import { connect } from "../../src/runtime/client.ts";
import { natsPorts } from "../../src/runtime/nats-ports.ts";
import { committedState } from "../contract/runtime-support.ts";
import { isAt, runWhen } from "../contract/workflow-actors.ts";
import { runCli, startCli } from "../support/cli.ts";
import { startTestServer } from "../support/nats-server.ts";
import { tempFolder } from "../support/temp-folder.ts";

const file = fileURLToPath(new URL("../../examples/incident-triage/triage.ts", import.meta.url));
const automatic = "severity/otherwise/automatic";

test("a run is started, shown, signalled and drawn; its worker is killed with -9, and each thing is done once", async () => {
  await using folder = await tempFolder();
  await using server = await startTestServer();
  const startWorker = async () => {
    const worker = startCli(["worker", file, "--json", "--server", server.url], { cwd: folder.path });
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
  const input = { service: "shop", customer: "acme", report: "the shop is slow", settleMs: 300 };
  expect(await json("workflow", "start", "triage", "i-1", JSON.stringify(input))).toMatchObject({
    ...{ workflow: "triage", id: "i-1", state: { service: "shop" } },
  });
  await using client = await connect({ ports: natsPorts({ nats: { servers: server.url } }) });
  const run = client.actor(triage.run, "i-1");
  await runWhen(run, isAt(`${automatic}/try/settle`, "sleeping"));
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
  await json("workflow", "signal", "triage", "i-1", "decision", '{"by":"ada","remedy":"restart"}');
  expect(await runWhen(run)).toMatchObject({ phase: "completed", result: "mended by a person" });
  const { history } = await committedState(client.actor(Service, "shop"), (state) => state.history.length >= 3);
  expect(history).toEqual(["apply scale-out", "revert scale-out", "apply restart"]);
  expect((await client.actor(Notes, "oncall").get())?.state.lines).toEqual(["i-1: the shop is slow"]);
  const graph = await troupe("workflow", "graph", "triage", "i-1", "--actors", file);
  expect(graph.out).toMatch(/^flowchart TD\n/);
  expect(graph.out).toContain('_try_mend["mend<br/>can be compensated<br/>compensated"]');
  expect((await troupe("workflow", "cancel", "triage", "i-1")).err).toContain("cancel does nothing there");
  expect((await troupe("workflow", "show", "triage", "none")).code).toBe(1);
  second.kill("SIGKILL");
  await second.ended;
});
