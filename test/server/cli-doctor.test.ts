// `troupe doctor` against a real server.

import { expect, test } from "vitest";
import { openInspector } from "../../src/runtime/inspect.ts";
import { runCli, startCli, writeActors } from "../support/cli.ts";
import { startSingleServer } from "../support/nats-cluster.ts";
import { startTestServer } from "../support/nats-server.ts";
import { tempFolder } from "../support/temp-folder.ts";

test("tells what survives what, as the server is set up", async () => {
  await using folder = await tempFolder();
  await using server = await startTestServer();
  const at = { cwd: folder.path, env: { NATS_URL: server.url } };
  const worker = startCli(["worker", await writeActors(folder.path), "--json"], at);
  await worker.line("out", (line) => line.includes('"serving"'));
  const json = await runCli(["doctor", "--json"], at);
  const { diagnosis, findings } = JSON.parse(json.out) as {
    diagnosis: Record<string, unknown>;
    findings: unknown;
  };
  expect(diagnosis).toMatchObject({
    app: "troupe",
    server: { version: expect.stringMatching(/^2\./), payloadBytesMax: 1_048_576 },
    user: { account: "$G" },
    account: { storageBytesMax: -1, streams: 4 },
    found: { pools: { main: 64 }, unowned: 0, mail: { duplicateWindowMs: 120_000 }, workers: [{ pid: worker.pid }] },
  });
  const { survival, streams } = diagnosis.found as Record<string, Record<string, unknown>[]>;
  expect(survival?.map(({ verdict }) => verdict)).toEqual(["kept", "kept", "unknown", "lost"]);
  expect(streams).toContainEqual(
    expect.objectContaining({ name: "KV_troupe_state", storage: "file", replicas: 1, history: 8 }),
  );
  expect(JSON.stringify(findings)).toContain("sync_interval");
  const { code, out } = await runCli(["doctor"], at);
  expect(code).toBe(0);
  expect(out).toMatch(/kill -9 of the server +kept/);
  expect(out).toMatch(/a disk is lost +lost/);
  worker.kill("SIGKILL");
  await worker.ended;
});

test("finds a missing app, which is code 1, and does not make it", async () => {
  await using folder = await tempFolder();
  await using empty = await startTestServer();
  const { code, out } = await runCli(["doctor", "--json", "--server", empty.url], { cwd: folder.path });
  const { findings } = JSON.parse(out) as { findings: unknown };
  expect(code).toBe(1);
  const text = expect.stringContaining("no app named troupe on this server; it has none") as unknown;
  expect(findings).toContainEqual(expect.objectContaining({ level: "problem", text }));
  await using inspector = await openInspector({ nats: { servers: empty.url }, app: "troupe" });
  expect((await inspector.account()).streams).toBe(0);
});

test("reads how often the disk is synced from the server's monitoring, and what follows from it", async () => {
  await using folder = await tempFolder();
  await using synced = await startSingleServer({ env: { TROUPE_NATS_SYNC: "always" } });
  const at = { cwd: folder.path, env: { NATS_URL: synced.url } };
  expect((await runCli(["spawn", "counter", "c1", "{}"], at)).code).toBe(0);
  const { code, out } = await runCli(["doctor", "--json", "--monitor", synced.monitorUrl], at);
  const { diagnosis } = JSON.parse(out) as { diagnosis: { found: { survival: unknown } } };
  expect(code).toBe(0);
  expect(diagnosis).toMatchObject({ sync: { isAlways: true, source: "its monitoring" } });
  expect(diagnosis.found.survival).toContainEqual(
    expect.objectContaining({ mishap: "the machine crashes", verdict: "kept" }),
  );
});
