// Actors whose values are as large as a value may be, with as long a past as is kept: they are shown, and nobody else waits for them.

import { afterAll, beforeAll, expect, test } from "vitest";
import { keyOf } from "../../src/core/ids.ts";
import type {
  ActorScopesView,
  ActorView,
  HistoryView,
  MailboxView,
  StoredValue,
} from "../../src/monitoring/dashboard/api/actors.ts";
import type { TroupeClient } from "../../src/runtime/client.ts";
import { connect } from "../../src/runtime/client.ts";
import type { OpenedDashboard } from "../support/dashboard-ground.ts";
import { openTestDashboard } from "../support/dashboard-ground.ts";
import type { TestServer } from "../support/nats-server.ts";
import { startTestServer } from "../support/nats-server.ts";

const kept = 64;
const attemptsMax = 12;
let server: TestServer;
let dashboard: OpenedDashboard;
let troupe: TroupeClient;

beforeAll(async () => {
  server = await startTestServer();
  troupe = (await connect({ app: "desk", servers: server.url, history: kept, partitions: 8 })) as TroupeClient;
  dashboard = await openTestDashboard(server.url);
});

afterAll(async () => {
  await dashboard?.close();
  await troupe?.close();
  await server?.[Symbol.asyncDispose]();
});

/** Rows of a basket, of some `bytes` in all: many small members, which are what takes long to parse and to compare. */
function basketOf(bytes: number, round: number): object {
  const rows = Array.from({ length: Math.floor(bytes / 84) }, (_, nth) => {
    return { id: nth, name: `item ${nth}`, price: nth * round, tags: ["a", "b"], isHere: true };
  });
  return { round, rows };
}

async function write(id: string, state: object, more = ""): Promise<{ revision: number; text: string }> {
  const text = `{"state":${JSON.stringify(state)}${more},"sent":1,"schema":3,"epoch":7,"commit":"c-1","trace":"${"a".repeat(32)}"}`;
  return { revision: await troupe.ports.state.put(keyOf({ type: "basket", id }), Buffer.from(text)), text };
}

test("a large state does not come along and all else does; it is there to be fetched, each value that is kept as it is stored", async () => {
  const outbox = `,"outbox":[{"n":1,"to":"basket.b","method":"add","input":1}]`;
  const small = await write("grows", { round: 0 });
  const large = await write("grows", basketOf(900_000, 1), outbox);
  const again = await write("grows", { round: 2 });
  const path = "/api/actors/basket/grows";
  const { revisions } = await dashboard.get<HistoryView>(`${path}/history`);
  expect(revisions.map(({ revision, isLarge, epoch, trace }) => [revision, isLarge, epoch, trace])).toEqual(
    [small, large, again].map(({ revision }) => [revision, revision === large.revision, 7, "a".repeat(32)]),
  );
  // A small one after a large one is new as a whole: what it was compared with is not at hand.
  expect(revisions.map(({ state, patch }) => [state, patch.map(({ path: at }) => at)])).toEqual([
    [{ round: 0 }, [""]],
    [null, []],
    [{ round: 2 }, [""]],
  ]);
  const stored = await dashboard.get<StoredValue>(`${path}/value?revision=${large.revision}`);
  expect(JSON.stringify(stored)).toBe(JSON.stringify(JSON.parse(large.text)));
  expect((await dashboard.get<StoredValue>(`${path}/value`)).state).toEqual({ round: 2 });
  await expect(dashboard.get(`${path}/value?revision=${again.revision + 100}`)).rejects.toThrow("404");
  await expect(dashboard.get("/api/actors/basket/nobody/value")).rejects.toThrow("404");

  const { text } = await write("grows", basketOf(900_000, 3), outbox);
  const view = await dashboard.get<ActorView>(path);
  expect(view).toMatchObject({ state: null, isLarge: true, schema: 3, epoch: 7, pendingSends: 1, bytes: text.length });
  expect((await dashboard.get<MailboxView>(`${path}/mailbox`)).waiting).toBe(0);
  expect((await dashboard.get<ActorScopesView>(`${path}/scopes`)).scopes).toEqual([]);
});

test("H1: while the longest past of the largest values is read, nobody waits longer than it takes to parse ten of them", async () => {
  let sample = "";
  for (let round = 0; round < kept; round += 1) sample = (await write("large", basketOf(900_000, round))).text;
  for (let round = 0; round < kept; round += 1) await write("middling", basketOf(50_000, round));
  expect(sample.length).toBeGreaterThan(800_000);
  for (const path of ["large/history", "large/scopes", "large", "large/mailbox", "middling/history"]) {
    // The least of some attempts is what the work itself takes: now and then, or often, memory is tidied up meanwhile.
    const longestMs: number[] = [];
    const boundMs = 10 * Math.min(...[1, 2, 3].map(() => parseMs(sample)));
    for (let nth = 0; nth < attemptsMax && Math.min(...longestMs) >= boundMs; nth += 1) {
      const watch = watchForBlocks();
      const answer = await fetch(`${dashboard.url}/api/actors/basket/${path}`);
      await answer.bytes();
      longestMs.push(watch.longestMs());
      expect(answer.status, path).toBe(200);
    }
    expect(Math.min(...longestMs), `${path}: ${longestMs.map(Math.round)} ms`).toBeLessThan(boundMs);
  }
}, 240_000);

/** What this thread has worked, whatever else the machine does. Unit: ms. */
function workedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function parseMs(text: string): number {
  const beganMs = workedMs();
  JSON.parse(text);
  return workedMs() - beganMs;
}

/** The dashboard is in this process: the most that was worked in one go, in which nothing else had its turn. */
function watchForBlocks(): { longestMs(): number } {
  let longestMs = 0;
  let beforeMs = workedMs();
  let isOver = false;
  const look = () => {
    const nowMs = workedMs();
    longestMs = Math.max(longestMs, nowMs - beforeMs);
    beforeMs = nowMs;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  return {
    longestMs: () => {
      isOver = true;
      return longestMs;
    },
  };
}
