// Backup and restore with the `nats` command, as deploy/nats/README.md has it: the app's streams into a folder, from there
// into another server, where a worker goes on. Skipped where the command is not installed.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Troupe } from "../../src/index.ts";
import { connect, createWorker, defineActor, defineState, handler, query, silentLogger } from "../../src/index.ts";
import { committedState } from "../contract/runtime-support.ts";
import { startSingleServer } from "../support/nats-cluster.ts";
import { findNatsCommand, runNats } from "../support/nats-command.ts";
import { tempFolder } from "../support/temp-folder.ts";

const nats = (await findNatsCommand()) ?? "";

const Audit = defineActor(
  "audit",
  { state: z.object({ lines: z.array(z.string()) }), initial: { lines: [] } },
  {
    note: handler(z.string(), (ctx, line) => {
      ctx.state.lines.push(line);
    }),
    all: query((ctx) => [...ctx.state.lines]),
  },
);

const Tally = defineActor(
  "tally",
  { state: z.object({ seen: z.array(z.number()) }), initial: { seen: [] }, memory: { log: false } },
  {
    see: handler(z.number(), (ctx, n) => {
      ctx.state.seen.push(n);
    }),
    report: handler(z.number(), (ctx, n) => {
      ctx.state.seen.push(n);
      ctx.actor(Audit, "main").tell.note(`${ctx.self.id} ${n}`);
      ctx.memory.append({ text: `reported ${n}` });
      ctx.memory.mergeFact("reports", 1, "sum");
    }),
    all: query((ctx) => [...ctx.state.seen]),
  },
);

const Plan = defineState("plan", { schema: z.object({ goal: z.string() }) });

/** The order that the README gives: where each partition is, what was applied, what waits, then what is remembered. */
const streams = [
  ...(["KV_troupe_cluster", "KV_troupe_state", "troupe_mail", "troupe_dead"] as const),
  ...(["KV_troupe_memory", "KV_troupe_facts", "KV_troupe_central"] as const),
];
const readme = new URL("../../deploy/nats/README.md", import.meta.url);
const ids = Array.from({ length: 8 }, (_, at) => `t${at}`);
const work = { actors: [Tally, Audit], logger: silentLogger };

/** Those that the app has: what remembers is made by the first that uses it. */
async function streamsOn(server: string): Promise<readonly string[]> {
  const { out } = await runNats(nats, server, ["stream", "ls", "--names"]);
  const there = out.split("\n").filter((name) => name !== "");
  expect(there.filter((name) => !streams.some((known) => known === name))).toEqual([]);
  return streams.filter((stream) => there.includes(stream));
}

async function backUp(server: string, folder: string): Promise<void> {
  for (const stream of await streamsOn(server)) {
    const { code, err } = await runNats(nats, server, [
      "backup",
      "stream",
      stream,
      join(folder, stream),
      "--no-progress",
    ]);
    expect([stream, code, code === 0 ? "" : err]).toEqual([stream, 0, ""]);
  }
}

async function restore(server: string, folder: string): Promise<void> {
  for (const stream of await readdir(folder)) {
    const args = ["backup", "restore", "stream", join(folder, stream), "--no-progress"];
    const { code, err } = await runNats(nats, server, args);
    expect([stream, code, code === 0 ? "" : err]).toEqual([stream, 0, ""]);
  }
}

