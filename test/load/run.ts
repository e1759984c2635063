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
import { type NatsLink, openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import { openStateStore, type StateStore } from "../../src/memory/state-store.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { Journals } from "./journal.ts";
import { account, accountIds, bucket, historyMax, ledger, openingBalance, tally } from "./models.ts";
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
  /** It takes longer than `seconds` when a busy machine has not come to so many kills. Default: 0. */
  readonly killsMin?: number;
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
  const { seconds, processes, writers, keys, onProgress } = options;
  await using cleanup = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "troupe-load-"));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const server = cleanup.use(await startTestServer());
  const links: NatsLink[] = [];
  const open = async () => {
    const link = cleanup.use(await openLink({ servers: server.url, reconnectTimeWait: 50 }));
    links.push(link);
    return openStateStore({ kv: cleanup.use(await openNatsStore({ link, bucket, history: historyMax })) });
  };
  const states = await open();
  await fill(states, keys);
  const registers = new Registers([states, await open()]);
  const crew = cleanup.use(new Crew(server.url, folder, writers, keys));
  for (let at = 0; at < processes; at += 1) await crew.start(at, 0);
  await registers.start();
  onProgress(`${processes} processes of ${writers} writers on ${keys} keys`);
  const kills = await killByTurn({ server, links, crew }, options, performance.now() + seconds * 1_000);
  onProgress("stopping");
  const seen = await registers.stop();
  const faults = [...(await crew.stop()), ...seen.broken];
  const judged = await judge(states, await crew.journals(), keys);
  return {
    counts: { ...judged.counts, kills, registers: seen.operations },
    broken: [...faults, ...judged.broken],
  };
}

async function fill(states: StateStore, keys: number): Promise<void> {
  for (let at = 0; at < keys; at += 1) await states.of(tally).create(`k${at}`, { by: {} });
  for (const id of accountIds) await states.of(account).create(id, { balance: openingBalance });
  await states.of(ledger).create("pen", { token: 0, writes: 0, overtaken: 0 });
}

/** Returns how often something was killed. */
async function killByTurn(
  { server, links, crew }: { readonly server: TestServer; readonly links: readonly NatsLink[]; readonly crew: Crew },
  { killEveryMs, killsMin = 0, onProgress, processes }: LoadOptions,
  endMs: number,
): Promise<number> {
  for (let kills = 0; ; kills += 1) {
    const restMs = kills < killsMin ? killEveryMs : Math.max(0, endMs - performance.now());
    await new Promise<void>((resolve) => void setTimeout(resolve, Math.min(killEveryMs, restMs)));
    if (performance.now() >= endMs && kills >= killsMin) return kills;
    if (kills % 2 === 0) {
      onProgress("killing the server");
      const back = Promise.all(links.map(reconnected));
      await server.kill9();
      await server.restart();
      await back;
    } else {
      const at = Math.floor(kills / 2) % processes;
      onProgress(`killing the writers p${at}`);
      await crew.kill(at);
      await crew.start(at, kills);
    }
  }
}

function reconnected(link: NatsLink): Promise<void> {
  return new Promise((resolve) => {
    const unlisten = link.onReconnected(() => {
      unlisten();
      resolve();
    });
  });
}

/** The processes of writers. */
class Crew implements AsyncDisposable {
  readonly #url: string;
  readonly #folder: string;
  readonly #writers: number;
  readonly #keys: number;
  readonly #children: ChildProcess[] = [];

  constructor(url: string, folder: string, writers: number, keys: number) {
    this.#url = url;
    this.#folder = folder;
    this.#writers = writers;
    this.#keys = keys;
  }

  async start(at: number, incarnation: number): Promise<void> {
    const order: WriterOrder = {
      ...{ url: this.#url, name: `p${at}`, journal: this.#journalOf(at), writers: this.#writers, keys: this.#keys },
      firstNumber: incarnation * numbersMax + 1,
    };
    const child = fork(writerFile, [JSON.stringify(order)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#children[at] = child;
    await once(child, "message");
  }

  async kill(at: number): Promise<void> {
    const child = this.#children[at];
    if (child === undefined || child.exitCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  /** Lets all end what they have begun. Returns what was wrong with that. */
  async stop(): Promise<readonly string[]> {
    const ended = this.#children.map(async (child) => {
      const exit = once(child, "exit", { signal: AbortSignal.timeout(endMsMax) });
      child.send("stop");
      const [code] = (await exit) as [number | null];
      return code === 0 ? [] : [`a process of writers ended with ${code}`];
    });
    return (await Promise.all(ended)).flat();
  }

  async journals(): Promise<Journals> {
    const journals = new Journals();
    for (const at of this.#children.keys()) journals.read(await readFile(this.#journalOf(at), "utf8"));
    return journals;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
  }

  #journalOf(at: number): string {
    return join(this.#folder, `p${at}.log`);
  }
}

async function judge(states: StateStore, journals: Journals, keys: number): Promise<LoadReport> {
  const standing = new Map<string, readonly [number, number, number, number]>();
  for (let at = 0; at < keys; at += 1) {
    const state = await states.of(tally).get(`k${at}`);
    for (const [name, share] of Object.entries(state?.data.by ?? {})) standing.set(`k${at} ${name}`, share);
  }
  journals.compare(standing);
  const broken = [...journals.broken];
  const balances = [...(await states.of(account).getMany(accountIds)).values()].map(({ data }) => data.balance);
  const sum = balances.reduce((all, balance) => all + balance, 0);
  if (sum !== openingBalance * accountIds.length) broken.push(`L2: in the end the accounts hold ${sum}`);
  const pen = (await states.of(ledger).get("pen"))?.data ?? { token: 0, writes: 0, overtaken: 0 };
  if (pen.overtaken > 0) broken.push(`L3: ${pen.overtaken} writes came after those of a later token`);
  if (pen.writes < journals.counts.locked) broken.push("L3: writes under the lock are missing");
  return { counts: { ...journals.counts, tokens: pen.token }, broken };
}
