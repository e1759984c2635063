// `troupe top` as a person and as a program runs it, where its output is no terminal.

import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../../src/index.ts";
import type { NowView } from "../../src/monitoring/dashboard/api/now.ts";
import type { Running } from "../support/cli.ts";
import { runCli, startCli, writeActors } from "../support/cli.ts";
import type { TestServer } from "../support/nats-server.ts";
import { startTestServer } from "../support/nats-server.ts";
import type { TempFolder } from "../support/temp-folder.ts";
import { tempFolder } from "../support/temp-folder.ts";

let server: TestServer;
let folder: TempFolder;
let worker: Running;

const at = () => ({ cwd: folder.path, env: { NATS_URL: server.url } });

beforeAll(async () => {
  server = await startTestServer();
  folder = await tempFolder();
  worker = startCli(["worker", await writeActors(folder.path), "--json", "--name", "blue"], {
    ...at(),
    runMsMax: 600_000,
  });
  await worker.line("out", () => true);
});

afterAll(async () => {
  worker.kill("SIGKILL");
  await worker.ended;
  await folder[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

test("a line each second for a program: what was done in that second, and who lives", async () => {
  await using client = await connect({ servers: server.url });
  const top = startCli(["top", "--json"], at());
  const counter = client.untyped("counter", "c1");
  const first = JSON.parse(await top.line("out", (_line, at) => at === 0)) as NowView;
  expect(first.workers).toMatchObject([{ name: "blue", state: "serves", partitions: 64, pools: ["main"] }]);
  expect(first.second).toMatchObject({ workers: 1, unownedPartitions: 0, lag: 0 });
  await Promise.all(Array.from({ length: 30 }, () => counter.ask("add", 1)));
  const busy = await top.line("out", (line) => ((JSON.parse(line) as NowView).second.asksPerS ?? 0) > 0);
  const { second, methods } = JSON.parse(busy) as NowView;
  expect([second.turnsPerS, second.failedPerS]).toEqual([second.asksPerS, 0]);
  // Turns that ran before a second began and were committed in it count in it; how long they took stands in the one before.
  const timed = await top.line("out", (line) => (JSON.parse(line) as NowView).second.turnP50Ms !== null);
  expect((JSON.parse(timed) as NowView).second.turnP50Ms).toBeGreaterThan(0);
  expect(methods[0]).toMatchObject({ type: "counter", method: "add", turn: "ask" });
  top.kill("SIGINT");
  const { code, err } = await top.ended;
  expect([code, err]).toEqual([0, ""]);
});

test("--once shows it once, for people without any colours or control characters; --interval waits", async () => {
  const { code, out, err } = await runCli(["top", "--once"], at());
  expect([code, err]).toEqual([0, ""]);
  expect(out).toMatch(/^troupe top {2}\d\d:\d\d:\d\d {2}troupe on 127\.0\.0\.1:\d+\n/);
  expect(out).toMatch(/^blue +serves /m);
  expect(out.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  const slow = startCli(["top", "--json", "--interval", "2"], at());
  const times: number[] = [];
  for (let line = 0; line < 4; line += 1) {
    times.push((JSON.parse(await slow.line("out", (_line, at) => at === line)) as NowView).atMs);
  }
  slow.kill("SIGTERM");
  expect((await slow.ended).code).toBe(0);
  // Six seconds, less what a busy machine makes the first one late; did it not wait they were three.
  expect((times[3] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(3_500);
});

test("the exit code says why there is nothing to see", async () => {
  expect(await runCli(["top", "--app", "other", "--json"], at())).toMatchObject({ code: 1, out: "" });
  expect(await runCli(["top", "--interval", "0"], at())).toMatchObject({ code: 2, out: "" });
  const nobody = ["top", "--server", "nats://127.0.0.1:1", "--json"];
  expect(await runCli(nobody, at())).toMatchObject({ code: 3, out: "" });
});

test("while the server is away it says so, first of all, and goes on when it is back", async () => {
  const top = startCli(["top", "--json"], at());
  await top.line("out", () => true);
  await server.kill9();
  const isAway = (line: string) => line.includes("NATS cannot be read");
  const away = JSON.parse(await top.line("out", isAway)) as NowView;
  expect(away.unhealthy[0]).toMatchObject({ level: "problem", text: expect.stringContaining("NATS cannot be read") });
  await server.restart();
  await top.line("out", (line) => !isAway(line) && (JSON.parse(line) as NowView).atMs > away.atMs);
  top.kill("SIGINT");
  expect((await top.ended).code).toBe(0);
});
