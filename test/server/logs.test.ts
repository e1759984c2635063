// What a process of ours writes on standard error, and that it neither waits for nor ends by what becomes of it.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { connect as connectNats, headers } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { createLogger } from "../../src/core/log.ts";
import { connect } from "../../src/runtime/client.ts";
import { startTestServer } from "../support/nats-server.ts";
import { runScript } from "../support/script-run.ts";
import { counter } from "../support/traced-actors.ts";

const script = (name: string) => new URL(`../support/${name}.ts`, import.meta.url).pathname;
const logging = script("logging-script");
const linesOf = (text: string) =>
  text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const run = promisify(execFile);

test("every line about a message has its actor, its id and its trace, from the handler to the dead letter", async () => {
  await using server = await startTestServer();
  await using worker = runScript(script("traced-worker"), { NATS_URL: server.url });
  await worker.next();
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const header = headers();
  header.set("traceparent", `00-${traceId}-b7ad6b7169203331-01`);
  const connection = await connectNats({ servers: server.url });
  await connection.request("troupe.call.counter.c1.add", "5", { headers: header, timeout: 10_000 });
  await connection.request("troupe.tell.counter.doomed.fail", "", { headers: header, timeout: 10_000 });
  await connection.close();
  await using troupe = await connect({ servers: server.url });
  for await (const change of troupe.actor(counter, "doomed").watch({ signal: AbortSignal.timeout(20_000) })) {
    if (change.kind === "committed") break;
  }
  worker.child.kill("SIGTERM");
  expect(await worker.exited, worker.errors).toBe(0);

  const lines = linesOf(worker.errors);
  const line = (text: string) => lines.find(({ msg }) => msg === text);
  const about = (actor: string) => ({ actor, message: expect.stringMatching(/./), trace: traceId });
  expect(line("adding")).toMatchObject({ ...about("counter/c1"), n: 5, level: 30 });
  expect(line("turn retried")).toMatchObject({ ...about("counter/doomed"), attempt: 1, code: "HANDLER_FAILED" });
  expect(line("turn retried")?.reason).toContain("not today");
  expect(line("dead lettered")).toMatchObject({ ...about("counter/doomed"), level: 50, method: "fail" });
  expect(line("dead lettered")?.message).toBe(line("turn retried")?.message);
  expect(line("worker started")).toMatchObject({ name: "troupe", pid: worker.child.pid });
  expect(line("worker drained")).toBeDefined();
}, 120_000);

test("elsewhere than on a terminal the lines are JSON, and none is lost however the process ends", async () => {
  const ends = { end: 0, exit: 3, throw: 1 };
  for (const [how, code] of Object.entries(ends)) {
    await using child = runScript(logging, {}, [how]);
    expect(await child.exited).toBe(code);
    expect(linesOf(child.errors), how).toMatchObject([
      { level: 30, actor: "counter/c1", message: "m-1", trace: "abc", msg: "first" },
      { level: 40, actor: "counter/c2", reason: "no", msg: "second" },
    ]);
  }
});

test("a reader that is gone does not end the process, and does not keep it alive", async () => {
  const child = spawn(process.execPath, [logging, "on-stdin"], { stdio: ["pipe", "pipe", "pipe"] });
  const exited = once(child, "exit");
  await once(child.stderr, "data");
  child.stderr.destroy();
  await once(child.stderr, "close");
  child.stdin.write("go\n");
  const [said] = await once(child.stdout, "data");
  expect(String(said)).toContain("still here");
  expect((await exited)[0]).toBe(0);
});

test.runIf(existsSync("/dev/full"))(
  "a full disk does not end the process, and does not keep it from ending",
  async () => {
    for (const [how, code] of Object.entries({ end: 0, exit: 3 })) {
      const command = `"${process.execPath}" "${logging}" ${how} 2>/dev/full; echo $?`;
      const { stdout } = await run("sh", ["-c", command], { timeout: 20_000 });
      expect(stdout.trim(), how).toBe(String(code));
    }
  },
);

const terminal = ["/usr/bin/script", "/bin/script"].find(existsSync);

test.runIf(terminal !== undefined && process.platform === "linux")(
  "on a terminal the lines are for people: no JSON, fields by name, in colour",
  async () => {
    const command = `"${process.execPath}" "${logging}" exit`;
    const { stdout } = await run(terminal ?? "script", ["-qc", command, "/dev/null"], { timeout: 20_000 });
    expect(linesOf(stdout)).toEqual([]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what is looked for.
    const plain = stdout.replace(/\x1b\[\d+m/g, "");
    expect(plain).not.toBe(stdout);
    expect(plain).toMatch(/INFO: first\s+actor: "counter\/c1"\s+message: "m-1"\s+trace: "abc"/);
    expect(plain).toMatch(/WARN: second\s+actor: "counter\/c2"/);
  },
);

test("a level that there is not is refused, with those that there are", () => {
  expect(() => createLogger({ level: "loud" })).toThrow(/"loud"; there is .*debug.*silent/);
  expect(() => createLogger({ level: "silent" })).not.toThrow();
});
