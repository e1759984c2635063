// What the doctor concludes from what it has seen.

import { describe, expect, test } from "vitest";
import { placeOf, readCluster } from "../../src/cli/cluster-picture.ts";
import type { AppDiagnosis, Diagnosis } from "../../src/cli/doctor/diagnosis.ts";
import type { Verdict } from "../../src/cli/doctor/durability.ts";
import { explainSurvival } from "../../src/cli/doctor/durability.ts";
import { findingsOf } from "../../src/cli/doctor/findings.ts";
import { printExamination } from "../../src/cli/print/doctor.ts";
import { plain } from "../../src/cli/text.ts";
import { partitionOf } from "../../src/core/partition.ts";
import type { KvEntry } from "../../src/kv/store.ts";
import { syncOfVarz } from "../../src/runtime/inspect.ts";
import type { StreamFacts } from "../../src/runtime/inspect-stream.ts";

const stream = (facts: Partial<StreamFacts> = {}): StreamFacts => ({
  ...{ role: "state", name: "KV_troupe_state", storage: "file", replicas: 1, peers: [], isAcknowledgedEarly: false },
  ...{ messages: 1, bytes: 100, bytesMax: -1, messagesMax: -1, dropsOldest: false, ageMsMax: 0, history: 8 },
  ...{ duplicateWindowMs: 120_000, lastSequence: 1 },
  ...facts,
});
const everyTwoMinutes = { isAlways: false, intervalMs: 120_000 };
const always = { isAlways: true, intervalMs: 0 };

describe("what survives what", () => {
  const verdicts = (...args: Parameters<typeof explainSurvival>) =>
    explainSurvival(...args).map(({ verdict }) => verdict);
  const cases: (readonly [string, Partial<StreamFacts>, Parameters<typeof explainSurvival>[1], Verdict[]])[] = [
    ["one copy on disk", {}, everyTwoMinutes, ["kept", "kept", "partly-lost", "lost"]],
    ["one copy on disk, synced at each write", {}, always, ["kept", "kept", "kept", "lost"]],
    ["one copy on disk, sync unknown", {}, undefined, ["kept", "kept", "unknown", "lost"]],
    ["three copies on disk", { replicas: 3 }, everyTwoMinutes, ["kept", "kept", "kept", "kept"]],
    ["one copy in memory", { storage: "memory" }, always, ["kept", "lost", "lost", "lost"]],
    [
      "acknowledged early",
      { isAcknowledgedEarly: true },
      everyTwoMinutes,
      ["kept", "partly-lost", "partly-lost", "lost"],
    ],
  ];
  test.each(cases)("%s", (_name, facts, sync, wanted) => {
    expect(verdicts([stream(facts)], sync)).toEqual(wanted);
  });

  test("the weakest stream decides, leases aside, and is named", () => {
    const streams = [stream({ replicas: 3 }), stream({ name: "troupe_mail", role: "mail" })];
    const lost = explainSurvival(streams, everyTwoMinutes).find(({ mishap }) => mishap === "a disk is lost");
    expect(lost?.text).toContain("Everything in troupe_mail:");
    const leases = stream({ role: "cluster", storage: "memory" });
    expect(verdicts([stream(), leases], always)).toEqual(["kept", "kept", "kept", "lost"]);
  });
});

