// What a worker does when the server freezes, refuses, or dies under it, and when it dies itself. Everything is real.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { z } from "zod";
import { encodeText } from "../../src/core/codec.ts";
import type { RuntimeEvent, Worker } from "../../src/index.ts";
import { connect, createWorker, defineActor, handler, isTroupeError, query, silentLogger } from "../../src/index.ts";
import { callApi } from "../../src/kv/nats-api.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import { eventually } from "../contract/mail-support.ts";
import { committedState } from "../contract/runtime-support.ts";
import { startTestServer } from "../support/nats-server.ts";

const Tally = defineActor(
  "tally",
  {
    state: z.object({ seen: z.array(z.number()), text: z.string() }),
    initial: { seen: [], text: "" },
  },
  {
    see: handler(z.number(), (ctx, n) => {
      ctx.state.seen.push(n);
    }),
    write: handler(z.string(), (ctx, text) => {
      ctx.state.text = text;
    }),
    all: query((ctx) => [...ctx.state.seen]),
  },
);

const actors = 20;
const perActor = 60;

/** Resolves with the next event of that kind; armed when it is called. */
function eventOf<Kind extends RuntimeEvent["kind"]>(
  worker: Worker,
  kind: Kind,
  fits: (event: RuntimeEvent & { readonly kind: Kind }) => boolean = () => true,
): Promise<RuntimeEvent> {
  return new Promise((resolve) => {
    const isIt = (event: RuntimeEvent): event is RuntimeEvent & { readonly kind: Kind } => event.kind === kind;
    const stop = worker.events.listen((event) => {
      if (!isIt(event) || !fits(event)) return;
      stop();
      resolve(event);
    });
  });
}

