// The parts of the runs on real processes that decide without acting: schedules, arguments, the fold over writes.

import { expect, test } from "vitest";
import { readCommand } from "../cluster/options.ts";
import type { Report } from "../cluster/report.ts";
import { printReport } from "../cluster/report.ts";
import { drawSchedule, faultForms, faultKinds, kindsFor } from "../cluster/schedule.ts";
import type { CommittedWrite } from "../cluster/stale-writes.ts";
import { StaleWrites } from "../cluster/stale-writes.ts";
import { Dice } from "../sim/dice.ts";

test("a seed draws the same faults again, another one others, and each kind has its turn", () => {
  const draw = (seed: number) => drawSchedule(new Dice(seed), { kinds: faultKinds, lengthMs: 120_000, everyMs: 2_000 });
  const planned = draw(7);
  expect(draw(7)).toEqual(planned);
  expect(draw(8)).not.toEqual(planned);
  expect(new Set(planned.map(({ kind }) => kind))).toEqual(new Set(faultKinds));
  for (const { kind, atMs, forMs, pick } of planned) {
    const form = faultForms[kind];
    const [least, most] = "forMs" in form ? form.forMs : [1, 1];
    expect(forMs).toBeGreaterThanOrEqual(least);
    expect(forMs).toBeLessThanOrEqual(most);
    expect(atMs).toBeLessThan(120_000);
    expect(pick).toBeLessThan(1);
  }
  expect(drawSchedule(new Dice(1), { kinds: [], lengthMs: 10_000, everyMs: 100 })).toEqual([]);
});

test("leaders are lost only where there are several servers", () => {
  expect(kindsFor(1)).not.toContain("kill-leader");
  expect(kindsFor(3)).toEqual(faultKinds);
});

const optionsOf = (...args: string[]) => {
  const command = readCommand(args, 42);
  return command.kind === "run" ? command.options : expect.unreachable(JSON.stringify(command));
};

test("arguments: what is said wins, what is not said is a minute with everything", () => {
  expect(optionsOf()).toMatchObject({ seed: 42, seconds: 60, servers: 1, workers: 3, faults: kindsFor(1) });
  const long = optionsOf("--minutes", "10", "--seed", "7", "--servers", "3");
  expect(long).toMatchObject({ seed: 7, seconds: 600, servers: 3, faults: faultKinds });
  expect(optionsOf("--faults", "none", "--workloads", "tokens")).toMatchObject({ faults: [], workloads: ["tokens"] });
  expect(readCommand(["--help"], 1).kind).toBe("help");
});

test.each([
  ["--minutes", "0"],
  ["--seed", "-1"],
  ["--seed", ""],
  ["--servers", "2"],
  ["--workers", "0"],
  ["--faults", "kill-wroker"],
  ["--faults", "kill-leader"],
  ["--workloads", "all"],
  ["--sabotage", "nothing"],
  ["--what", "7"],
])("arguments: %s %j is refused with what it takes", (option, value) => {
  const command = readCommand([option, value], 1);
  expect(command).toMatchObject({ kind: "refused", reason: expect.stringContaining(option) });
});

const write = (epoch: number, writtenAtMs: number, key = "bag.b1"): CommittedWrite => {
  return { key, partition: 3, epoch, commit: `w-${epoch}`, writtenAtMs };
};

test("S1: an epoch that goes down at an actor is noticed, whoever wrote in between elsewhere", () => {
  const writes = new StaleWrites();
  for (const each of [write(1, 10), write(2, 20), write(1, 25, "bag.b2"), write(2, 30)]) writes.committed(each);
  expect(writes.broken).toEqual([]);
  writes.committed(write(1, 40));
  expect(writes.broken).toEqual([expect.stringMatching(/^S1: bag\.b1 .*epoch 1 .*after epoch 2/)]);
});

test("a write after a later epoch stands is late by the time since then, in whatever order the two are heard of", () => {
  const writes = new StaleWrites();
  writes.committed(write(1, 100));
  writes.committed(write(1, 130, "bag.b2"));
  writes.owned(3, 1, 50);
  writes.owned(3, 2, 120);
  writes.owned(3, 2, 500);
  writes.owned(4, 7, 60);
  expect(writes.late).toEqual([{ write: write(1, 130, "bag.b2"), lateMs: 10 }]);
  expect(writes.takeovers).toBe(1);
});

test("S2: an owner that writes for longer than a lease lingers, unless what it wrote was held up", () => {
  const writes = new StaleWrites();
  writes.owned(3, 2, 1_000);
  writes.committed(write(1, 4_500));
  expect(writes.lingering(() => 0)).toEqual([expect.stringMatching(/^S2: bag\.b1 .* 3500 ms/)]);
  expect(writes.lingering(() => 4_400)).toEqual([]);
  expect(writes.lingering(() => 1_400)).toHaveLength(1);
});

test("the table names the seed, counts by fault and workload, and what was broken", () => {
  const report: Report = {
    ...{
      seed: 7,
      servers: 3,
      workers: 3,
      seconds: 600,
      takeovers: 12,
      commits: 5,
      restMs: 150,
      longestOutageMs: 1_500,
    },
    faults: [{ kind: "kill-worker", times: 4, longestOutageMs: 420 }],
    workloads: [{ name: "tokens", operations: 10, acknowledged: 7, unknown: 2, refused: 1, lost: 1, repeated: 0 }],
    pulses: { asked: 100, answered: 99 },
    lateWrites: { count: 0, longestMs: 0 },
    broken: ["T1: c0-7 (acknowledged) at bag.b1 took effect 0 times, 1 are due"],
  };
  const text = printReport(report);
  for (const part of [
    "seed 7, three servers",
    "| kill-worker |     4 |",
    "| tokens   |",
    "BROKEN 1 times",
    "T1: c0-7",
  ]) {
    expect(text).toContain(part);
  }
});
