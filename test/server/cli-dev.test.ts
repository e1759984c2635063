// `troupe dev`: a private server, and a worker that lives on through changes and mistakes.

import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Running } from "../support/cli.ts";
import { isAlive, runCli, startCli, writeActors } from "../support/cli.ts";
import { serverBinary, startTestServer } from "../support/nats-server.ts";
import { tempFolder } from "../support/temp-folder.ts";

interface DevEvent {
  readonly event: "server" | "serving" | "dashboard" | "restarting" | "killed" | "drained" | "failed" | "ended";
  readonly pid?: number;
  readonly url?: string;
  readonly isShared?: boolean;
  readonly files?: readonly string[];
  readonly signal?: string;
  readonly afterMs?: number;
  readonly error?: { readonly code: string; readonly message: string };
}

/** The events of `troupe dev --json`, one after the other. */
function eventsOf(dev: Running): (wanted: DevEvent["event"]) => Promise<DevEvent> {
  let read = 0;
  return async (wanted) => {
    const line = await dev.line("out", (_line, at) => at === read);
    read += 1;
    const event = JSON.parse(line) as DevEvent;
    expect(event.event, line).toBe(wanted);
    return event;
  };
}

/** In one go: a machine that is busy may take longer than dev waits between emptying a file and filling it. */
async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

test("dev serves from a private server, restarts on changes and after mistakes, and leaves nothing behind", async () => {
  await using folder = await tempFolder();
  const file = await writeActors(folder.path);
  const at = { cwd: folder.path, env: { NATS_SERVER: await serverBinary() } };
  const ask = async (...args: readonly string[]) => {
    // Without an address: the command finds the server of this folder.
    const { code, out, err } = await runCli(["ask", "counter", "c1", ...args], at);
    expect(code, err).toBe(0);
    return JSON.parse(out) as unknown;
  };
  const dev = startCli(["dev", file, "--json"], at);
  const next = eventsOf(dev);
  const { url } = await next("server");
  const first = await next("serving");
  const dashboard = await next("dashboard");
  expect(await ask("add", "5")).toBe(5);
  const isShown = async () => (await fetch(`${dashboard.url}/api/actors/counter/c1`)).status;
  expect(await isShown()).toBe(200);

  await replaceFile(join(folder.path, "step.ts"), "export const step: number = 10;\n");
  expect((await next("restarting")).files).toEqual(["step.ts"]);
  const second = await next("serving");
  expect(await ask("add", "5")).toBe(55);
  expect([isAlive(first.pid ?? 0), second.pid === first.pid]).toEqual([false, false]);

  const text = await readFile(file, "utf8");
  await replaceFile(file, `${text}\nexport const broken = ;\n`);
  await next("restarting");
  const { error } = await next("failed");
  expect(error).toMatchObject({ code: "FILE_UNUSABLE", message: expect.stringContaining("actors.ts") });
  await replaceFile(file, text);
  await next("restarting");
  const third = await next("serving");
  expect(await ask("total")).toBe(55);

  const { pid: serverPid } = JSON.parse(await readFile(join(folder.path, ".troupe", "server.json"), "utf8")) as {
    pid: number;
  };
  expect([isAlive(serverPid), isAlive(third.pid ?? 0)]).toEqual([true, true]);
  dev.kill("SIGINT");
  const { code } = await dev.ended;
  await next("ended");
  expect([code, isAlive(serverPid), isAlive(third.pid ?? 0)]).toEqual([0, false, false]);
  // On its port another one may listen by now, which has not this actor.
  expect(await isShown().catch(() => "nobody listens")).not.toBe(200);
  const looked = await runCli(["get", "counter", "c1", "--json", "--server", url ?? ""], at);
  expect(looked.out).toBe("");
  expect(["SERVER_UNREACHABLE", "APP_NOT_FOUND"]).toContain((JSON.parse(looked.err) as DevEvent).error?.code);
});

test("dev on a server that is there starts none, and says what to try", async () => {
  await using folder = await tempFolder();
  await using server = await startTestServer();
  const file = await writeActors(folder.path);
  const dev = startCli(["dev", file], { cwd: folder.path, env: { NATS_URL: server.url } });
  const hint = await dev.line("out", (line) => line.startsWith("try, in another terminal"));
  expect(hint).toContain(`ask counter a1 total --server ${server.url}`);
  dev.kill("SIGTERM");
  const { code, out } = await dev.ended;
  expect(code).toBe(0);
  expect(out).toContain("counter  add, fail, ");
  await expect(readFile(join(folder.path, ".troupe", "server.json"))).rejects.toMatchObject({ code: "ENOENT" });
});

