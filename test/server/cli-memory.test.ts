// `troupe memory` against a real server: what agents remember is listed, shown, found, let go and erased.

import { afterAll, beforeAll, expect, test } from "vitest";
import { openLink } from "../../src/kv/nats-link.ts";
import type { ContextStore } from "../../src/memory/context-store.ts";
import { openContextStore } from "../../src/memory/context-store.ts";
import { natsPorts } from "../../src/runtime/nats-ports.ts";
import { runCli } from "../support/cli.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

let stack: AsyncDisposableStack;
let server: TestServer;
let folder: TempFolder;
let memory: ContextStore;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  server = stack.use(await startTestServer());
  folder = stack.use(await tempFolder());
  const ports = stack.use(
    await natsPorts({ nats: { servers: server.url } })({ app: "troupe", pool: "main", partitionCount: undefined }),
  );
  memory = stack.use(openContextStore(await ports.openMemory()));
  const log = memory.log({ user: "anna" });
  await log.append([
    { text: "I am moving to Oslo in May", speaker: "Anna" },
    { text: "Congratulations! \u001b[31mred", role: "assistant", kind: "observation", pinned: true },
  ]);
  await memory.log({ user: "anna", session: "s1" }).append({ text: "the flight leaves at nine" });
  const facts = memory.facts({ user: "anna" });
  await facts.set("city", "Bergen", { by: "desk" });
  await facts.set("city", "Oslo");
  await memory.log({ agent: { type: "desk", id: "d/1" } }).append({ text: "on duty" });
});
afterAll(() => stack[Symbol.asyncDispose]());

const troupe = (...args: readonly string[]) =>
  runCli(["memory", ...args], { cwd: folder.path, env: { NATS_URL: server.url } });
const json = async (...args: readonly string[]): Promise<unknown> => JSON.parse((await troupe(...args, "--json")).out);

test("scopes are listed with what they hold, also by pattern", async () => {
  expect((await troupe("ls")).out).toMatch(
    /RECORDS +FACTS +SCOPE\n1 +0 +agent\.desk\.d=2F1\n1 +1 +user\.anna\n1 +0 +user\.anna\.session\.s1\n3 scopes/,
  );
  expect(await json("ls", "user.*")).toEqual({ scopes: [{ scope: "user.anna", records: 1, facts: 1 }], total: 1 });
  expect(await json("ls", "user.anna.>")).toMatchObject({ total: 2 });
  expect(await json("ls", "user=ben")).toEqual({ scopes: [], total: 0 });
});

test("a log is shown newest last, and nothing in it steers the terminal", async () => {
  const { out } = await troupe("show", "user=anna");
  expect(out).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}1000 {2}user Anna: I am moving to Oslo in May\n/);
  expect(out).toContain("1001  assistant [observation] [pinned]: Congratulations!  [31mred");
  expect(await json("show", "user.anna", "--last", "1")).toMatchObject({ entries: [{ position: 1_001 }] });
  expect(await json("show", "user.anna", "--since", "2h")).toMatchObject({ entries: [{}, {}] });
  expect(await json("show", "user.anna", "--since", "2100-01-01")).toMatchObject({ entries: [] });
  expect((await troupe("show", "agent=desk/d/1")).out).toContain("on duty");
});

test("what answers a question is found, with the key, the revision and the reason", async () => {
  const { out } = await troupe("recall", "user=anna", "where does Anna move?");
  expect(out).toMatch(
    /^1\. Anna: I am moving to Oslo in May\n {3}.* user\.anna\.log\.00000001@\d+ {2}[\d.]+: .*moving/,
  );
  expect(await json("recall", "user=anna", "flight", "--under", "--k", "1")).toMatchObject({
    hits: [{ document: { scope: "user.anna.session.s1" }, why: { matched: [{ word: "flight" }] } }],
  });
});

