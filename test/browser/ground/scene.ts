// What the views Workflows, Memory and Messages are looked at with: a run that waits for a person, memories with a past, a state that
// several want at once, and names and texts that mean harm.

import { Service, triage } from "../../../examples/incident-triage/triage.ts";
import type { Troupe } from "../../../src/index.ts";
import { Prize, Rival, Tally, thePrize } from "./actors.ts";

/** Would run when it were taken for HTML, and turns the direction of what comes after it. */
export const hostile = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>\u202Eevil\u2066';
/** One line without a place to break it. */
export const longLine = "x".repeat(100_000);

/** An incident that the model cannot mend: it waits for a decision. Resolves when it does. */
export async function startWaitingRun(troupe: Troupe, id: string, report = "checkout is down"): Promise<void> {
  const service = `service-of-${id.slice(0, 20)}`;
  await troupe.actor(Service, service).ask.ailFrom("rollback");
  const run = troupe.actor(triage.run, id);
  await run.ask.start({ service, customer: "acme-1", report, settleMs: 1 });
  await untilWaiting(troupe, id);
}

async function untilWaiting(troupe: Troupe, id: string): Promise<void> {
  for await (const change of troupe.actor(triage.run, id).watch()) {
    if (change.kind !== "committed") continue;
    if (Object.values(change.state.marks).some(({ is }) => is === "waiting")) return;
  }
}

/** What stands in a memory afterwards: `entries` entries, the fact `city` with three versions, one hostile fact. */
export async function fillMemory(troupe: Troupe, user: string, entries: number): Promise<void> {
  const memory = await troupe.memory();
  const log = memory.log({ user });
  for (let from = 0; from < entries; from += 50) {
    const texts = Array.from({ length: Math.min(50, entries - from) }, (_, at) => textOf(from + at));
    await Promise.all(texts.map((text, at) => log.append({ text, speaker: (from + at) % 2 === 0 ? "Anna" : "desk" })));
  }
  const facts = memory.facts({ user });
  for (const city of ["Bergen", "Oslo", "Tromsø"]) await facts.set("city", { name: city, since: city.length });
  await facts.set("remark", hostile);
}

const textOf = (nth: number): string =>
  nth === 7 ? "I would like a refund for the blue teapot, order 4711" : `line ${nth}: nothing of note was said`;

export async function fillHostile(troupe: Troupe): Promise<void> {
  const memory = await troupe.memory();
  await memory.log({ user: hostile }).append([{ text: hostile, speaker: hostile }, { text: longLine }]);
  await memory.facts({ user: hostile }).set(hostile, { [hostile]: longLine });
  await troupe.actor(Tally, hostile).ask.add({ by: 1, note: longLine });
  await troupe.actor(Tally, hostile).tell.fail(hostile + longLine.slice(0, 5_000));
}

/** Several at once: some of them lose, when there are so many that they are not all in one worker, where they take turns. */
export async function strive(troupe: Troupe, rivals: number, times: number): Promise<void> {
  await (await troupe.states()).of(Prize).create(thePrize, { claims: 0 });
  const all = Array.from({ length: rivals }, (_, nth) => troupe.actor(Rival, `r${nth}`));
  await Promise.all(all.map((rival) => rival.ask.claim(times)));
}