/** Asks until every actor has seen as much as it was told; the test's own deadline ends it otherwise. */
async function seenByAll(
  troupe: Worker | Awaited<ReturnType<typeof connect>>,
): Promise<readonly (readonly number[])[]> {
  for (;;) {
    const refs = Array.from({ length: actors }, (_, at) => troupe.actor(Tally, `t${at}`));
    const all = await Promise.all(refs.map((ref) => ref.ask.all(undefined, { timeoutMs: 20_000 })));
    if (all.every((seen) => seen.length >= perActor)) return all;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const inOrder = Array.from({ length: actors }, () => Array.from({ length: perActor }, (_, n) => n));

test("K1, P2, P5: a worker that outlives its lease behind a frozen server loses nothing, doubles nothing, keeps the order", async () => {
  await using server = await startTestServer();
  await using worker = await createWorker({ servers: server.url, actors: [Tally], logger: silentLogger });
  await using client = await connect({ servers: server.url });
  const frozen = Promise.withResolvers<void>();
  const tell = async (at: number) => {
    for (let n = 0; n < perActor; n += 1) {
      if (at === 0 && n === perActor / 2) {
        server.freeze();
        frozen.resolve();
      }
      await client.actor(Tally, `t${at}`).tell.see(n, { timeoutMs: 30_000 });
    }
  };
  const telling = Promise.all(Array.from({ length: actors }, (_, at) => tell(at)));
  // Not from before: on a machine that stands still a lease may run out by itself.
  await frozen.promise;
  await eventOf(worker, "ownership-lost");
  server.thaw();
  await telling;
  expect(await seenByAll(client)).toEqual(inOrder);
});

test("P2, P6: a worker killed with -9 in the middle loses nothing and doubles nothing; the one that stands by takes over", async () => {
  await using server = await startTestServer();
  const script = fileURLToPath(new URL("../support/tally-worker.ts", import.meta.url));
  const first = spawn(process.execPath, [script, server.url], { stdio: ["ignore", "pipe", "inherit"] });
  await once(first.stdout, "data");
  await using client = await connect({ servers: server.url });
  const tell = async (at: number) => {
    for (let n = 0; n < perActor; n += 1) {
      if (at === 0 && n === perActor / 2) first.kill("SIGKILL");
      await client.actor(Tally, `t${at}`).tell.see(n);
    }
  };
  const standby = createWorker({ servers: server.url, actors: [Tally], logger: silentLogger });
  await Promise.all(Array.from({ length: actors }, (_, at) => tell(at)));
  await using _worker = await standby;
  expect(await seenByAll(client)).toEqual(inOrder);
});

test("P6, P10: on a full disk the sender gets an error, nothing acknowledged is lost, and it goes on when there is room", async () => {
  await using server = await startTestServer({ config: "jetstream { max_file_store: 3MB }" });
  await using worker = await createWorker({ servers: server.url, actors: [Tally], logger: silentLogger });
  const big = "x".repeat(200_000);
  const stored: string[] = [];
  const refused: string[] = [];
  for (let at = 0; at < 30; at += 1) {
    try {
      await worker.actor(Tally, `big${at}`).ask.write(`${at}${big}`);
      stored.push(`big${at}`);
    } catch (thrown) {
      expect(isTroupeError(thrown)).toBe(true);
      if (isTroupeError(thrown)) refused.push(thrown.code);
    }
  }
  expect(new Set(refused)).toEqual(new Set(["COMMIT_REFUSED"]));
  expect(stored.length).toBeGreaterThan(5);
  await expect(worker.actor(Tally, "other").tell.write(big)).rejects.toMatchObject({ code: "TELL_REFUSED" });
  for (const id of stored)
    expect((await worker.actor(Tally, id).get())?.state.text).toHaveLength(big.length + id.length - 3);
  // On a full disk the server takes no deletion either: an operator makes room by purging.
  await using link = await openLink({ servers: server.url });
  await callApi(link, "STREAM.PURGE.KV_troupe_state", {});
  await worker.actor(Tally, "after").ask.see(1);
  expect(await worker.actor(Tally, "after").ask.all()).toEqual([1]);
});

test("P2: nats-server killed with -9 in the middle of asks and tells: nothing acknowledged is lost or doubled", async () => {
  await using server = await startTestServer();
  await using worker = await createWorker({ servers: server.url, actors: [Tally], logger: silentLogger });
  await using client = await connect({ servers: server.url });
  let restarted: Promise<void> | undefined;
  const tell = async (at: number) => {
    for (let n = 0; n < perActor; n += 1) {
      if (at === 0 && n === perActor / 2) restarted = server.kill9().then(() => server.restart());
      await client.actor(Tally, `t${at}`).tell.see(n, { timeoutMs: 30_000 });
    }
  };
  await Promise.all(Array.from({ length: actors }, (_, at) => tell(at)));
  await restarted; // It accepts connections before it is ready.
  expect(await seenByAll(client)).toEqual(inOrder);
  expect(worker.activations).toBe(actors);
});

test("H1, P2: a drain whose grace is over saves no cursor that passes what it did not finish", async () => {
  await using server = await startTestServer();
  const started = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const slowly = defineActor(
    "slowly",
    { state: z.array(z.number()), initial: [] },
    {
      see: handler(z.number(), async (ctx, n) => {
        started.resolve();
        await gate.promise;
        ctx.state.push(n);
      }),
      all: query((ctx) => [...ctx.state]),
    },
  );
  const first = await createWorker({ servers: server.url, actors: [slowly], logger: silentLogger });
  await using client = await connect({ servers: server.url });
  const actor = client.actor(slowly, "s");
  for (const n of [1, 2, 3]) await actor.tell.see(n);
  await started.promise;
  await first.drain({ graceMs: 1 });
  gate.resolve();
  await using _second = await createWorker({ servers: server.url, actors: [slowly], logger: silentLogger });
  // Not by a query: that may be one commit behind whoever watches.
  expect(await committedState(actor, (all) => all.length >= 3)).toEqual([1, 2, 3]);
});

test("a drain waits for nothing when nothing is under way, whatever was asked and told before", async () => {
  await using server = await startTestServer();
  const worker = await createWorker({ servers: server.url, actors: [Tally], logger: silentLogger });
  await worker.actor(Tally, "a").ask.see(1);
  await worker.actor(Tally, "a").ask.all();
  await worker.actor(Tally, "never-written").ask.all();
  // The test's own deadline is half of this grace.
  await worker.drain({ graceMs: 240_000 });
});

test("P8, E4: a cluster bucket that was made anew under its workers is theirs again: old clients and new ones are served", async () => {
  await using server = await startTestServer();
  await using worker = await createWorker({
    servers: server.url,
    actors: [Tally],
    logger: silentLogger,
    partitions: 4,
  });
  await using before = await connect({ servers: server.url });
  await before.actor(Tally, "a").ask.see(1);
  const isStartedOver = eventOf(worker, "watch-restarted");
  await using link = await openLink({ servers: server.url });
  await callApi(link, "STREAM.DELETE.KV_troupe_cluster", {});
  await using after = await connect({ servers: server.url }); // It makes the bucket.
  await isStartedOver;
  await after.actor(Tally, "a").ask.see(2, { timeoutMs: 30_000 });
  await before.actor(Tally, "a").tell.see(3);
  const { seen } = await committedState(after.actor(Tally, "a"), (state) => state.seen.length >= 3);
  expect(seen).toEqual([1, 2, 3]);
  await before.actor(Tally, "a").ask.see(4);
  expect(await before.actor(Tally, "a").ask.all()).toEqual([1, 2, 3, 4]);
  // What it has registered stands there again (Y4).
  await using cluster = await openNatsStore({ link, bucket: "troupe_cluster" });
  for await (const change of await cluster.watch("type.tally")) if (change.kind === "entry") break;
});

test("Q1, P2: what is told after the mail stream was made anew takes effect, in a running worker and in the next one", async () => {
  await using server = await startTestServer();
  const open = () => createWorker({ servers: server.url, actors: [Tally], logger: silentLogger, partitions: 4 });
  const worker = await open();
  const actor = worker.actor(Tally, "a");
  const seen = async (troupe: Pick<Worker, "actor">, count: number) => {
    for await (const change of troupe.actor(Tally, "a").watch()) {
      if (change.kind === "committed" && change.state.seen.length >= count) return change.state.seen;
    }
    return undefined;
  };
  for (let n = 0; n < 5; n += 1) await actor.tell.see(n);
  await seen(worker, 5);
  await using link = await openLink({ servers: server.url });
  await callApi(link, "STREAM.DELETE.troupe_mail", {});
  await using after = await connect({ servers: server.url, partitions: 4 }); // It makes the stream.
  await after.actor(Tally, "a").tell.see(5);
  expect(await seen(after, 6)).toEqual([0, 1, 2, 3, 4, 5]);
  await worker.drain();
  await after.actor(Tally, "a").tell.see(6);
  await using _next = await open();
  expect(await seen(after, 7)).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

test("Q2, P2: after the mail stream has lost its end, what is told takes effect once a worker has said so", async () => {
  await using server = await startTestServer();
  const open = () => createWorker({ servers: server.url, actors: [Tally], logger: silentLogger, partitions: 2 });
  const worker = await open();
  const { sequence } = await worker.actor(Tally, "a").tell.see(1);
  await worker.drain();
  await using link = await openLink({ servers: server.url });
  await using cluster = await openNatsStore({ link, bucket: "troupe_cluster" });
  // As after a power loss: the cursors are stored, the last of the mail is not.
  for (const partition of [0, 1]) {
    await cluster.put(`cursor.main.${partition}`, encodeText(JSON.stringify({ epoch: 1, cursor: sequence + 300 })));
  }
  await using next = await open();
  // It says so by filling the stream up: the partition whose reader comes after that has lost nothing and says nothing.
  await eventually("the stream is filled up", async () => {
    const info = await callApi<{ state: { last_seq: number } }>(link, "STREAM.INFO.troupe_mail", undefined);
    return (info.kind === "ok" && info.value.state.last_seq >= sequence + 300) || undefined;
  });
  await next.actor(Tally, "a").tell.see(2);
  for await (const change of next.actor(Tally, "a").watch()) {
    if (change.kind === "committed" && change.state.seen.includes(2)) break;
  }
});
