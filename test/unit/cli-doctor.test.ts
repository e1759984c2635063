// What the doctor concludes from what it has seen.

import { describe, expect, test } from "vitest";
import { printExamination } from "../../src/cli/print/doctor.ts";
import { plain } from "../../src/cli/text.ts";
import type { AppDiagnosis, Diagnosis } from "../../src/monitoring/doctor/diagnosis.ts";
import type { Verdict } from "../../src/monitoring/doctor/durability.ts";
import { explainSurvival } from "../../src/monitoring/doctor/durability.ts";
import { findingsOf } from "../../src/monitoring/doctor/findings.ts";
import type { PoolFacts } from "../../src/monitoring/pool-picture.ts";
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

  test("the weakest stream decides, that of the cursors too, and is named", () => {
    const streams = [stream({ replicas: 3 }), stream({ name: "troupe_mail", role: "mail" })];
    const lost = explainSurvival(streams, everyTwoMinutes).find(({ mishap }) => mishap === "a disk is lost");
    expect(lost?.text).toContain("Everything in troupe_mail:");
    const cluster = stream({ role: "cluster", storage: "memory" });
    expect(verdicts([stream(), cluster], always)).toEqual(["kept", "lost", "lost", "lost"]);
  });
});

const none = { partitions: 0, waitingPartitions: 0, lag: 0, oldestMs: null };
const pool = (facts: Partial<PoolFacts> = {}): PoolFacts => ({
  ...{ pool: "main", partitions: 64, workers: 1, draining: 0, types: [], unserved: [], unmet: [] },
  ...{ owned: { ...none, partitions: 64 }, unowned: none },
  ...facts,
});

describe("findings", () => {
  const app = (facts: Partial<AppDiagnosis> = {}): AppDiagnosis => ({
    ...{ pools: { main: 64 }, streams: [stream()], survival: explainSurvival([stream()], always), unowned: 0 },
    workers: [
      {
        ...{ worker: "w", name: null, pools: ["main"], pid: 1, actors: [], types: {}, isDraining: false },
        ...{ startedAt: null, partitions: 64, lag: 0, leaseMs: 1 },
      },
    ],
    byPool: [pool()],
    mail: { stored: 0, timers: 0, waiting: 0, waitingPartitions: 0, oldestWaitingMs: 0, duplicateWindowMs: 120_000 },
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
    expect(texts({ found: app({ deadLetters: 2 }) })).toEqual([
      "warning: 2 messages could not be handled: kept, with the reason, as dead letters.",
    ]);
    const peers = [{ name: "n2", isCurrent: false, isOffline: true }];
    expect(texts({ found: app({ streams: [stream({ replicas: 3, peers })] }) })[0]).toContain("offline: n2");
  });

  test("a pool that nobody serves, a partition without an owner and a type that is missing say what waits for them", () => {
    const waiting = { partitions: 64, waitingPartitions: 2, lag: 12, oldestMs: 300_000 };
    const pools: (readonly [Partial<PoolFacts>, string])[] = [
      [
        { pool: "gpu", workers: 0, types: ["render"], owned: none, unowned: waiting },
        "No worker serves the pool gpu (render): what is told waits, and asks fail. 12 messages wait there, the oldest for 5 min.",
      ],
      [{ workers: 0, draining: 1 }, "All workers of the pool main drain: nobody takes its partitions."],
      [{ unowned: { ...none, partitions: 3 } }, "3 partitions of the pool main without an owner."],
      [
        { types: ["a", "b"], unserved: ["b"] },
        "No worker of the pool main has the type b: what is told to it waits, and asks fail.",
      ],
      [
        { unmet: [{ partition: 7, needs: { order: 2 } }] },
        "1 partition of the pool main holds what no worker can serve, as 7, which needs order of schema 2.",
      ],
    ];
    for (const [facts, text] of pools) {
      expect(texts({ found: app({ byPool: [pool(facts)] }) })).toEqual([`warning: ${text}`]);
    }
    // A pool that nothing belongs to needs nobody.
    const empty = pool({ workers: 0, owned: none, unowned: { ...none, partitions: 64 } });
    expect(texts({ found: app({ byPool: [empty] }) })).toEqual([]);
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
