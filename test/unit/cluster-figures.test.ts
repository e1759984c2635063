import { expect, test } from "vitest";
import type { ClusterSeen } from "../../src/monitoring/cluster-figures.ts";
import { clusterSeries, workflowsOf } from "../../src/monitoring/cluster-figures.ts";

const stream = {
  ...{ role: "memory", bytes: 900, messages: 3 },
  ...{ bytesMax: undefined, bytesPerHour: undefined, fullAtMs: undefined },
};
const kind = { kind: "user", entries: 2, facts: 1, bytes: 80, bytesPerHour: undefined };
const nobody: ClusterSeen["cluster"] = { workers: [], partitions: [], typePools: new Map() };

function seriesOf(memory: Partial<ClusterSeen["memory"]>, runs: ClusterSeen["runs"] = []) {
  const all = clusterSeries({
    ...{ atMs: 1_000_000, cluster: nobody, runs },
    memory: { isComplete: true, kinds: [], streams: [], ...memory },
  });
  return Object.fromEntries(all.map(({ name, labels, value }) => [[name, ...Object.values(labels)].join(" "), value]));
}

test("C1: what is not known is left out", () => {
  expect(seriesOf({})).toEqual({});
  expect(seriesOf({ streams: [stream] })).toEqual({
    "troupe.stream.bytes memory": 900,
    "troupe.stream.messages memory": 3,
  });
  expect(seriesOf({ kinds: [kind] })).toEqual({
    "troupe.memory.entries user": 2,
    "troupe.memory.facts user": 1,
    "troupe.memory.bytes user": 80,
  });
  expect(seriesOf({ kinds: [kind], isComplete: false })).toEqual({});
});

test("a limit comes with the time until it is reached, which is never negative; the dead stream with what it keeps", () => {
  const limited = { ...stream, role: "dead", bytesMax: 1_000, bytesPerHour: 360, fullAtMs: 2_000_000 };
  expect(seriesOf({ streams: [limited] })).toMatchObject({
    ...{ "troupe.dead.kept": 3, "troupe.stream.limit dead": 1_000, "troupe.stream.growth dead": 360 },
    "troupe.stream.full_in dead": 1_000,
  });
  const full = { ...limited, fullAtMs: 999_000 };
  expect(seriesOf({ streams: [full] })).toMatchObject({ "troupe.stream.full_in dead": 0 });
});

test("C1: a workflow's runs stand at every phase", () => {
  expect(seriesOf({}, new Map([["ship", { phases: { failed: 2 } }]]))).toEqual({
    ...{ "troupe.workflow.runs ship new": 0, "troupe.workflow.runs ship running": 0 },
    ...{ "troupe.workflow.runs ship held": 0, "troupe.workflow.runs ship compensating": 0 },
    ...{ "troupe.workflow.runs ship completed": 0, "troupe.workflow.runs ship failed": 2 },
    "troupe.workflow.runs ship cancelled": 0,
  });
});

test("C1: a workflow that a worker ever had is known by the type of its runs, not by that of its tasks", () => {
  const types = ["workflow-ship", "workflow-ship-task", "workflow-big-one", "writer", "my-workflow-x"];
  expect(workflowsOf({ typePools: new Map(types.map((type) => [type, "main"])) })).toEqual(["ship", "big-one"]);
});

test("a partition in which nothing waits is 0 messages and 0 seconds; a pool that nobody serves has 0 workers", () => {
  const partition = { pool: "gpu", partition: 3, owner: null, epoch: 1, cursor: 9, needs: {} };
  const cluster: ClusterSeen["cluster"] = {
    ...nobody,
    partitions: [
      { ...partition, lag: 0, oldestMs: null },
      { ...partition, partition: 4, lag: 2, oldestMs: 1_500 },
    ],
  };
  const memory = { isComplete: true, kinds: [], streams: [] };
  const all = clusterSeries({ atMs: 0, cluster, runs: [], memory });
  const values = all.map(({ name, labels, value }) => [name, labels.partition, value]);
  expect(values).toEqual([
    ["troupe.workers", undefined, 0],
    ["troupe.partitions.unowned", undefined, 2],
    ["troupe.mailbox.lag", "3", 0],
    ["troupe.mailbox.oldest", "3", 0],
    ["troupe.mailbox.lag", "4", 2],
    ["troupe.mailbox.oldest", "4", 1.5],
  ]);
});
