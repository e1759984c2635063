// Seeds that once failed. They run before all others.
//
// A seed means another run as soon as the runtime, or the simulation itself, does one thing more or less: what it found
// is not what it finds tomorrow. So what was understood has a test of its own as well, which is named here.

export interface KeptSeed {
  readonly seed: number;
  /** Day on which it failed. */
  readonly failedOn: string;
  /** What it showed, and what was done about it. */
  readonly story: string;
}

export const keptSeeds: readonly KeptSeed[] = [
  {
    seed: 106_136,
    failedOn: "2026-11-22",
    story:
      "P7: an owner buried a message, died, and the next one applied it. A message is given up on by the commit that passes it.",
  },
  { seed: 107_135, failedOn: "2026-11-22", story: "P7: as 106136." },
  {
    seed: 11_173,
    failedOn: "2026-11-22",
    story:
      "P5: the simulation lost a message and let what was sent behind it on the same connection arrive. Test: `what lingers behind a lost message is lost with it` in mail-memory-faults.test.ts.",
  },
  {
    seed: 11_980,
    failedOn: "2026-11-22",
    story:
      "E2: a worker that had slept through its lease answered a query from memory before its timers ran. It looks at its lease first.",
  },
  {
    seed: 11_986,
    failedOn: "2026-11-22",
    story:
      "E2: an owner whose connection was cut for a moment answered reads after another had taken over. The epoch stands in the subject of an ask.",
  },
  { seed: 12_286, failedOn: "2026-11-22", story: "E2: as 11980." },
  { seed: 20_713, failedOn: "2026-11-22", story: "E2: as 11980." },
  { seed: 27_269, failedOn: "2026-11-22", story: "E2: as 11986." },
  {
    seed: 146,
    failedOn: "2026-11-22",
    story:
      "An ask with a deadline of 500 ms ended seconds later, since it wanted to explain why nobody answered. Test: `an ask ends in time, also when nobody can say why nobody answers` in asker.test.ts.",
  },
];
