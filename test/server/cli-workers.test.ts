// Several workers from the command line: they share partitions, serve pools, and one of them drains without a failed ask.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { EventStream } from "../../src/core/events.ts";
import { createWorker, defineActor, handler, silentLogger } from "../../src/index.ts";
import { TroupeClient } from "../../src/runtime/client.ts";
import type { Directory } from "../../src/runtime/directory.ts";
import { natsPorts } from "../../src/runtime/nats-ports.ts";
import { workerKey } from "../../src/runtime/subjects.ts";
import type { Ended, Running } from "../support/cli.ts";
import { runCli, startCli } from "../support/cli.ts";
import type { TestServer } from "../support/nats-server.ts";
import { startTestServer } from "../support/nats-server.ts";
import { waitUntilStopped } from "../support/stopped-process.ts";
import type { TempFolder } from "../support/temp-folder.ts";
import { tempFolder } from "../support/temp-folder.ts";

let server: TestServer;
let folder: TempFolder;
let actorsFile: string;
const running: Running[] = [];
/** A dozen commands one after the other: each takes five seconds where many processes start at once. */
const testMsMax = 240_000;
vi.setConfig({ testTimeout: testMsMax });

beforeAll(async () => {
  folder = await tempFolder();
  server = await startTestServer();
  actorsFile = await writePooledActors(folder.path);
});

afterAll(async () => {
  for (const each of running) each.kill("SIGKILL");
  await Promise.all(running.map((each) => each.ended));
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Counters, which belong to the pool of all that say nothing, and renderers of the pool `gpu`. */
async function writePooledActors(path: string): Promise<string> {
  const [zod, troupe] = [import.meta.resolve("zod"), new URL("../../src/index.ts", import.meta.url).href];
  const file = join(path, "pooled.ts");
  const text = `import { z } from "${zod}";
import { defineActor, handler, query } from "${troupe}";

const options = { state: z.object({ count: z.number() }), initial: { count: 0 }, retry: { attempts: 1 } };
const methods = {
  add: handler(z.number(), (ctx, n) => { ctx.state.count += n; return ctx.state.count; }),
  fail: handler(z.string(), (_ctx, why) => { throw new RangeError(why); }),
  total: query((ctx) => ctx.state.count),
};
export const Counter = defineActor("counter", options, methods);
export const Render = defineActor("render", { ...options, pool: "gpu" }, methods);
`;
  await writeFile(file, text);
  return file;
}

interface Serving {
  readonly worker: string;
  readonly name: string | null;
  readonly pools: readonly string[];
  readonly actors: readonly { readonly type: string; readonly pool: string }[];
  readonly others: readonly { readonly type: string; readonly pool: string }[];
}

const at = () => ({ cwd: folder.path, env: { NATS_URL: server.url } });
const troupe = (...args: readonly string[]) => runCli(args, at());

async function startWorker(...args: readonly string[]): Promise<Running & { readonly serving: Serving }> {
  const worker = startCli(["worker", actorsFile, "--json", ...args], { ...at(), runMsMax: testMsMax });
  running.push(worker);
  return { ...worker, serving: JSON.parse(await worker.line("out", (line) => line.includes('"serving"'))) as Serving };
}

async function json<Value>(...args: readonly string[]): Promise<Value> {
  const { code, out, err } = await troupe(...args, "--json");
  expect([code, err], `${args.join(" ")}\n${out}`).toEqual([0, ""]);
  return JSON.parse(out) as Value;
}

function failure({ code, out, err }: Ended) {
  expect(out).toBe("");
  const { error } = JSON.parse(err) as { error: { code: string; message: string; remedy: string } };
  return { exit: code, ...error };
}

async function openClient(app: string): Promise<TroupeClient> {
  const ports = await natsPorts({ nats: { servers: server.url } })({ app, pool: "main", partitionCount: undefined });
  return new TroupeClient(app, ports, new EventStream());
}

/** Resolves when the partitions' owners are as `wanted` says. */
function untilOwners(directory: Directory, wanted: (owners: readonly string[]) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      const owners = Array.from({ length: directory.partitionCount }, (_, p) => directory.recordOf(p).owner);
      if (!wanted(owners)) return;
      stop();
      resolve();
    };
    const stop = directory.onChange(look);
    look();
  });
}

const countOf = (owners: readonly string[], worker: string) => owners.filter((owner) => owner === worker).length;

