// `troupe migrate` against a real server: what it tells, what it writes, and its exit codes.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { Troupe, Worker } from "../../src/index.ts";
import { connect, createWorker, defineActor, handler, silentLogger } from "../../src/index.ts";
import { runCli } from "../support/cli.ts";
import type { TestServer } from "../support/nats-server.ts";
import { startTestServer } from "../support/nats-server.ts";
import type { TempFolder } from "../support/temp-folder.ts";
import { tempFolder } from "../support/temp-folder.ts";

const meters = 600;
/** As it was at first. */
const Meter = defineActor(
  "meter",
  { state: z.object({ count: z.number() }), initial: { count: 0 } },
  {
    add: handler(z.number(), (ctx, n) => {
      ctx.state.count += n;
    }),
  },
);
const Other = defineActor(
  "other",
  { state: z.object({ n: z.number() }), initial: { n: 0 } },
  {
    go: handler((ctx) => {
      ctx.state.n += 1;
    }),
  },
);

let server: TestServer;
let folder: TempFolder;
let worker: Worker;
let client: Troupe;
let file: string;

beforeAll(async () => {
  folder = await tempFolder();
  server = await startTestServer();
  worker = await createWorker({ servers: server.url, actors: [Meter, Other], logger: silentLogger });
  client = await connect({ servers: server.url });
  await Promise.all(Array.from({ length: meters }, (_, at) => client.actor(Meter, `m${at}`).ask.add(at + 1)));
  await client.actor(Other, "o").ask.go();
  await worker.drain();
  file = await writeMeter(folder.path);
});

afterAll(async () => {
  await client.close();
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** What the meter is today. */
async function writeMeter(path: string): Promise<string> {
  const [zod, troupe] = [import.meta.resolve("zod"), new URL("../../src/index.ts", import.meta.url).href];
  const written = join(path, "meter.ts");
  await writeFile(
    written,
    `import { z } from "${zod}";
import { defineActor, query } from "${troupe}";

export const Meter = defineActor(
  "meter",
  {
    state: z.object({ sum: z.number(), unit: z.string() }),
    initial: { sum: 0, unit: "" },
    schema: 3,
    upcasters: {
      1: ({ count }: { count: number }) => ({ sum: count }),
      2: (state: { sum: number }) => ({ ...state, unit: "W" }),
    },
  },
  { total: query((ctx) => ctx.state.sum) },
);
`,
  );
  return written;
}

const troupe = (...args: readonly string[]) => runCli(args, { cwd: folder.path, env: { NATS_URL: server.url } });

async function json(code: number, ...args: readonly string[]): Promise<unknown> {
  const ended = await troupe(...args, "--json");
  expect([ended.code, ended.err], ended.out).toEqual([code, ""]);
  return JSON.parse(ended.out);
}

test("a check counts what is stored and what would be led on, writes nothing, and ends with 0 when all can be read", async () => {
  const { state } = client.ports;
  const before = (await state.get("meter.m1"))?.revision;
  const { code, out } = await troupe("migrate", "--check", file);
  expect(code).toBe(0);
  expect(out).toMatch(/^meter {2}3 {7}600 {5}600 {8}0 {7}schema 1: 600$/m);
  expect(out).toContain("Not in this file: other (1)");
  expect(out).toContain("600 states would be led to today's schema; nothing was written. All states can be read.");
  expect((await state.get("meter.m1"))?.revision).toBe(before);
  expect(await json(0, "get", "meter", "m1")).toMatchObject({ state: { count: 2 }, schema: 1 });
  expect(await json(0, "get", "meter", "m1", "--actors", file)).toMatchObject({
    ...{ state: { sum: 2, unit: "W" }, schema: 1 },
  });
});

test("while a worker with older code runs nothing is written, and a check may be run", async () => {
  await using old = await createWorker({ servers: server.url, actors: [Meter, Other], logger: silentLogger });
  const { code, err } = await troupe("migrate", file);
  expect([code, err]).toEqual([
    1,
    expect.stringContaining(`worker ${old.id} knows meter up to schema 1, this file has 3`),
  ]);
  expect(err).toContain("WORKER_TOO_OLD");
  expect(await json(0, "migrate", "--check", file)).toMatchObject({ types: [{ stored: { 1: 600 }, upcast: 600 }] });
});

test("a state that cannot be read is named with the reason, and the exit code is 1; all others are migrated", async () => {
  const { state } = client.ports;
  await state.put("meter.bad", Buffer.from('{"state":{"count":"many"},"schema":1,"commit":"c"}'));
  await state.put("meter.newer", Buffer.from('{"state":{},"schema":4,"commit":"c"}'));
  const checked = await troupe("migrate", "--check", file);
  expect(checked.code).toBe(1);
  expect(checked.out).toMatch(
    /^STATE_INVALID meter\.bad: the state of meter\.bad, led from schema 1 to 3, is not .*sum/m,
  );
  expect(checked.out).toMatch(/^STATE_TOO_NEW meter\.newer: /m);
  expect(checked.out).toContain("2 states cannot be read.");
  expect(await json(1, "migrate", file)).toMatchObject({
    ...{ check: false, isComplete: true, failed: 2, unknown: { other: 1 } },
    types: [{ type: "meter", schema: 3, actors: 602, stored: { 1: 601, 4: 1 }, upcast: 600, failed: 2 }],
    failures: [
      { key: "meter.bad", code: "STATE_INVALID" },
      { key: "meter.newer", code: "STATE_TOO_NEW" },
    ],
  });
  await state.delete("meter.bad");
  await state.delete("meter.newer");
  expect(await json(0, "migrate", file)).toMatchObject({ types: [{ stored: { 3: 600 }, upcast: 0 }], failed: 0 });
  expect(await json(0, "get", "meter", "m1")).toMatchObject({ state: { sum: 2, unit: "W" }, schema: 3 });
});

test("spawn writes the definition's number, or the one that is given", async () => {
  await json(0, "spawn", "meter", "s1", "--actors", file);
  expect(await json(0, "get", "meter", "s1")).toMatchObject({ state: { sum: 0, unit: "" }, schema: 3 });
  await json(0, "spawn", "meter", "s2", '{"sum":7}', "--schema", "2");
  expect(await json(0, "get", "meter", "s2", "--actors", file)).toMatchObject({
    state: { sum: 7, unit: "W" },
    schema: 2,
  });
});

test("a file that leaves an upcaster out is refused, and says which", async () => {
  const gap = join(folder.path, "gap.ts");
  const [zod, library] = [import.meta.resolve("zod"), new URL("../../src/index.ts", import.meta.url).href];
  await writeFile(
    gap,
    `import { z } from "${zod}";
import { defineActor } from "${library}";
export const Meter = defineActor("meter", { state: z.object({}), initial: {}, schema: 3, upcasters: { 1: () => ({}) } }, {});
`,
  );
  const { code, err } = await troupe("migrate", "--check", gap);
  expect([code, err]).toEqual([1, expect.stringContaining("upcaster 2 is missing")]);
});
