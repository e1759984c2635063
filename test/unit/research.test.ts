// The research pipeline: it fans out, joins what comes back, and repeats until a draft is good enough.

import { expect, test } from "vitest";
import { research, Source } from "../../examples/research-pipeline/research.ts";
import { createSimulatedClock, createTestTroupe } from "../../src/testing.ts";
import { isOver } from "../../src/workflow/run.ts";

interface Case {
  readonly name: string;
  /** Sources that can be read. */
  readonly full: readonly string[];
  readonly goodFrom: number;
  readonly phase: string;
  readonly findings: readonly string[];
  readonly drafts: number;
}

const table: readonly Case[] = [
  {
    name: "all sources can be read",
    full: ["a", "b", "c"],
    goodFrom: 1,
    phase: "completed",
    findings: ["a", "b", "c"],
    drafts: 1,
  },
  {
    name: "one cannot, and two are enough",
    full: ["a", "c"],
    goodFrom: 3,
    phase: "completed",
    findings: ["a", "c"],
    drafts: 3,
  },
  {
    name: "too few can: somebody is asked",
    full: ["b"],
    goodFrom: 2,
    phase: "completed",
    findings: ["b", "colleagues"],
    drafts: 2,
  },
  {
    name: "a draft that is never good",
    full: ["a", "b"],
    goodFrom: 99,
    phase: "failed",
    findings: ["a", "b"],
    drafts: 5,
  },
];

for (const { name, full, goodFrom, phase, findings, drafts } of table) {
  test(`${name}: ${phase} after ${drafts} drafts on ${findings.join(", ")}`, async () => {
    const clock = createSimulatedClock({ seed: 1 });
    const troupe = await clock.runFor(createTestTroupe({ actors: [...research.actors, Source], clock }));
    for (const id of full) await clock.runFor(troupe.actor(Source, id).tell.fill(`${id} says so`));
    const run = troupe.actor(research.run, "r-1");
    await clock.runFor(run.ask.start({ question: "Why?", sources: ["a", "b", "c"], goodFrom }));
    let at = (await clock.runFor(run.get()))?.state;
    for (let turns = 0; turns < 100 && !(at !== undefined && isOver(at.phase)); turns += 1) {
      await clock.advance(500);
      at = (await clock.runFor(run.get()))?.state;
    }
    expect(at?.phase).toBe(phase);
    expect(at?.state.findings.map(({ source }) => source).sort()).toEqual(findings);
    expect(at?.state.reviews).toBe(drafts);
    if (phase === "failed") expect(at?.failure?.code).toBe("LOOP_EXHAUSTED");
    else expect(at?.result).toEqual({ draft: at?.state.draft, grade: goodFrom });
    for (const id of full) expect(await clock.runFor(troupe.actor(Source, id).ask.readers())).toBe(1);
    await clock.runFor(troupe.close());
  });
}
