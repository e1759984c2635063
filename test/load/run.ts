// The state store under load: processes of writers on a few keys of one real server, both killed with -9 and started again
// meanwhile. What must hold in the end:
//
//   L1. Every update that was acknowledged is in exactly once, one that is in doubt at most once, and no other.
//   L2. Transfers conserve the sum at every moment that anybody saw.
//   L3. What is written under a lock is in the order of its tokens.
//   L4. What was seen of registers is linearizable.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import { openStateStore } from "../../src/memory/state-store.ts";
import { startTestServer } from "../support/nats-server.ts";
import { Journals } from "./journal.ts";
import { account, accountIds, bucket, ledger, openingBalance, tally } from "./models.ts";
import { Registers } from "./registers.ts";
import type { WriterOrder } from "./writer.ts";

export interface LoadOptions {
  readonly seconds: number;
  readonly processes: number;
  /** In each process. */
  readonly writers: number;
  readonly keys: number;
  /** A server or a process of writers by turn is killed so often. Unit: ms. */
  readonly killEveryMs: number;
  readonly onProgress: (line: string) => void;
}

export interface LoadReport {
  readonly counts: Readonly<Record<string, number>>;
  readonly broken: readonly string[];
}

const writerFile = join(import.meta.dirname, "writer.ts");
/** Numbers that one process may use before it is replaced. */
const numbersMax = 1_000_000;
/** How long what was begun may take to end when all is to stop. Unit: ms. */
const endMsMax = 40_000;

export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const { seconds, processes, writers, keys, killEveryMs, onProgress } = options;
  await using cleanup = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "troupe-load-"));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const server = cleanup.use(await startTestServer());
  const open = async () => {
    const link = cleanup.use(await openLink({ servers: server.url, reconnectTimeWait: 50 }));
    return openStateStore({ kv: cleanup.use(await openNatsStore({ link, bucket, history: 64 })) });
  };
  const states = await open();
  for (let at = 0; at < keys; at += 1) await states.of(tally).create(`k${at}`, { by: {} });
  for (const id of accountIds) await states.of(account).create(id, { balance: openingBalance });
  await states.of(ledger).create("pen", { token: 0, writes: 0, overtaken: 0 });
  const registers = new Registers([states, await open()]);

  const journalOf = (at: number) => join(folder, `p${at}.log`);
  const start = async (at: number, incarnation: number): Promise<ChildProcess> => {
    const order: WriterOrder = {
      ...{ url: server.url, name: `p${at}`, journal: journalOf(at), writers, keys },
      firstNumber: incarnation * numbersMax + 1,
    };
    const child = fork(writerFile, [JSON.stringify(order)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    cleanup.defer(() => void child.kill("SIGKILL"));
    await once(child, "message");
    return child;
  };
  const children = await Promise.all(Array.from({ length: processes }, (_, at) => start(at, 0)));
  await registers.start();
  onProgress(`${processes} processes of ${writers} writers on ${keys} keys`);

  let kills = 0;
  const endMs = performance.now() + seconds * 1_000;
  for (; performance.now() < endMs; kills += 1) {
    await new Promise<void>((resolve) => void setTimeout(resolve, Math.min(killEveryMs, endMs - performance.now())));
    if (performance.now() >= endMs) break;
    if (kills % 2 === 0) {
      onProgress("killing the server");
      await server.kill9();
      await server.restart();
    } else {
      const at = Math.floor(kills / 2) % processes;
      onProgress(`killing the writers p${at}`);
      const child = children[at];
      if (child === undefined) break;
      child.kill("SIGKILL");
      await once(child, "exit");
      children[at] = await start(at, kills);
    }
  }
  onProgress("stopping");
  const ended = children.map(async (child) => {
    const exit = once(child, "exit", { signal: AbortSignal.timeout(endMsMax) });
    child.send("stop");
    const [code] = (await exit) as [number | null];
    return code === 0 ? [] : [`a process of writers ended with ${code}`];
  });
  const seen = await registers.stop();
  const faults = (await Promise.all(ended)).flat();
  return await judge();

  async function judge(): Promise<LoadReport> {
    const journals = new Journals();
    for (let at = 0; at < processes; at += 1) journals.read(await readFile(journalOf(at), "utf8"));
    const standing = new Map<string, readonly [number, number, number, number]>();
    for (let at = 0; at < keys; at += 1) {
      const state = await states.of(tally).get(`k${at}`);
      for (const [name, share] of Object.entries(state?.data.by ?? {})) standing.set(`k${at} ${name}`, share);
    }
    journals.compare(standing);
    const balances = [...(await states.of(account).getMany(accountIds)).values()].map(({ data }) => data.balance);
    const sum = balances.reduce((all, balance) => all + balance, 0);
    const pen = await states.of(ledger).get("pen");
    const broken = [...faults, ...journals.broken, ...seen.broken];
    if (sum !== openingBalance * accountIds.length) broken.push(`L2: in the end the accounts hold ${sum}`);
    if ((pen?.data.overtaken ?? 0) > 0)
      broken.push(`L3: ${pen?.data.overtaken} writes came after those of a later token`);
    if ((pen?.data.writes ?? 0) < journals.counts.locked) broken.push("L3: writes under the lock are missing");
    const counts = { ...journals.counts, kills, registers: seen.operations, tokens: pen?.data.token ?? 0 };
    return { counts, broken };
  }
}