describe("findings", () => {
  const app = (facts: Partial<AppDiagnosis> = {}): AppDiagnosis => ({
    ...{ pools: { main: 64 }, streams: [stream()], survival: explainSurvival([stream()], always), unowned: 0 },
    workers: [
      {
        ...{ worker: "w", name: undefined, pools: ["main"], pid: 1, actors: [], isDraining: false },
        ...{ startedAt: undefined, partitions: 64, leaseMs: 1 },
      },
    ],
    mail: { stored: 0, timers: 0, waitingPartitions: 0, oldestWaitingMs: 0, duplicateWindowMs: 120_000 },
    deadLetters: 0,
    ...facts,
  });
  const diagnosis = (facts: Partial<Diagnosis> = {}): Diagnosis => ({
    app: "troupe",
    server: { name: "n", version: "2.15.1", cluster: undefined, address: "a:1", payloadBytesMax: 1_048_576 },
    user: { account: "$G", user: "", clockAheadMs: 1, roundTripMs: 2 },
    account: {
      ...{ storageBytes: 10, storageBytesMax: -1, memoryBytes: 0, memoryBytesMax: -1 },
      ...{ streams: 4, streamsMax: -1, consumers: 1, consumersMax: -1 },
    },
    sync: { ...always, source: "the server" },
    found: app(),
    otherApps: [],
    ...facts,
  });
  const texts = (facts: Partial<Diagnosis>) =>
    findingsOf(diagnosis(facts)).map(({ level, text }) => `${level}: ${text}`);

  test("there are none when all is well, and that is said", () => {
    expect(findingsOf(diagnosis())).toEqual([]);
    const text = printExamination({ diagnosis: diagnosis(), findings: [] }, plain, 0);
    expect(text).toContain("Nothing to complain about.");
    expect(text).toContain("disk sync        at each write (the server)");
  });

  test("a missing app and streams that lose mail are problems", () => {
    expect(texts({ found: undefined, otherApps: ["desk"] })).toEqual([
      "problem: There is no app named troupe on this server; it has: desk.",
    ]);
    const memory = [stream({ storage: "memory" })];
    expect(texts({ found: app({ streams: memory, survival: explainSurvival(memory, always) }) })[0]).toMatch(
      /^problem: The death/,
    );
    const limited = stream({ role: "mail", name: "troupe_mail", dropsOldest: true, bytesMax: 1_000 });
    expect(texts({ found: app({ streams: [limited] }) })[0]).toMatch(/^problem: troupe_mail drops its oldest/);
  });

  test("what an operator has to look at is a warning", () => {
    const user = { account: "$G", user: "", clockAheadMs: -90_000, roundTripMs: 2 };
    expect(texts({ user })).toEqual(["warning: The server's clock is 90 s behind this machine's."]);
    expect(texts({ found: app({ workers: [] }) })[0]).toMatch(/^warning: No worker runs/);
    expect(texts({ found: app({ unowned: 3, deadLetters: 2 }) })).toEqual([
      "warning: 3 partitions without an owner.",
      "warning: 2 messages could not be handled: kept, with the reason, as dead letters.",
    ]);
    const peers = [{ name: "n2", isCurrent: false, isOffline: true }];
    expect(texts({ found: app({ streams: [stream({ replicas: 3, peers })] }) })[0]).toContain("offline: n2");
  });

  test("in a cluster the doctor counts the copies: which are behind, how many may go, and what has only one", () => {
    const server = { ...diagnosis().server, cluster: "troupe" };
    const gone = { name: "n2", isCurrent: false, isOffline: true };
    const of = (replicas: number) => ({ server, found: app({ streams: [stream({ replicas, peers: [gone] })] }) });
    expect(findingsOf(diagnosis(of(3)))[0]?.remedy).toContain("When one more server goes, nothing can be written");
    expect(findingsOf(diagnosis(of(5)))[0]?.remedy).toContain("1 more server may go");
    const single = findingsOf(diagnosis({ server }));
    expect(single.map(({ level }) => level)).toEqual(["warning"]);
    expect(single[0]?.remedy).toContain("nats kv edit troupe_state --replicas=3");
    expect(findingsOf(diagnosis({ server, found: app({ streams: [stream({ replicas: 3 })] }) }))).toEqual([]);
  });

  test("a sync interval that cannot be read is a note that says where it stands", () => {
    const [finding] = findingsOf(diagnosis({ sync: undefined }));
    expect([finding?.level, finding?.remedy.includes("--monitor")]).toEqual(["note", true]);
    expect(syncOfVarz({ jetstream: { config: { sync_interval: 120_000_000_000 } } })).toEqual(everyTwoMinutes);
    expect(syncOfVarz({ jetstream: {} })).toBeUndefined();
  });
});

test("an actor lives in the pool that its type is registered in, with the owner of its partition if that one lives", () => {
  const entry = (key: string, value: object): KvEntry => ({
    ...{ key, value: Buffer.from(JSON.stringify(value)), revision: 1, operation: "put", writtenAtMs: 1_000 },
  });
  const pools = { main: 4, other: 2 };
  const home = partitionOf("counter", "c1", 2);
  const cluster = readCluster(
    [
      entry("worker.w1", { pools: ["other"], types: { counter: 1 }, pid: 7 }),
      entry("type.counter", { pool: "other", schema: 1 }),
      entry(`partition.other.${home}`, { owner: "w1", epoch: 2 }),
      entry(`cursor.other.${home}`, { epoch: 2, cursor: 9 }),
      entry("partition.main.0", { owner: "dead", epoch: 5 }),
    ],
    pools,
    2_500,
  );
  expect(cluster.workers).toMatchObject([{ worker: "w1", pools: ["other"], pid: 7, partitions: 1, leaseMs: 1_500 }]);
  expect(placeOf("counter.c1", cluster, pools, "main")).toEqual({
    ...{ pool: "other", partition: home, owner: "w1", epoch: 2, cursor: 9 },
  });
  expect(cluster.partitions.find(({ pool, partition }) => pool === "main" && partition === 0)?.owner).toBeUndefined();
});
