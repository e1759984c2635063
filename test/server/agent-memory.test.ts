// Agents that remember on a real server, while the processes that they live in are killed.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { connect, createWorker, silentLogger, systemClock } from "../../src/index.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";
import { seededRandom } from "../../src/testing.ts";
import { effectsOf, faultsOf, sayingsOf, talkerWith } from "../support/agent-crowd.ts";
import { startTestServer } from "../support/nats-server.ts";

const agents = Array.from({ length: 24 }, (_, at) => `a${at}`);
const sayings = 200;

/** Resolves when so many entries of the scope that everybody shares have been written, in records of one or several. */
async function untilShared({ entries }: MemoryStores, count: number): Promise<void> {
  await using watcher = await entries.watch("shared.everybody.log.*");
  let seen = 0;
  for await (const change of watcher) {
    if (change.kind !== "entry") continue;
    const record: unknown = JSON.parse(Buffer.from(change.entry.value).toString());
    seen += Array.isArray(record) ? record.length : 1;
    if (seen >= count) return;
  }
}

test("24 agents in two processes, one of which is killed with -9: from the logs, each entry has one cause, in order", async () => {
  await using server = await startTestServer();
  const talker = talkerWith();
  const script = fileURLToPath(new URL("../support/talker-worker.ts", import.meta.url));
  const first = spawn(process.execPath, [script, server.url], { stdio: ["ignore", "pipe", "inherit"] });
  await once(first.stdout, "data");
  await using second = await createWorker({ servers: server.url, actors: [talker], logger: silentLogger });
  await using client = await connect({ servers: server.url });
  const stores: MemoryStores = { ...(await client.ports.openMemory()), clock: systemClock, codecs: new ValueCodecs() };
  const all = sayingsOf(seededRandom(5), agents, sayings);
  const expected = all.reduce((sum, { saying }) => sum + 1 + saying.path.length, 0);
  const isHalf = untilShared(stores, Math.floor(expected / 3)).then(() => first.kill("SIGKILL"));
  const isAll = untilShared(stores, expected);
  for (const { to, saying } of all) await client.actor(talker, to).tell.say(saying);
  await isHalf;
  await isAll;
  const effects = () => effectsOf(agents, async (key) => (await client.ports.state.get(key))?.value);
  const faults = async () => faultsOf(agents, await effects(), stores);
  // What the last turns have left for other memories may still be on its way, also what the second one finds of the first.
  await expect.poll(faults, { timeout: 60_000, interval: 500 }).toEqual([]);
  await second.drain();
  expect(await effects()).toHaveLength(expected);
  expect(await faults()).toEqual([]);
}, 120_000);
