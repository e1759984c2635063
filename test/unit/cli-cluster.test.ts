// The workers, partitions and pools of an app as the command line sees and shows them.

import { describe, expect, test } from "vitest";
import { z } from "zod";
import { chooseWorker } from "../../src/cli/drain/choose-worker.ts";
import { CommandFailure } from "../../src/cli/failure.ts";
import type { ActorRow, PsPicture } from "../../src/cli/print/ps.ts";
import { printPs } from "../../src/cli/print/ps.ts";
import { divideActors, printServing } from "../../src/cli/print/serving.ts";
import { plain } from "../../src/cli/text.ts";
import { partitionOf } from "../../src/core/partition.ts";
import { defineActor, handler, query } from "../../src/index.ts";
import type { KvEntry } from "../../src/kv/store.ts";
import { callWorker, placeOf, readCluster } from "../../src/monitoring/cluster-picture.ts";
import { findingsOfPools } from "../../src/monitoring/doctor/pool-findings.ts";
import { readPools, sumOf } from "../../src/monitoring/pool-picture.ts";
import { noLag } from "../../src/runtime/inspect-lag.ts";

const entry = (key: string, value: object): KvEntry => ({
  ...{ key, value: Buffer.from(JSON.stringify(value)), revision: 1, operation: "put", writtenAtMs: 1_000 },
});
const pools = { main: 4, gpu: 2 };
const home = partitionOf("render", "r1", 2);

/** Two workers, of which one drains; a pool whose owner is dead; mail that waits there. */
const cluster = readCluster(
  [
    entry("worker.w1", { name: "blue", pools: ["main"], types: { counter: 1 }, pid: 7 }),
    entry("worker.w2", { name: "green", pools: ["main"], types: { counter: 2 }, isDraining: true }),
    entry("type.counter", { pool: "main", schema: 2 }),
    entry("type.note", { pool: "main", schema: 1 }),
    entry("type.render", { pool: "gpu", schema: 1 }),
    ...[0, 1].map((at) => entry(`partition.main.${at}`, { owner: "w1", epoch: 2 })),
    entry("partition.main.2", { owner: "w2", epoch: 3, needs: { counter: 2 } }),
    entry("partition.main.3", { owner: "", epoch: 1, needs: { counter: 3 } }),
    entry(`partition.gpu.${home}`, { owner: "dead", epoch: 5 }),
    entry(`cursor.gpu.${home}`, { epoch: 5, cursor: 9 }),
  ],
  {
    ...{ pools, serverMs: 2_500 },
    lagOf: (pool, at) => (pool === "gpu" && at === home ? { messages: 3, sinceMs: 2_000 } : noLag),
  },
);

test("an actor lives in the pool that its type is registered in, and is nobody's when the owner there does not live", () => {
  expect(placeOf("render.r1", cluster, pools, "main")).toEqual({
    ...{ pool: "gpu", partition: home, owner: null, epoch: 5, cursor: 9, lag: 3, oldestMs: 500, needs: {} },
  });
  expect(placeOf("stranger.s1", cluster, pools, "main")?.pool).toBe("main");
  expect(cluster.workers.map(({ name, pid, partitions, leaseMs }) => [name, pid, partitions, leaseMs])).toEqual([
    ["blue", 7, 2, 1_500],
    ["green", null, 1, 1_500],
  ]);
});

test("a pool knows who serves it, what it lacks, and what waits in it", () => {
  const [gpu, main] = readPools(cluster);
  expect(gpu).toMatchObject({ pool: "gpu", workers: 0, types: ["render"], unserved: ["render"] });
  expect(gpu?.unowned).toEqual({ partitions: 2, waitingPartitions: 1, lag: 3, oldestMs: 500 });
  expect(main).toMatchObject({ workers: 1, draining: 1, types: ["counter", "note"], unserved: ["note"] });
  // What one that drains could serve is no reason to start another: it still has it.
  expect(main?.unmet).toEqual([{ partition: 3, needs: { counter: 3 } }]);
  expect([main?.owned.partitions, main?.unowned.partitions]).toEqual([3, 1]);
});

