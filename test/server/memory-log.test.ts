// A log on the real server: appended to by four processes at once, over a server that is killed, and weighed.

import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { callApi } from "../../src/kv/nats-api.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import { ContextLog } from "../../src/memory/context-log.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";
import { startTestServer } from "../support/nats-server.ts";
import { runScript } from "../support/script-run.ts";

interface Told {
  readonly id: string;
  readonly position: number;
  readonly isDuplicate: boolean;
}

const appender = join(import.meta.dirname, "..", "support", "log-appender.ts");

async function openOn(url: string, app: string) {
  const opened = new AsyncDisposableStack();
  const link = await openLink({ servers: url });
  opened.defer(() => link.close());
  const entries = opened.use(await openNatsStore({ link, bucket: `${app}_memory` }));
  const facts = opened.use(await openNatsStore({ link, bucket: `${app}_facts`, history: 16 }));
  const stores = { entries, facts, clock: systemClock, codecs: new ValueCodecs() };
  return { stores, link, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

test("L1, L2: 25 appenders in each of 4 processes at once: nothing is lost, nothing is twice, numbers have no gap", async () => {
  await using server = await startTestServer();
  await using opened = await openOn(server.url, "t");
  const [appenders, count] = [25, 12];
  await using stack = new AsyncDisposableStack();
  const runs = ["a", "b", "c", "d"].map((name) =>
    stack.use(runScript(appender, {}, [server.url, "t", name, String(appenders), String(count)])),
  );
  for (const run of runs) expect(await run.next()).toBe("ready");
  for (const run of runs) run.child.stdin?.write("go\n");
  const told = (await Promise.all(runs.map((run) => run.next()))) as Told[][];
  const log = new ContextLog({ stores: opened.stores, scope: { session: "hot" } });
  const entries = await log.read().toArray();
  const positions = new Map(entries.map(({ id, position }) => [id, position]));
  expect(positions.size).toBe(entries.length);
  for (const { id, position } of told.flat()) expect(position, id).toBe(positions.get(id));
  // Of each entry that is everybody's one process was the first.
  const written = told.flat().filter(({ isDuplicate }) => !isDuplicate);
  expect(written.map(({ id }) => id).toSorted()).toEqual([...positions.keys()].toSorted());
  expect(entries).toHaveLength(appenders * (4 * 9 + 3));
  const records = (await opened.stores.entries.list("session.hot.log.*")).map((key) => Number(key.split(".").at(-1)));
  expect(records).toEqual(records.map((_, at) => at + 1));
  // Each appender's own entries stand in the order in which it said them.
  for (const mine of told) {
    const own = Map.groupBy(
      mine.filter(({ id }) => !id.startsWith("shared")),
      ({ id }) => id.split("-")[1],
    );
    for (const said of own.values()) {
      const places = said.map(({ position }) => position);
      expect(places).toEqual(places.toSorted((x, y) => x - y));
    }
  }
});

test("L2: a server that is killed in the middle of appends: what was answered stands, and is known when repeated", async () => {
  await using server = await startTestServer();
  await using opened = await openOn(server.url, "t");
  const log = new ContextLog({ stores: opened.stores, scope: { session: "hot" } });
  await log.append({ text: "first", id: "first" });
  const append = async (id: string) => {
    for (;;) {
      try {
        return (await log.append({ text: id, id })).entries[0];
      } catch (thrown) {
        expect((thrown as { retry: string }).retry, String(thrown)).toBe("later");
        await opened.stores.entries.get("settled").catch(() => undefined);
      }
    }
  };
  const appending = Promise.all(
    Array.from({ length: 20 }, async (_, at) => {
      for (let n = 0; n < 20; n += 1) await append(`${at}-${n}`);
    }),
  );
  for (let kills = 0; kills < 3; kills += 1) {
    await append(`between-${kills}`);
    await server.kill9();
    await server.restart();
  }
  await appending;
  const ids = (await log.read().toArray()).map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toHaveLength(1 + 3 + 400);
});

test("1,000 turns of 300 bytes take at most 1.6 times their bytes, as the server counts them", async () => {
  await using server = await startTestServer();
  await using opened = await openOn(server.url, "t");
  const log = new ContextLog({ stores: opened.stores, scope: { user: "anna", session: "s1" } });
  const text = "What a customer says is about as long as this. ".repeat(7).slice(0, 300);
  for (let n = 0; n < 1_000; n += 1) await log.append({ text, role: n % 2 === 0 ? "user" : "assistant" });
  const info = await callApi<{ state: { bytes: number; messages: number } }>(
    opened.link,
    "STREAM.INFO.KV_t_memory",
    undefined,
  );
  // And the head, since the scope lies under another one (H4).
  expect(info).toMatchObject({ kind: "ok", value: { state: { messages: 1_001 } } });
  const bytes = info.kind === "ok" ? info.value.state.bytes : Number.NaN;
  expect(bytes / (1_000 * 300)).toBeLessThanOrEqual(1.6);
});