test("two workers share the partitions; one that is drained by its name hands over without a failed ask", async () => {
  const app = ["--app", "share"];
  const blue = await startWorker("--name", "blue", "--pool", "main", ...app);
  const green = await startWorker("--name", "green", "--pool", "main", ...app);
  expect(blue.serving).toMatchObject({ name: "blue", pools: ["main"], others: [{ type: "render", pool: "gpu" }] });
  await using client = await openClient("share");
  const directory = await client.routes.openDirectory("main");
  await untilOwners(directory, (owners) => [blue, green].every((each) => countOf(owners, each.serving.worker) === 32));

  const { workers, partitions } = await json<{ workers: unknown; partitions: { list: unknown[] } }>(
    ...["ps", "--partitions", ...app],
  );
  expect(workers).toMatchObject([
    { name: "blue", worker: blue.serving.worker, pid: blue.pid, pools: ["main"], partitions: 32, isDraining: false },
    { name: "green", worker: green.serving.worker, pid: green.pid, pools: ["main"], partitions: 32, isDraining: false },
  ]);
  expect(partitions).toMatchObject({ total: 64, owned: 64, lag: 0, oldestMs: null });
  expect(partitions.list).toHaveLength(64);

  let isDrained = false;
  let asks = 0;
  const ids = Array.from({ length: 40 }, (_, n) => `c${n}`);
  const asking = (async () => {
    while (!isDrained) {
      await Promise.all(ids.map((id) => client.untyped("counter", id).ask("add", 1)));
      asks += ids.length;
    }
  })();
  const drained = await json("drain", "green", ...app);
  isDrained = true;
  await asking;
  expect(drained).toEqual({
    ...{ worker: green.serving.worker, name: "green", pools: ["main"], poolsLeft: [], outcome: "drained" },
    ...{ partitionsLeft: 0, durationMs: expect.any(Number) },
  });
  const { code, out } = await green.ended;
  expect([code, out.trimEnd().split("\n").at(-1)]).toEqual([0, '{"event":"drained"}']);
  const totals = await Promise.all(ids.map((id) => client.untyped("counter", id).ask("total")));
  expect(totals.reduce<number>((sum, total) => sum + Number(total), 0)).toBe(asks);
  await untilOwners(directory, (owners) => countOf(owners, blue.serving.worker) === 64);
  expect((await troupe("ps", ...app)).out).toMatch(/^NAME.*\nblue +\w+ +main +serves +64 .*\n\n/);
});

test("a pool is served by its workers alone; without one ps and doctor say what waits, and dead letters go back there", async () => {
  const app = ["--app", "pools"];
  const main = await startWorker("--pool", "main", ...app);
  const gpu = await startWorker("--name", "gpu-1", "--pool", "gpu", ...app);
  expect(gpu.serving).toMatchObject({ pools: ["gpu"], actors: [{ type: "render" }], others: [{ type: "counter" }] });
  expect(await json("ask", "render", "r1", "add", "5", ...app)).toBe(5);
  expect(await json("ps", "--pool", "gpu", ...app)).toMatchObject({
    workers: [{ name: "gpu-1", partitions: 64 }],
    partitions: { total: 64, owned: 64 },
    actors: [{ id: "r1", pool: "gpu", worker: gpu.serving.worker }],
  });
  const buried = gpu.line("err", (line) => line.includes("dead lettered"));
  await json("tell", "render", "r2", "fail", '"no paper"', ...app);
  await buried;

  const drained = await json<object>("drain", gpu.serving.worker.slice(0, 12), ...app).catch(
    (thrown: unknown) => thrown,
  );
  // It also says, on standard error, that nobody else serves the pool: with --json in the result alone.
  expect(drained).toMatchObject({ poolsLeft: ["gpu"], outcome: "drained" });
  expect((await gpu.ended).code).toBe(0);
  await json("tell", "render", "r1", "add", "2", ...app);
  const asked = failure(await troupe("ask", "render", "r1", "total", "--timeout", "300", "--json", ...app));
  expect(asked).toMatchObject({ exit: 1, code: "ASK_UNREACHABLE", message: expect.stringContaining("the pool gpu") });
  const seen = await json<{ findings: { text: string; remedy: string }[]; partitions: object }>("ps", ...app);
  const text = /^No worker serves the pool gpu \(render\): .* 1 message waits there, the oldest for /;
  expect(seen.findings).toMatchObject([
    { text: expect.stringMatching(text), remedy: expect.stringContaining("troupe worker FILE --pool gpu") },
  ]);
  expect(seen.partitions).toMatchObject({ total: 128, owned: 64, lag: 1, oldestMs: expect.any(Number) });
  const { findings } = await json<{ findings: unknown[] }>("doctor", ...app);
  expect(findings).toContainEqual(expect.objectContaining({ level: "warning", text: expect.stringMatching(text) }));

  const next = await startWorker("--pool", "gpu", ...app);
  // Not by an ask, which may overtake what was told.
  const committed = () => json("get", "render", "r1", ...app);
  await expect.poll(committed, { timeout: 60_000 }).toMatchObject({ state: { count: 7 } });
  const again = next.line("err", (line) => line.includes("dead lettered") && line.includes("r2"));
  await json("dead", "replay", "1", ...app);
  await again;
  expect(main.serving.others).toEqual([{ type: "render", pool: "gpu" }]);
});