describe("ps", () => {
  const picture = (facts: Partial<PsPicture> = {}): PsPicture => {
    const { workers, partitions } = cluster;
    const seen = readPools(cluster);
    return {
      ...{ app: "desk", workers, pools: seen, actors: [], total: 0 },
      findings: findingsOfPools({ app: "desk", pools: seen, workers }),
      partitions: { total: 6, owned: 3, ...sumOf(partitions) },
      ...facts,
    };
  };
  const actor: ActorRow = {
    ...{ type: "render", id: "r1", revision: 7, bytes: 90, committedAt: new Date(1_000).toISOString() },
    ...{ pool: "gpu", partition: home, worker: null },
  };

  test("says first what somebody has to know or to do", () => {
    const text = printPs(picture({ actors: [actor], total: 3 }), 6_000, plain, 0);
    const [findings = "", workers = ""] = text.split("\n\n");
    expect(findings.split("\n").filter((line) => line.startsWith("  ") && !line.startsWith("    "))).toEqual([
      "  note: The worker green drains: 1 partition left.",
      "  warning: No worker serves the pool gpu (render): what is told waits, and asks fail. 3 messages wait there, the oldest for 500 ms.",
      "  warning: 1 partition of the pool main without an owner.",
      "  warning: No worker of the pool main has the type note: what is told to it waits, and asks fail.",
      "  warning: 1 partition of the pool main holds what no worker can serve, as 3, which needs counter of schema 3.",
    ]);
    expect(findings).toContain("    Start one with these types of the pool: troupe worker FILE --pool gpu");
    expect(findings).toContain("nats kv del desk_cluster type.note");
    expect(workers).toMatch(/^NAME +WORKER +POOLS +STATE/);
    expect(workers).toMatch(/\ngreen +w2 +main +drains +1 +0 +1\.5 s left +\? +\? +counter$/);
    expect(text).toMatch(/render\/r1 +7 +90 B +5\.0 s ago +gpu +\d +nobody/);
    expect(text).toContain("2 workers; gpu: 0 of 2 partitions owned, 3 messages wait (500 ms)");
    expect(text).toMatch(/3 actors, 2 not shown \(--limit 0 shows all\)$/);
  });

  test("with --partitions shows each partition instead of the actors", () => {
    const { actors: _actors, total: _total, ...others } = picture();
    const text = printPs({ ...others, partitions: { ...others.partitions, list: cluster.partitions } }, 0, plain, 0);
    expect(text).toMatch(/\nPOOL +PARTITION +OWNER +EPOCH +CURSOR +LAG +OLDEST +NEEDS\n/);
    expect(text).toMatch(/\nmain +2 +green +3 +0 +0 +- +counter 2\n/);
    expect(text).toMatch(new RegExp(`\\ngpu +${home} +nobody +5 +9 +3 +500 ms\\n`));
    expect(text).not.toContain("actor");
  });

  test("says so when nobody serves at all", () => {
    const text = printPs(
      picture({ workers: [], findings: findingsOfPools({ app: "desk", pools: [], workers: [] }) }),
      0,
      plain,
      0,
    );
    expect(text).toMatch(/^ {2}warning: No worker runs: what is told waits, and asks fail\.\n {4}Start one/);
  });
});

describe("a worker is named", () => {
  const workers = [
    { worker: "aa1", name: "blue", pid: 1 },
    { worker: "aa2", name: "blue", pid: 2 },
    { worker: "ab3", name: "aa1", pid: 3 },
    { worker: "ac4", name: null, pid: null },
  ];
  const failureOf = (text: string) => {
    try {
      return chooseWorker(text, workers).worker;
    } catch (thrown) {
      if (thrown instanceof CommandFailure) return thrown;
      throw thrown;
    }
  };

  test("by its id, its name or the beginning of its id, in this order", () => {
    expect(["aa1", "ab", "ac4", "aa2"].map((text) => failureOf(text))).toEqual(["aa1", "ab3", "ac4", "aa2"]);
  });

  test("or not: then the error lists those that it could be", () => {
    expect(failureOf("blue")).toMatchObject({
      ...{ code: "WORKER_AMBIGUOUS", message: "blue may be 2 workers: aa1 (blue, process 1), aa2 (blue, process 2)" },
    });
    expect(failureOf("aa")).toMatchObject({ code: "WORKER_AMBIGUOUS" });
    for (const text of ["red", ""]) {
      expect(failureOf(text)).toMatchObject({ code: "WORKER_NOT_FOUND", message: expect.stringContaining("ac4") });
    }
  });

  test("in tables by its name, unless another has the same", () => {
    const called = ["aa1", "ab3", "ac4", "gone"].map((id) => callWorker(id, workers));
    expect(called).toEqual(["aa1", "aa1", "ac4", "gone"]);
  });
});

test("a worker tells what it serves by pool, and what it leaves to others", () => {
  const define = (type: string, pool?: string) =>
    defineActor(
      type,
      { state: z.object({}), initial: {}, ...(pool === undefined ? {} : { pool }) },
      { poke: handler(() => {}), seen: query(() => 1) },
    );
  const actors = [define("counter"), define("render", "gpu"), define("note")];
  const about = { worker: "w1", name: "blue", pid: 1, app: "desk", server: "nats://a:1", metrics: null };
  const print = (named: readonly string[]) =>
    printServing({ ...about, ...divideActors(actors, named) }, plain)
      .split("\n")
      .slice(1);
  expect(print([])).toEqual([
    ...["pool main:", "  counter  poke, seen?", "  note     poke, seen?", "pool gpu:", "  render   poke, seen?"],
  ]);
  expect(print(["gpu"])).toEqual([
    ...["pool gpu:", "  render  poke, seen?", "left to the workers of other pools: counter (main), note (main)"],
  ]);
  const plainReport = { ...about, name: null, ...divideActors([define("counter")], []) };
  const said = "worker w1 serves the app desk on nats://a:1\n  counter  poke, seen?";
  expect(printServing(plainReport, plain)).toBe(said);
  const metrics = "http://127.0.0.1:9464/metrics";
  expect(printServing({ ...plainReport, metrics }, plain)).toBe(`${said}\nfigures for Prometheus: ${metrics}`);
});
