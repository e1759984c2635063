// Three servers that each hold a copy of everything, under tells and asks that never stop: servers are killed, frozen,
// retired, and leaders step down. Everything is real, from the files of deploy/nats.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { Troupe, Worker } from "../../src/index.ts";
import { connect, createWorker, defineActor, handler, isTroupeError, query, silentLogger } from "../../src/index.ts";
import { callApi } from "../../src/kv/nats-api.ts";
import type { NatsLink } from "../../src/kv/nats-link.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import type { DeployedServer, TestCluster } from "../support/nats-cluster.ts";
import { startTestCluster } from "../support/nats-cluster.ts";

const Tally = defineActor(
  "tally",
  { state: z.object({ seen: z.array(z.number()) }), initial: { seen: [] } },
  {
    see: handler(z.number(), (ctx, n) => {
      ctx.state.seen.push(n);
    }),
    all: query((ctx) => [...ctx.state.seen]),
  },
);

/** No call may take longer, whatever happens to the servers meanwhile: two elections and what comes after them. */
const timeoutMs = 20_000;
const streams = ["troupe_mail", "KV_troupe_state", "KV_troupe_cluster"] as const;

/** One caller that never stops: what it was told is done, and with which codes the rest ended. */
class Load {
  readonly done: number[] = [];
  readonly codes: string[] = [];
  readonly #ended: Promise<void>;
  #next = 0;
  #isOver = false;
  #onDone: (() => void) | undefined;

  constructor(call: (n: number) => Promise<unknown>) {
    this.#ended = this.#run(call);
  }

  /** Resolves when `count` more calls have been acknowledged from now on. */
  async progress(count = 5): Promise<void> {
    const wanted = this.done.length + count;
    while (this.done.length < wanted) {
      await new Promise<void>((resolve) => {
        this.#onDone = resolve;
      });
    }
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#ended;
  }

  async #run(call: (n: number) => Promise<unknown>): Promise<void> {
    while (!this.#isOver) {
      const n = this.#next++;
      try {
        await call(n);
        this.done.push(n);
        this.#onDone?.();
      } catch (thrown) {
        if (!isTroupeError(thrown)) throw thrown;
        this.codes.push(thrown.code);
        // The client is gone, since the test has failed: without an end this would go on in microtasks for ever.
        if (thrown.code === "CLOSED") return;
      }
    }
  }
}

interface Loads {
  readonly tells: Load;
  readonly asks: Load;
  readonly asksHere: Load;
}

let rounds = 0;

/** Runs `mischief` under load, and checks afterwards that nothing acknowledged is lost and nothing took effect twice. */
async function underLoad(
  { worker, client }: { readonly worker: Worker; readonly client: Troupe },
  mischief: (loads: Loads) => Promise<void>,
): Promise<Loads> {
  rounds += 1;
  const ids = { tells: `told-${rounds}`, asks: `asked-${rounds}`, asksHere: `here-${rounds}` };
  const loads = {
    tells: new Load((n) => client.actor(Tally, ids.tells).tell.see(n, { timeoutMs })),
    asks: new Load((n) => client.actor(Tally, ids.asks).ask.see(n, { timeoutMs })),
    asksHere: new Load((n) => worker.actor(Tally, ids.asksHere).ask.see(n, { timeoutMs })),
  };
  await everyone(loads);
  await mischief(loads);
  await everyone(loads);
  await Promise.all(Object.values(loads).map((load) => load.end()));
  // No told message fails, and each has its effect once, in order (P2, P5).
  expect(loads.tells.codes).toEqual([]);
  expect(await seen(client, ids.tells, loads.tells.done)).toEqual(loads.tells.done);
  for (const of of ["asks", "asksHere"] as const) {
    const all = await seen(client, ids[of], loads[of].done);
    expect(all.filter((n) => loads[of].done.includes(n))).toEqual(loads[of].done);
    expect(new Set(all).size).toBe(all.length);
  }
  return loads;
}

/** Resolves when each caller has got somewhere. */
async function everyone(loads: Loads): Promise<void> {
  await Promise.all(Object.values(loads).map((load) => load.progress()));
}