test("facts are shown with their history", async () => {
  expect((await troupe("facts", "user=anna")).out).toMatch(/^city {2}"Oslo" {2}\(revision \d+, /);
  expect((await troupe("facts", "user=anna", "city", "--history")).out).toMatch(/^"Bergen" .*by desk\)\n"Oslo" /);
  expect(await json("facts", "user=anna", "none")).toMatchObject({ facts: [] });
});

test("retention says what would go, and does it when told", async () => {
  const scope = { shared: "notes" };
  for (const text of ["one", "two", "three"]) await memory.log(scope).append({ text });
  expect(await json("retention", "shared=notes", "--entries", "1", "--set")).toMatchObject({
    policy: { entriesMax: 1 },
  });
  const { out } = await troupe("retention", "shared.*");
  expect(out).toMatch(/^shared\.notes {2}2 entries \(entries 2\), \d+ B would go; 1 stay\n {2}1000 {2}one\n/);
  expect(await json("retention", "--apply")).toMatchObject({ applied: [{ entries: 2, records: 2 }] });
  expect(await json("show", "shared=notes")).toMatchObject({ entries: [{ text: "three" }] });
  expect((await troupe("retention")).out).toBe("Nothing would go.\n");
});

test("an erasure asks, prints its receipt and is verified", async () => {
  const refused = await troupe("erase", "user=anna");
  expect([refused.code, refused.err]).toEqual([2, expect.stringContaining("Say --yes to do it.")]);
  expect((await troupe("show", "user=anna")).out).toContain("Oslo");
  const { out, code } = await troupe("erase", "user=anna", "--under", "--yes");
  expect(code).toBe(0);
  expect(out).toMatch(/^user\.anna {2}2 entries in 1 record, 1 fact, \d+ B; nothing up to revision \d+ /);
  expect(out).toMatch(/^user\.anna\.session\.s1 {2}1 entry in 1 record, 0 facts/m);
  expect(out).toMatch(/Erased, and verified: \d+ keys scanned, nothing is left\./);
  expect((await troupe("show", "user=anna")).out).toBe("Nothing is logged there.\n");
  expect(await json("erase", "user=anna", "--yes")).toMatchObject({
    receipt: { scope: { user: "anna" }, scopes: [{ entries: 0 }] },
    scan: { kind: "clean" },
  });
});

test("what is no scope is a wrong use, said with the remedy", async () => {
  for (const scope of ["anna", "user", "user=anna,user=ben", "user=anna,x=1", "agent=desk", "user.anna.session"]) {
    const { code, err, out } = await troupe("show", scope);
    expect([scope, code, out]).toEqual([scope, 2, ""]);
    expect(err).toMatch(/^troupe: .*\n.*[A-Z]/);
    expect(err).not.toContain("    at ");
  }
  expect((await troupe("show", "user.anna", "--since", "soon")).code).toBe(2);
});

test("nothing of what was erased is in any message of either stream", async () => {
  await using link = await openLink({ servers: server.url });
  for (const stream of ["KV_troupe_memory", "KV_troupe_facts"]) {
    const ask = async (subject: string, body: object) => {
      const answer = await link.request(subject, new TextEncoder().encode(JSON.stringify(body)), 5_000);
      if (answer.kind !== "reply") throw new Error(answer.kind);
      return JSON.parse(new TextDecoder().decode(answer.message.data)) as {
        state?: { last_seq: number };
        message?: { subject: string; data?: string };
      };
    };
    const { state } = await ask(`$JS.API.STREAM.INFO.${stream}`, {});
    let found = 0;
    for (let seq = 1; seq <= (state?.last_seq ?? 0); seq += 1) {
      const { message } = await ask(`$JS.API.STREAM.MSG.GET.${stream}`, { seq });
      if (message === undefined) continue;
      found += 1;
      expect(Buffer.from(message.data ?? "", "base64").toString()).not.toMatch(/Oslo|Bergen|flight|Congratulations/);
    }
    expect(found).toBeGreaterThan(0);
  }
});