test("a worker that cannot be drained is said to be missing, ambiguous, silent or busy", async () => {
  const app = ["--app", "errors"];
  const drain = async (...args: readonly string[]) => failure(await troupe("drain", ...args, "--json", ...app));
  const hang = { hasBegun: Promise.withResolvers<void>(), isOver: Promise.withResolvers<void>() };
  // It drains for as long as its turn hangs: commands take their time.
  await using one = await createWorker({
    ...{ servers: server.url, app: "errors", name: "twin", logger: silentLogger },
    ...{ actors: [counterThatHangs(hang)], drainMsMax: testMsMax },
  });
  using _end = { [Symbol.dispose]: () => hang.isOver.resolve() };
  const missing = await drain("nobody");
  expect(missing).toMatchObject({ exit: 1, code: "WORKER_NOT_FOUND" });
  expect(missing.message).toContain(`${one.id} (twin, process ${process.pid})`);
  const two = await startWorker("--name", "twin", "--pool", "main", ...app);
  const twins = await drain("twin");
  expect(twins).toMatchObject({ exit: 1, code: "WORKER_AMBIGUOUS" });
  for (const id of [one.id, two.serving.worker]) expect(twins.message).toContain(id);

  await using client = await openClient("errors");
  await freeze(client, two);
  expect(await drain(two.serving.worker, "--timeout", "400")).toMatchObject({ exit: 1, code: "WORKER_UNREACHABLE" });
  two.kill("SIGKILL");
  await two.ended;
  // The other one finds that it is gone: then the name is one worker's alone.
  const directory = await client.routes.openDirectory("main");
  await untilOwners(directory, (owners) => countOf(owners, one.id) === 64);

  const asked = client.untyped("counter", "c1").ask("hang", undefined, { timeoutMs: testMsMax });
  await Promise.race([hang.hasBegun.promise, asked]);
  expect(await drain("twin", "--timeout", "5000")).toMatchObject({ exit: 1, code: "DRAIN_UNFINISHED" });
  const told = await json("drain", "twin", "--no-wait", ...app);
  expect(told).toMatchObject({ outcome: "draining", poolsLeft: ["main"] });
  await untilOwners(directory, (owners) => countOf(owners, one.id) === 1);
  const { out } = await troupe("ps", ...app);
  expect(out).toMatch(/note: The worker twin drains: 1 partition left\.\n +It ends by itself/);
  expect(out).toMatch(/warning: All workers of the pool main drain/);
  hang.isOver.resolve();
  await asked;
});

interface Hang {
  readonly hasBegun: PromiseWithResolvers<void>;
  readonly isOver: PromiseWithResolvers<void>;
}

/** The counter, with a turn that tells that it has begun, and ends when it is told to. */
const counterThatHangs = ({ hasBegun, isOver }: Hang) =>
  defineActor(
    "counter",
    { state: z.object({ count: z.number() }), initial: { count: 0 } },
    {
      hang: handler(
        async () => {
          hasBegun.resolve();
          await isOver.promise;
        },
        { timeoutMs: testMsMax },
      ),
    },
  );

/** Stops its process, and keeps its lease as it stands: a command may take longer to start than a lease lasts. */
async function freeze({ ports: { cluster } }: TroupeClient, worker: Running & { readonly serving: Serving }) {
  worker.kill("SIGSTOP");
  waitUntilStopped(worker);
  const key = workerKey(worker.serving.worker);
  const lease = await cluster.get(key);
  await cluster.put(key, lease?.value ?? new Uint8Array(0));
}
