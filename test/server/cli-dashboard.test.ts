// `troupe dashboard` as a person and as a program run it.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { silentLogger } from "../../src/core/log.ts";
import type { AppView, Problem } from "../../src/monitoring/dashboard/api/page.ts";
import type { Worker } from "../../src/runtime/worker.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import type { Running } from "../support/cli.ts";
import { runCli, startCli } from "../support/cli.ts";
import { Counter } from "../support/dashboard-actors.ts";
import type { TestServer } from "../support/nats-server.ts";
import { startTestServer } from "../support/nats-server.ts";
import type { TempFolder } from "../support/temp-folder.ts";
import { tempFolder } from "../support/temp-folder.ts";

let server: TestServer;
let worker: Worker;
let folder: TempFolder;

beforeAll(async () => {
  folder = await tempFolder();
  server = await startTestServer();
  worker = await createWorker({ app: "desk", servers: server.url, actors: [Counter], logger: silentLogger });
});

afterAll(async () => {
  await worker.close();
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const at = (env: Readonly<Record<string, string>> = {}) => ({
  cwd: folder.path,
  env: { NATS_URL: server.url, ...env },
});
const start = (args: readonly string[], env?: Readonly<Record<string, string>>) =>
  startCli(["dashboard", "--app", "desk", ...args], at(env));

interface Serving {
  readonly url: string;
  readonly token: string;
}

async function servingOf(running: Running): Promise<Serving> {
  return JSON.parse(await running.line("out", () => true)) as Serving;
}

async function end(running: Running): Promise<void> {
  running.kill("SIGINT");
  expect((await running.ended).code).toBe(0);
}

test("it prints a link with the token, serves until Ctrl-C, and ends with 0", async () => {
  const running = start(["--port", "0", "--jaeger", "http://127.0.0.1:16686/"]);
  const line = await running.line("out", (each) => each.startsWith("dashboard"));
  const [, url = "", token = ""] = /(http:\/\/127\.0\.0\.1:\d+)\/#token=(\w{22})$/.exec(line) ?? [];
  const app = (await (await fetch(`${url}/api/app`)).json()) as AppView;
  expect(app).toMatchObject({ app: "desk", traceUrl: "http://127.0.0.1:16686/trace/{trace}" });
  const post = (given: string) =>
    fetch(`${url}/api/nothing`, { method: "POST", headers: { authorization: `Bearer ${given}` } });
  expect([(await post(`${token}x`)).status, (await post(token)).status]).toEqual([401, 404]);
  const headers = { authorization: `Bearer ${token}` };
  expect((await fetch(`${url}/api/dead/7/drop`, { method: "POST", headers })).status).toBe(404);
  await running.line("err", (each) => each.includes("refused from the dashboard"));
  // A page that listens does not keep it from ending.
  const live = await fetch(`${url}/api/live?topics=now`);
  await end(running);
  // What is logged says who did what, and never by which token.
  expect((await running.ended).err).not.toContain(token);
  await live.text().catch(() => undefined);
  await expect(fetch(`${url}/api/app`)).rejects.toThrow();
});

test.runIf(process.platform === "linux")(
  "--open hands no token to another process, whose arguments anybody may read",
  async () => {
    const told = join(folder.path, "told");
    await writeFile(join(folder.path, "xdg-open"), `#!/bin/sh\necho "$@" > ${told}.new && mv ${told}.new ${told}\n`, {
      mode: 0o755,
    });
    const running = start(["--json", "--port", "0", "--open"], { PATH: `${folder.path}:${process.env.PATH}` });
    const { url, token } = await servingOf(running);
    const words = await vi.waitFor(() => readFile(told, "utf8"), { timeout: 60_000 });
    expect(words.trim()).toBe(url);
    expect(words).not.toContain(token);
    await end(running);
  },
);

test("without --port the next free one is taken; a named one that is taken is an error with a remedy", async () => {
  const [one, other] = [start(["--json"]), start(["--json"])];
  const [first, second] = [await servingOf(one), await servingOf(other)];
  expect(first.url).not.toBe(second.url);
  const port = new URL(first.url).port;
  const { code, out, err } = await runCli(["dashboard", "--app", "desk", "--json", "--port", port], at());
  expect([code, out]).toEqual([1, ""]);
  const { error } = JSON.parse(err) as { error: Problem };
  expect([error.code, error.message]).toEqual(["PORT_TAKEN", `port ${port} of 127.0.0.1 is taken`]);
  expect(error.remedy).not.toBe("");
  await Promise.all([end(one), end(other)]);
});

test("D1: an address that others can reach is refused without a token of 16 characters, and nothing listens", async () => {
  for (const args of [
    ["--host", "0.0.0.0"],
    ["--host", "0.0.0.0", "--token", "short"],
    ["--token", "short"],
  ]) {
    const { code, out, err } = await runCli(["dashboard", "--app", "desk", "--json", "--port", "0", ...args], at());
    const { error } = JSON.parse(err) as { error: Problem };
    expect([code, out, error.code], args.join(" ")).toEqual([2, "", "OPTION_INVALID"]);
  }
});

test("a token from the environment is taken, and the app that is not there is named", async () => {
  const token = "from-the-environment-1";
  const running = start(["--json", "--port", "0"], { TROUPE_DASHBOARD_TOKEN: token });
  expect((await servingOf(running)).token).toBe(token);
  await end(running);
  const missing = await runCli(["dashboard", "--app", "nowhere", "--json"], at());
  expect([missing.code, (JSON.parse(missing.err) as { error: Problem }).error.code]).toEqual([1, "APP_NOT_FOUND"]);
  const away = await runCli(["dashboard", "--json", "--server", "nats://127.0.0.1:1"], at());
  expect([away.code, (JSON.parse(away.err) as { error: Problem }).error.code]).toEqual([3, "SERVER_UNREACHABLE"]);
  const wrong = await runCli(["dashboard", "--app", "desk", "--jaeger", "here", "--json"], at());
  expect([wrong.code, (JSON.parse(wrong.err) as { error: Problem }).error.message]).toEqual([
    ...[2, expect.stringContaining("got here")],
  ]);
});

test.each(["away", "frozen"] as const)(
  "while NATS is %s it ends at SIGTERM all the same: with 0, without a stack, and soon",
  async (how) => {
    await using other = await startTestServer();
    const options = { app: "desk", servers: other.url, actors: [Counter], logger: silentLogger };
    await using _worker = await createWorker(options);
    const running = start(["--json", "--port", "0"], { NATS_URL: other.url });
    const { url } = await servingOf(running);
    // Somebody looks at everything, so that everything is being read.
    const live = await fetch(`${url}/api/live?topics=now,changes,feed,runs`);
    if (how === "away") await other.kill9();
    else other.freeze();
    await untilSaid(live, '"state":"stale"');
    const askedMs = performance.now();
    running.kill("SIGTERM");
    const { code, err } = await running.ended;
    const tookMs = performance.now() - askedMs;
    other.thaw();
    expect([code, err.match(/^\s+at .*/m)]).toEqual([0, null]);
    // A read that is waited for takes 5 s at least. Of a server that says nothing nobody knows whether it will: that is waited for a
    // little.
    expect(tookMs).toBeLessThan(how === "away" ? 4_000 : 6_000);
  },
);

async function untilSaid({ body }: Response, words: string): Promise<void> {
  const decoder = new TextDecoder();
  let said = "";
  for await (const bytes of body ?? []) {
    said += decoder.decode(bytes, { stream: true });
    if (said.includes(words)) return;
  }
  throw new Error(`it ended without ${words}: ${said.slice(-500)}`);
}