test("dev fails at once where no change of a file can help", async () => {
  await using folder = await tempFolder();
  const file = await writeActors(folder.path);
  const unreachable = await runCli(["dev", file, "--json", "--server", "nats://127.0.0.1:1"], { cwd: folder.path });
  expect([unreachable.code, unreachable.out]).toEqual([3, ""]);
  expect(JSON.parse(unreachable.err)).toMatchObject({ error: { code: "SERVER_UNREACHABLE" } });
  const missing = await runCli(["dev", "missing.ts", "--json"], { cwd: folder.path });
  expect(missing.code).toBe(1);
  expect(JSON.parse(missing.err)).toMatchObject({ error: { code: "FILE_UNUSABLE" } });
});

test("the worker of a dev that is killed drains by itself", async () => {
  await using folder = await tempFolder();
  await using server = await startTestServer();
  const file = await writeActors(folder.path);
  const dev = startCli(["dev", file, "--json", "--no-dashboard"], { cwd: folder.path, env: { NATS_URL: server.url } });
  const serving = JSON.parse(await dev.line("out", () => true)) as DevEvent;
  // Standard error is the worker's too: it ends when both are gone.
  dev.kill("SIGKILL");
  const { err } = await dev.ended;
  expect(err).toContain("worker drained");
  expect(serving.event).toBe("serving");
});

test("D3: a worker of dev that is killed is started again by itself; one that is drained, at the next change", async () => {
  await using folder = await tempFolder();
  await using server = await startTestServer();
  const file = await writeActors(folder.path);
  const at = { cwd: folder.path, env: { NATS_URL: server.url } };
  const dev = startCli(["dev", file, "--json", "--no-dashboard", "--name", "desk"], at);
  const next = eventsOf(dev);
  const pids = [(await next("serving")).pid ?? 0];
  for (const _kill of [1, 2]) {
    process.kill(pids.at(-1) ?? 0, "SIGKILL");
    const { signal, afterMs = 0 } = await next("killed");
    expect([signal, afterMs > 0 && afterMs < 1_000]).toEqual(["SIGKILL", true]);
    pids.push((await next("serving")).pid ?? 0);
  }
  expect(new Set(pids).size).toBe(3);
  expect((await runCli(["ask", "counter", "c1", "add", "5"], at)).out).toBe("5\n");
  // By its name when those that were killed are known to be gone.
  const named = async () => JSON.parse((await runCli(["ps", "--json"], at)).out) as unknown;
  await expect.poll(named, { timeout: 30_000 }).toMatchObject({ workers: [{ name: "desk", pid: pids.at(-1) }] });
  expect((await runCli(["drain", "desk"], at)).code).toBe(0);
  await next("drained");
  await replaceFile(join(folder.path, "step.ts"), "export const step: number = 10;\n");
  await next("restarting");
  await next("serving");
  dev.kill("SIGTERM");
  await next("ended");
  expect((await dev.ended).code).toBe(0);
});

test("a second dev in a folder joins its server, and goes on with a server of its own when the first one ends", async () => {
  await using folder = await tempFolder();
  const file = await writeActors(folder.path);
  const at = { cwd: folder.path, env: { NATS_SERVER: await serverBinary() } };
  const first = startCli(["dev", file, "--json", "--no-dashboard"], at);
  const ofFirst = eventsOf(first);
  const { url } = await ofFirst("server");
  await ofFirst("serving");
  const joined = startCli(["dev", file, "--json", "--no-dashboard"], at);
  const ofJoined = eventsOf(joined);
  expect(await ofJoined("server")).toMatchObject({ url, isShared: true });
  await ofJoined("serving");
  expect((await runCli(["ask", "counter", "c1", "add", "5"], at)).out).toBe("5\n");
  first.kill("SIGINT");
  expect((await first.ended).code).toBe(0);
  expect(await ofJoined("server")).toMatchObject({ url, isShared: false });
  const { code, out, err } = await runCli(["ask", "counter", "c1", "total"], at);
  expect([code, out], err).toEqual([0, "5\n"]);
  joined.kill("SIGINT");
  expect((await joined.ended).code).toBe(0);
});