/** What each actor has seen, once each has seen as much; the test's own deadline ends it otherwise. */
async function seenBy(troupe: Troupe, least: (id: string) => number): Promise<readonly (readonly number[])[]> {
  for (;;) {
    const all = await Promise.all(ids.map((id) => troupe.actor(Tally, id).ask.all(undefined, { timeoutMs: 20_000 })));
    if (all.every((seen, at) => seen.length >= least(ids[at] ?? ""))) return all;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("the README takes the streams in this order, and gives all of them back", async () => {
  const loops = [...(await readFile(readme, "utf8")).matchAll(/^for stream in (.*); do$/gm)];
  expect(loops.map(([, names]) => names)).toEqual([streams.join(" "), streams.join(" ")]);
});

describe.skipIf(nats === "")("with the nats command (skipped where there is none)", () => {
  test("with the workers drained a backup is exact: what waits is handled after the restore, nothing twice", async () => {
    await using folder = await tempFolder();
    await using before = await startSingleServer();
    const worker = await createWorker({ servers: before.url, ...work });
    await using client = await connect({ servers: before.url });
    for (let n = 0; n < 10; n += 1) await Promise.all(ids.map((id) => client.actor(Tally, id).tell.report(n)));
    await seenBy(client, () => 10);
    await worker.drain();
    // Clients may go on telling: it waits in the mail.
    for (const id of ids) await client.actor(Tally, id).tell.report(10);
    await (await client.states()).of(Plan).create("p1", { goal: "to be restored" });
    await backUp(before.url, folder.path);
    expect((await readdir(folder.path)).toSorted()).toEqual(streams.toSorted());

    await using after = await startSingleServer();
    await restore(after.url, folder.path);
    await using again = await createWorker({ servers: after.url, ...work });
    await using there = await connect({ servers: after.url });
    for (const id of ids) await there.actor(Tally, id).tell.report(11);
    expect(await seenBy(there, () => 12)).toEqual(ids.map(() => Array.from({ length: 12 }, (_, n) => n)));
    const wanted = ids.flatMap((id) => Array.from({ length: 12 }, (_, n) => `${id} ${n}`)).sort();
    const audit = there.actor(Audit, "main");
    // Not by a query: that may be one commit behind whoever watches.
    const { lines } = await committedState(audit, (state) => state.lines.length >= wanted.length);
    expect([...lines].sort()).toEqual(wanted);
    await again.drain();
    const memory = await there.memory();
    for (const id of ids) {
      const scope = { agent: { type: "tally", id } };
      const texts = (await memory.log(scope).read().toArray()).map(({ text }) => text);
      expect(texts).toEqual(Array.from({ length: 12 }, (_, n) => `reported ${n}`));
      expect((await memory.facts(scope).get("reports"))?.value).toBe(12);
    }
    expect((await (await there.states()).of(Plan).get("p1"))?.data).toEqual({ goal: "to be restored" });
  });

  test("under load, in the right order, nothing is lost that was acknowledged before, and what comes after counts", async () => {
    await using folder = await tempFolder();
    await using before = await startSingleServer();
    await using _first = await createWorker({ servers: before.url, ...work });
    await using client = await connect({ servers: before.url });
    const told = new Map(ids.map((id) => [id, 0]));
    let isOver = false;
    const telling = ids.map(async (id) => {
      for (let n = 0; !isOver; n += 1) {
        await client.actor(Tally, id).tell.see(n);
        told.set(id, n + 1);
      }
    });
    await seenBy(client, () => 20);
    const acknowledged = new Map(told);
    await backUp(before.url, folder.path);
    isOver = true;
    await Promise.all(telling);

    await using after = await startSingleServer();
    await restore(after.url, folder.path);
    await using _second = await createWorker({ servers: after.url, ...work });
    await using there = await connect({ servers: after.url });
    // A new message must not be taken for one that was applied: a state that is newer than the mail would do that.
    for (const id of ids) await there.actor(Tally, id).tell.see(-1);
    const all = await seenBy(there, (id) => (acknowledged.get(id) ?? 0) + 1);
    for (const [at, seen] of all.entries()) {
      const old = seen.filter((n) => n >= 0);
      expect(old).toEqual(old.map((_, n) => n));
      expect(old.length).toBeGreaterThanOrEqual(acknowledged.get(ids[at] ?? "") ?? 0);
    }
    for (;;) {
      const last = (await seenBy(there, () => 1)).map((seen) => seen.at(-1));
      if (last.every((n) => n === -1)) break;
    }
  });
});
