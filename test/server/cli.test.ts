// The command line against a real server: what each command does, its `--json`, and its exit codes.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openInspector } from "../../src/runtime/inspect.ts";
import type { Ended, Running } from "../support/cli.ts";
import { runCli, startCli, writeActors } from "../support/cli.ts";
import type { TestServer } from "../support/nats-server.ts";
import { startTestServer } from "../support/nats-server.ts";
import type { TempFolder } from "../support/temp-folder.ts";
import { tempFolder } from "../support/temp-folder.ts";

// Some twenty commands in a test: each takes five seconds where many processes start at once.
vi.setConfig({ testTimeout: 240_000 });

let server: TestServer;
let folder: TempFolder;
let actorsFile: string;
let worker: Running;

beforeAll(async () => {
  folder = await tempFolder();
  server = await startTestServer();
  actorsFile = await writeActors(folder.path);
  const args = ["worker", actorsFile, "--json", "--server", server.url];
  worker = startCli(args, { cwd: folder.path, runMsMax: 600_000 });
  await worker.line("out", (line) => line.includes('"serving"'));
});

afterAll(async () => {
  worker.kill("SIGKILL");
  await worker.ended;
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** On the server that all tests share. */
const troupe = (...args: readonly string[]) => runCli(args, { cwd: folder.path, env: { NATS_URL: server.url } });

async function json(...args: readonly string[]): Promise<unknown> {
  const { code, out, err } = await troupe(...args, "--json");
  expect([code, err], `${args.join(" ")}\n${out}`).toEqual([0, ""]);
  expect(out.trimEnd().split("\n")).toHaveLength(1);
  return JSON.parse(out);
}

/** The error that a command with `--json` has printed, and its exit code. */
function failure({ code, out, err }: Ended) {
  expect(out).toBe("");
  expect(err).not.toMatch(/\n\s+at /);
  const { error } = JSON.parse(err) as { error: { code: string; message: string; remedy: string } };
  expect(error.remedy).not.toBe("");
  return { code, error };
}

const isoTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

describe("actors from the command line", () => {
  test("an ask prints the answer as JSON, after the commit", async () => {
    const { code, out } = await troupe("ask", "counter", "ask-1", "add", "5");
    expect([code, out]).toEqual([0, "5\n"]);
    expect(await json("ask", "counter", "ask-1", "total")).toBe(5);
    expect(await json("get", "counter", "ask-1")).toEqual({
      ...{ type: "counter", id: "ask-1", state: { count: 5 }, schema: 1, revision: expect.any(Number) },
      ...{ traceId: null, epoch: 1, pendingSends: 0, timers: {}, committedAt: isoTime },
    });
  });

  test("an ask that is answered with nothing prints null with --json and nothing without", async () => {
    expect(await json("ask", "counter", "ask-2", "nothing")).toBe(null);
    const { code, out, err } = await troupe("ask", "counter", "ask-2", "nothing");
    expect([code, out]).toEqual([0, ""]);
    expect(err).toContain("answered nothing");
  });

  test("an ask with an idempotency key takes effect once", async () => {
    const first = await json("ask", "counter", "key-1", "add", "5", "--key", "order 17");
    expect([first, await json("ask", "counter", "key-1", "add", "5", "--key", "order 17")]).toEqual([5, 5]);
  });

  test("INPUT comes from standard input, and may be a negative number", async () => {
    const env = { NATS_URL: server.url };
    const piped = await runCli(["ask", "counter", "in-1", "add", "-"], { cwd: folder.path, env, input: "40\n" });
    expect([piped.code, piped.out]).toEqual([0, "40\n"]);
    expect(await json("ask", "counter", "in-1", "add", "-2")).toBe(38);
  });

  test("a tell is stored, and its effect is seen by a watch, which ends by itself after --count changes", async () => {
    const { revision } = (await json("spawn", "counter", "tell-1", '{"count":100}')) as { revision: number };
    const watch = startCli(["watch", "counter.tell-1", "--json", "--count", "2"], {
      cwd: folder.path,
      env: { NATS_URL: server.url },
    });
    const snapshot = JSON.parse(await watch.line("out", () => true)) as unknown;
    expect(snapshot).toMatchObject({
      kind: "committed",
      id: "tell-1",
      state: { count: 100 },
      revision,
      isSnapshot: true,
    });
    expect(await json("tell", "counter", "tell-1", "add", "5")).toEqual({ sequence: expect.any(Number) });
    const { code, out } = await watch.ended;
    expect(code).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    const patch = [{ op: "replace", path: "/count", value: 105 }];
    expect(JSON.parse(lines[1] ?? "")).toMatchObject({ state: { count: 105 }, isSnapshot: false, patch });
  });

  test("a watch prints what stands and each change, and ends with code 0 at Ctrl-C", async () => {
    await json("ask", "counter", "watch-1", "add", "1");
    const watch = startCli(["watch", "counter.watch-1"], { cwd: folder.path, env: { NATS_URL: server.url } });
    const first = await watch.line("out", () => true);
    expect(first).toMatch(/^\S+Z {2}counter\/watch-1 {2}#\d+$/);
    expect(await watch.line("out", (line) => line.startsWith("  "))).toBe('  + {"count":1}');
    watch.kill("SIGINT");
    expect((await watch.ended).code).toBe(0);
  });

  test("history shows each kept revision with what it changed", async () => {
    for (const n of ["1", "2"]) await json("ask", "counter", "history-1", "add", n);
    const { changes, ...actor } = (await json("history", "counter", "history-1")) as { changes: { patch: unknown }[] };
    expect(actor).toEqual({ type: "counter", id: "history-1" });
    expect(changes.map(({ patch }) => patch)).toEqual([
      [{ op: "add", path: "", value: { count: 1 } }],
      [{ op: "replace", path: "/count", value: 3 }],
    ]);
    const { out } = await troupe("history", "counter", "history-1");
    expect(out).toContain('  + {"count":1}\n');
    expect(out).toContain("  ~ /count 3\n");
  });

  test("spawn gives an actor its first state, which its handlers find, and refuses one that has a state", async () => {
    await json("spawn", "counter", "a b/ü", '{"count":7}');
    expect(await json("ask", "counter", "a b/ü", "add", "1")).toBe(8);
    const again = failure(await troupe("spawn", "counter", "a b/ü", '{"count":9}', "--json"));
    expect([again.code, again.error.code]).toEqual([1, "ACTOR_EXISTS"]);
    expect(await json("ask", "counter", "a b/ü", "total")).toBe(8);
  });

  test("spawn checks the state by the definition of --actors, or takes it from there", async () => {
    const wrong = failure(await troupe("spawn", "counter", "sp-1", '{"count":"x"}', "--actors", actorsFile, "--json"));
    expect([wrong.code, wrong.error.code]).toEqual([2, "USAGE"]);
    expect(wrong.error.message).toContain("count: ");
    await json("spawn", "counter", "sp-1", "--actors", actorsFile);
    expect(await json("get", "counter", "sp-1")).toMatchObject({ state: { count: 0 } });
  });

  test("ps lists the actors with where they live, and the worker with its lease", async () => {
    await json("ask", "counter", "ps-1", "add", "5");
    const all = (await json("ps")) as { workers: { worker: string }[]; total: number };
    expect(all).toMatchObject({ app: "troupe", partitions: { total: 64, owned: 64 } });
    expect(all.workers).toEqual([
      {
        ...{ worker: expect.any(String), name: null, pools: ["main"], pid: worker.pid, startedAt: isoTime },
        ...{ actors: ["counter"], types: { counter: 1 }, isDraining: false },
        ...{ partitions: 64, lag: expect.any(Number), leaseMs: expect.any(Number) },
      },
    ]);
    const one = (await json("ps", "counter.ps-1")) as { actors: unknown };
    expect(one.actors).toEqual([
      {
        ...{ type: "counter", id: "ps-1", revision: expect.any(Number), bytes: expect.any(Number) },
        ...{ committedAt: isoTime, pool: "main", partition: expect.any(Number), worker: all.workers[0]?.worker },
      },
    ]);
    const { out } = await troupe("ps", "counter", "--limit", "1");
    expect(out).toMatch(/^NAME +WORKER +POOLS +STATE/);
    expect(out).toContain("not shown (--limit 0 shows all)");
  });

  test("a message that cannot be handled is listed with the reason, and can be sent again", async () => {
    const dead = worker.line("err", (line) => line.includes("dead lettered") && line.includes("dead-1"));
    await json("tell", "counter", "dead-1", "fail", '"no milk"');
    await dead;
    const { letters, total } = (await json("dead")) as { letters: { number: number }[]; total: number };
    expect([total, letters.length]).toEqual([1, 1]);
    expect(letters[0]).toEqual({
      ...{ number: expect.any(Number), type: "counter", id: "dead-1", method: "fail", input: "no milk" },
      ...{ code: "HANDLER_FAILED", reason: expect.stringContaining("no milk"), attempts: 1, from: null },
      ...{ traceId: null, droppedBytes: null, buriedAt: isoTime },
    });
    expect((await troupe("dead")).out).toContain("counter/dead-1 fail");
    const { number = 0 } = letters[0] ?? {};
    const again = worker.line("err", (line) => line.includes("dead lettered") && line.includes(`resent-${number}-`));
    const shown = (await troupe("dead", "show", String(number))).out;
    for (const part of ["counter/dead-1 fail", "HANDLER_FAILED", '"no milk"', "a client"])
      expect(shown).toContain(part);
    expect(await json("dead", "show", String(number))).toEqual(letters[0]);
    const replayed = [{ number, sequence: expect.any(Number) }];
    expect(await json("dead", "replay", String(number))).toEqual({ replayed, failed: [] });
    await again;
    for (const verb of ["show", "replay", "drop"]) {
      const missing = failure(await troupe("dead", verb, String(number), "--json"));
      expect([missing.code, missing.error.code]).toEqual([1, "LETTER_NOT_FOUND"]);
    }
  });

  test("many dead letters are sent again or dropped at once, those that fit the filter, when --yes is said", async () => {
    const lined = (text: string) => worker.line("err", (line) => line.includes("dead lettered") && line.includes(text));
    for (const told of [
      ["many-1", "fail", '"x"'],
      ["many-2", "fail"],
      ["many-3", "unheardOf", "1"],
    ] as const) {
      await json("tell", "counter", ...told);
      await lined(told[0]); // One after the other, as they are listed.
    }
    const listed = async (...args: string[]) => {
      const { letters } = (await json("dead", "ls", ...args)) as { letters: { id: string }[] };
      return letters.map(({ id }) => id).filter((id) => id.startsWith("many-"));
    };
    expect(await listed()).toEqual(["many-1", "many-2", "many-3"]);
    expect(await listed("--code", "METHOD_UNKNOWN")).toEqual(["many-3"]);
    expect(await listed("--type", "nobody")).toEqual([]);
    // Without an argument no line is left blank.
    expect((await troupe("dead", "--code", "INPUT_INVALID")).out).not.toMatch(/^ {2}input/m);
    const unsaid = failure(await troupe("dead", "drop", "--all", "--code", "METHOD_UNKNOWN", "--json"));
    expect([unsaid.code, unsaid.error.code, unsaid.error.message]).toEqual([2, "USAGE", "that is 1 dead letter"]);
    const { dropped } = (await json("dead", "drop", "--all", "--code", "METHOD_UNKNOWN", "--yes")) as {
      dropped: unknown[];
    };
    expect(dropped).toHaveLength(1);
    expect(await listed()).toEqual(["many-1", "many-2"]);
    const { letters } = (await json("dead", "ls")) as { letters: { number: number }[] };
    const { out } = await troupe("dead", "replay", "--all", "--type", "counter", "--yes");
    expect(out).toBe(`${letters.length} dead letters replayed\n`);
    // Each fails again, as another message: while one has not, it is not dropped with the others.
    await Promise.all(letters.map(({ number }) => lined(`resent-${number}-`)));
    for (const args of [[], ["1", "--all"], ["1", "--type", "counter"], ["x"]]) {
      expect(failure(await troupe("dead", "drop", ...args, "--json")).code).toBe(2);
    }
    expect((await json("dead", "drop", "--all", "--yes")) as object).toHaveProperty("failed", []);
    expect((await troupe("dead")).out).toBe("No message was given up on.\n");
  });

  test("traces go to the collector of --otlp, and the revision leads to its trace", async () => {
    const bodies: string[] = [];
    const collector = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      request.on("end", () => {
        bodies.push(body);
        response.setHeader("content-type", "application/json").end("{}");
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
    const { port } = collector.address() as AddressInfo;
    await json("ask", "counter", "otlp-1", "add", "5", "--otlp", `http://127.0.0.1:${port}`);
    const { traceId } = (await json("get", "counter", "otlp-1")) as { traceId: string };
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(bodies.join()).toContain("troupe-cli");
    expect(bodies.join()).toContain(traceId);
    collector.close();
  });
});

describe("failures", () => {
  test("3: nothing listens, and that is known at once", async () => {
    const ask = ["ask", "counter", "c1", "total", "--timeout", "60000"];
    for (const args of [ask, ["doctor"], ["worker", actorsFile]]) {
      const startMs = performance.now();
      const ended = await runCli([...args, "--json", "--server", "nats://127.0.0.1:1"], { cwd: folder.path });
      const { code, error } = failure(ended);
      expect([code, error.code]).toEqual([3, "SERVER_UNREACHABLE"]);
      expect(error.message).toContain("nats://127.0.0.1:1");
      // Less than any of them has time for.
      expect(performance.now() - startMs).toBeLessThan(20_000);
    }
  });

  test("2: what is called wrongly says how to call it, and sends nothing", async () => {
    const cases: (readonly [readonly string[], RegExp])[] = [
      [["ask", "counter"], /missing required argument 'id'/],
      [["aks", "counter"], /unknown command 'aks'/],
      [["ask", "counter", "c1", "add", "hello"], /INPUT is not JSON: "hello".*\n.*'"hello"'/],
      [["ask", "counter", "c1", "add", "{a:1}"], /single quotes/],
      [["get", "9counter", "c1"], /"9counter" is not a name/],
      [["watch", "counter..*"], /is not a pattern of keys/],
      [["ps", "--limit", "many"], /whole number/],
      [["ps", "counter", "--partitions"], /PATTERN is about actors/],
      [["worker", actorsFile, "--name", "blue green"], /"blue green" is not a name for a worker/],
      [["worker", actorsFile, "--pool", "gpu"], /none of the actor types belongs to gpu; theirs are: main/],
      [["ps", "--server", "http://x"], /is no server's address/],
    ];
    for (const [args, text] of cases) {
      const { code, out, err } = await troupe(...args);
      expect([code, out], args.join(" ")).toEqual([2, ""]);
      expect(err).toMatch(text);
      expect(err).not.toMatch(/\n\s+at /);
    }
  });

  test("1: what the actor refuses comes with its code and remedy", async () => {
    const cases = [
      [["ask", "counter", "c1", "nope"], "METHOD_UNKNOWN"],
      [["ask", "stranger", "c1", "nope"], "TYPE_UNKNOWN"],
      [["ask", "counter", "c1", "add", "1.5"], "INPUT_INVALID"],
      [["ask", "counter", "c1", "fail", '"oh"'], "HANDLER_FAILED"],
      [["get", "counter", "nobody"], "ACTOR_NOT_FOUND"],
      [["worker", "missing.ts"], "FILE_UNUSABLE"],
    ] as const;
    for (const [args, wanted] of cases) {
      const { code, error } = failure(await troupe(...args, "--json"));
      expect([code, error.code], args.join(" ")).toEqual([1, wanted]);
    }
  });

  test("an app that is not there is said to be missing, and is not made", async () => {
    for (const args of [["get", "counter", "c1"], ["ps"], ["tell", "counter", "c1", "add", "1"], ["dead"]]) {
      const { code, error } = failure(await troupe(...args, "--json", "--app", "elsewhere"));
      expect([code, error.code]).toEqual([1, "APP_NOT_FOUND"]);
      expect(error.message).toMatch(/no app named elsewhere here .*; it has: troupe$/);
    }
    const { code, error } = failure(await troupe("ps", "--json", "--pool", "other"));
    expect([code, error.code]).toEqual([1, "LAYOUT_MISMATCH"]);
    await using inspector = await openInspector({ nats: { servers: server.url }, app: "troupe" });
    expect((await inspector.account()).streams).toBe(4);
    expect((await inspector.app())?.pools).toEqual({ main: 64 });
  });

  test("a password in the address logs in, and does not come out again", async () => {
    const config = 'authorization { user: "ada", password: "s3cret" }';
    await using locked = await startTestServer({ config });
    const at = (login: string) => `nats://${login}@127.0.0.1:${locked.port}`;
    const wrong = await runCli(["doctor", "--server", at("ada:wr0ng")], { cwd: folder.path });
    expect(wrong.code).toBe(3);
    expect(wrong.err).not.toContain("wr0ng");
    const right = await runCli(["spawn", "counter", "c1", "{}", "--server", at("ada:s3cret")], { cwd: folder.path });
    expect([right.code, right.err]).toEqual([0, ""]);
  });
});

test("a worker drains at SIGTERM and ends with code 0", async () => {
  const args = ["worker", actorsFile, "--json", "--app", "other"];
  const other = startCli(args, { cwd: folder.path, env: { NATS_URL: server.url } });
  const serving = JSON.parse(await other.line("out", () => true)) as unknown;
  expect(serving).toMatchObject({
    ...{ event: "serving", name: null, app: "other", pools: ["main"], pid: other.pid, others: [] },
    actors: [{ type: "counter", pool: "main", methods: expect.arrayContaining([{ name: "total", kind: "query" }]) }],
  });
  other.kill("SIGTERM");
  const { code, out } = await other.ended;
  expect([code, out.trimEnd().split("\n").at(-1)]).toEqual([0, '{"event":"drained"}']);
  const { workers, partitions } = (await json("ps", "--app", "other")) as Record<string, unknown>;
  expect([workers, partitions]).toEqual([[], { total: 64, owned: 0, lag: 0, oldestMs: null }]);
  const asked = await troupe("ask", "counter", "c1", "total", "--timeout", "300", "--app", "other", "--json");
  const { code: askCode, error } = failure(asked);
  expect([askCode, error.code]).toEqual([1, "ASK_UNREACHABLE"]);
});