/** What the actor has seen, once it has seen all of `wanted`; the test's own deadline ends it otherwise. */
async function seen(client: Troupe, id: string, wanted: readonly number[]): Promise<readonly number[]> {
  for (;;) {
    const all = await client.actor(Tally, id).ask.all(undefined, { timeoutMs });
    const known = new Set(all);
    if (wanted.every((n) => known.has(n))) return all;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What is said of an ask whose answer broke off, or did not come within an election: it may have had an effect. */
const inDoubt = ["OUTCOME_UNKNOWN", "ASK_TIMEOUT"];

describe("three servers, three copies", () => {
  let cluster: TestCluster;
  let worker: Worker;
  let client: Troupe;
  let link: NatsLink;

  beforeAll(async () => {
    cluster = await startTestCluster();
    const common = { servers: cluster.urls, replicas: 3 };
    worker = await createWorker({ ...common, actors: [Tally], logger: silentLogger });
    // As NATS_URL would have it.
    client = await connect({ servers: cluster.urls.join(",") });
    link = await openLink({ servers: [...cluster.urls] });
  });

  afterAll(async () => {
    await link.close();
    await client.close();
    await worker.drain();
    await cluster[Symbol.asyncDispose]();
  });

  test("every stream and bucket of the app has three copies, each current", async () => {
    for (const stream of [...streams, "troupe_dead"]) {
      const answer = await callApi<{ config: { num_replicas: number }; cluster: { replicas: { current: boolean }[] } }>(
        link,
        `STREAM.INFO.${stream}`,
        undefined,
      );
      const info = answer.kind === "ok" ? answer.value : undefined;
      expect([stream, info?.config.num_replicas, info?.cluster.replicas.length]).toEqual([stream, 3, 2]);
    }
  });

  test("G1: whichever server is asked, a read sees every write before it", async () => {
    const links = await Promise.all(
      cluster.servers.map(({ url }) => openLink({ servers: url, ignoreClusterUpdates: true })),
    );
    const stores = await Promise.all(links.map((each) => openNatsStore({ link: each, bucket: "g1", replicas: 3 })));
    let revision = 0;
    for (let n = 0; n < 150; n += 1) {
      const [writer, reader] = [stores[n % 3], stores[(n + 1) % 3]];
      const write = await writer?.update("key", new Uint8Array([n]), revision);
      expect(write?.kind).toBe("written");
      revision = write?.revision ?? 0;
      expect((await reader?.get("key"))?.revision).toBe(revision);
      expect((await reader?.getMany(["key", "none"]))?.get("key")?.revision).toBe(revision);
    }
    for (const each of links) await each.close();
  });

  test("a bucket that another server has just made takes writes and reads at once, by whichever server", async () => {
    const links = await Promise.all(
      cluster.servers.map(({ url }) => openLink({ servers: url, ignoreClusterUpdates: true })),
    );
    for (let n = 0; n < 20; n += 1) {
      const bucket = `new-${n}`;
      const stores = await Promise.all(links.map((each) => openNatsStore({ link: each, bucket, replicas: 3 })));
      await Promise.all(stores.map((store, at) => store.create(`key-${at}`, new Uint8Array([at]))));
      for (const store of stores) expect((await store.getMany(["key-0", "key-1", "key-2"])).size).toBe(3);
    }
    for (const each of links) await each.close();
  });

  test("a leader that steps down costs no call: each of the streams, in turn", async () => {
    const loads = await underLoad({ worker, client }, async (all) => {
      for (const stream of streams) {
        expect((await callApi(link, `STREAM.LEADER.STEPDOWN.${stream}`, {})).kind).toBe("ok");
        await everyone(all);
        await cluster.leaderOf(stream);
      }
    });
    expect([...loads.asks.codes, ...loads.asksHere.codes]).toEqual([]);
  });

  test("P2, P5, P6: each server in turn is killed with -9 and comes back: nothing acknowledged is lost or doubled", async () => {
    const loads = await underLoad({ worker, client }, async (all) => {
      for (const server of cluster.servers) {
        await server.kill9();
        await everyone(all);
        await server.restart();
        await cluster.settled();
      }
    });
    // An ask whose answer broke off with its connection may have had its effect, and is told so. Nothing else fails.
    for (const code of [...loads.asks.codes, ...loads.asksHere.codes]) expect(inDoubt).toContain(code);
  }, 180_000);

  test("the leader of the mail freezes beyond the lease and thaws: the others go on without it", async () => {
    const loads = await underLoad({ worker, client }, async (all) => {
      const leader = await cluster.leaderOf("troupe_mail");
      leader.freeze();
      await cluster.leaderOf("troupe_mail");
      await everyone(all);
      leader.thaw();
      await cluster.settled();
    });
    // What was asked through the frozen server before the others dropped it is lost, and its asker waits until its deadline.
    for (const code of [...loads.asks.codes, ...loads.asksHere.codes]) expect(inDoubt).toContain(code);
  }, 120_000);

  test("an upgrade: each server is retired in lame duck mode and started again; nothing is lost", async () => {
    const loads = await underLoad({ worker, client }, async (all) => {
      for (const server of cluster.servers) {
        await server.retire();
        await everyone(all);
        await server.restart();
        await cluster.settled();
      }
    });
    for (const code of [...loads.asks.codes, ...loads.asksHere.codes]) expect(inDoubt).toContain(code);
  }, 180_000);

  test("a client that was given one server goes on at another when that one is gone", async () => {
    const [first] = cluster.servers as readonly [DeployedServer, ...DeployedServer[]];
    await using own = await connect({ servers: first.url });
    await own.actor(Tally, "moved").tell.see(1);
    await first.kill9();
    await own.actor(Tally, "moved").tell.see(2, { timeoutMs });
    await first.restart();
    await cluster.settled();
    expect(await seen(own, "moved", [1, 2])).toEqual([1, 2]);
  }, 120_000);

  test("K5: a lease runs out on time though its bucket's leader was killed meanwhile", async () => {
    const store = await openNatsStore({ link, bucket: "leases", replicas: 3 });
    await using watcher = await store.watch("lease");
    await store.put("lease", new Uint8Array([1]), { ttlMs: 2_000 });
    const leader = await cluster.leaderOf("KV_leases");
    await leader.kill9();
    for await (const change of watcher) {
      if (change.kind === "entry" && change.entry.operation === "expired") break;
    }
    expect(await store.get("lease")).toBeUndefined();
    await leader.restart();
    await cluster.settled();
  }, 120_000);
});
