// What must be true of a run when everything has come to rest: the promises P2 to P5 and P7, counted.

import { flowKey, neverTold, openEndOf, toldIds } from "./flow.ts";
import type { Deed, Ledger } from "./ledger.ts";
import { idsOf } from "./ledger.ts";
import type { Buried, Witness } from "./witness.ts";

/** How often each id stands in an actor's state. */
function countsOf(ledger: Ledger, key: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const id of idsOf(ledger.committed(key))) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

const bounds = { done: [1, 1], none: [0, 0], doubt: [0, 1], pending: [0, 1] } as const;

/** Where a deed leaves its id first. */
export function firstKeyOf({ id, what }: Deed): string {
  switch (what.kind) {
    case "note":
      return `tally.${what.to}`;
    case "pass":
    case "check":
      return `relay.${what.relay}`;
    case "hop":
      return `relay.${what.path[0]}`;
    case "timer":
      return `bell.${what.bell}`;
    case "run":
      return flowKey(id);
  }
}

const isDoomed = ({ what }: Deed) =>
  (what.kind === "note" && what.manner === "poison") || (what.kind === "pass" && what.fails);

/**
 * A told check may rightly be given up on: what it asks may stay unreachable for longer than it is tried. So may a slow
 * pass: its turns may all last too long.
 */
const isMoody = ({ what }: Deed) => what.kind === "check" || (what.kind === "pass" && what.isSlow);
const mayBeBuried = (deed: Deed) => deed.verb === "tell" && (isDoomed(deed) || isMoody(deed));

/** What is not there yet though it must come: empty when the run has come to its end. */
export function missing(ledger: Ledger, witness: Witness): readonly string[] {
  const gone = new Set(witness.buried.map(({ id }) => id));
  const late: string[] = [...witness.unfinished];
  for (const key of ledger.keys.filter((each) => each.startsWith("bell."))) {
    for (const id of ledger.timersOf(key).standing) late.push(`the timer of ${id} in ${key} has not rung`);
  }
  for (const deed of ledger.deeds) {
    const { id, what } = deed;
    if (deed.outcome === "pending") late.push(`${id} is not answered`);
    const has = (key: string, wanted: string) => idsOf(ledger.committed(key)).includes(wanted);
    if (deed.outcome === "done" && !gone.has(id) && !has(firstKeyOf(deed), id)) late.push(`${id} is not applied`);
    if (what.kind === "pass" && has(firstKeyOf(deed), id)) {
      for (let n = 0; n < what.copies; n += 1) {
        if (!has(`tally.${what.to}`, `${id}#${n}`)) late.push(`${id}#${n} has not arrived`);
      }
    }
    if (what.kind === "run" && has(firstKeyOf(deed), id)) {
      const open = openEndOf(id, ledger.committed(flowKey(id)));
      if (open !== undefined) late.push(open);
      for (const told of toldIds(id)) if (!has(`tally.${what.to}`, told)) late.push(`${told} has not arrived`);
    }
    if (what.kind !== "hop" || !has(firstKeyOf(deed), id)) continue;
    for (const key of [...what.path.map((each) => `relay.${each}`), `tally.${what.to}`]) {
      if (!has(key, id)) late.push(`${id} has not come to ${key}`);
    }
  }
  return late;
}

/**
 * Everything that is wrong with a run that has come to its end. `isOrdered`: also what a client gave up on in doubt stands
 * in its order, when it stands.
 */
export function checkEnd(ledger: Ledger, witness: Witness, isOrdered: boolean): void {
  const { buried } = witness;
  const counts = new Map(ledger.keys.map((key) => [key, countsOf(ledger, key)]));
  const countOf = (key: string, id: string) => counts.get(key)?.get(id) ?? 0;
  for (const late of missing(ledger, witness)) ledger.fault(`liveness: ${late}`);
  for (const deed of ledger.deeds) checkDeed(ledger, deed, countOf, buried);
  for (const key of ledger.keys) {
    for (const [id, count] of counts.get(key) ?? []) {
      if (count > 1) ledger.fault(`P2: ${id} took effect ${count} times in ${key}`);
    }
  }
  checkOrder(ledger, isOrdered);
}

function checkDeed(
  ledger: Ledger,
  deed: Deed,
  countOf: (key: string, id: string) => number,
  buried: readonly Buried[],
): void {
  const { id, verb, what, outcome } = deed;
  const count = countOf(firstKeyOf(deed), id);
  const [least, most] = isDoomed(deed) ? [0, 0] : bounds[outcome];
  const graves = buried.filter((each) => each.id === id);
  const isExcused = graves.length > 0 && mayBeBuried(deed);
  if (count > most || (count < least && !isExcused)) {
    ledger.fault(`P2: ${verb} ${id} (${what.kind}, ${outcome}) took effect ${count} times`);
  }
  if (graves.length > 1) ledger.fault(`P7: ${id} was buried ${graves.length} times`);
  if (graves.length > 0 && !mayBeBuried(deed)) ledger.fault(`P7: ${verb} ${id} was buried: ${graves[0]?.code}`);
  if (graves.length > 0 && count > 0) ledger.fault(`P7: ${id} was buried, and took effect`);
  if (verb === "tell" && isDoomed(deed) && outcome === "done" && graves.length === 0) {
    ledger.fault(`P7: ${id} cannot be handled and was not kept`);
  }
  if (what.kind === "pass") {
    for (let n = 0; n < what.copies; n += 1) {
      const copies = countOf(`tally.${what.to}`, `${id}#${n}`);
      if (copies !== count) ledger.fault(`P3: ${id} was passed on ${count} times, ${id}#${n} counted ${copies} times`);
    }
  }
  if (what.kind === "hop") {
    for (const key of [...what.path.map((each) => `relay.${each}`), `tally.${what.to}`]) {
      const there = countOf(key, id);
      if (there !== count) ledger.fault(`P3: ${id} began ${count} times, and counts ${there} times in ${key}`);
    }
  }
  if (what.kind === "run") {
    for (const told of toldIds(id)) {
      const times = countOf(`tally.${what.to}`, told);
      if (times !== count) ledger.fault(`P3: the run ${id} began ${count} times, and ${told} counts ${times} times`);
    }
    if (countOf(`tally.${what.to}`, neverTold(id)) > 0) ledger.fault(`P3: ${neverTold(id)} was told by what failed`);
  }
  if (what.kind === "check" && count > countOf(`tally.${what.to}`, id)) {
    ledger.fault(`P4: ${id} had an answer from tally.${what.to}, which does not know it`);
  }
}

/** P5: what one sender told one actor stands there in the order of the calls. */
function checkOrder(ledger: Ledger, isOrdered: boolean): void {
  const isInOrder = ({ verb, outcome }: Deed) => verb === "tell" && (isOrdered || outcome === "done");
  const told = new Map(ledger.deeds.filter(isInOrder).map((deed) => [deed.id, deed]));
  for (const key of ledger.keys) {
    const last = new Map<string, Deed>();
    for (const id of idsOf(ledger.committed(key))) {
      const deed = told.get(id);
      if (deed === undefined || firstKeyOf(deed) !== key) continue;
      const before = last.get(deed.client);
      if (before !== undefined && before.order > deed.order) {
        ledger.fault(`P5: in ${key} ${before.id} stands before ${id}, which ${deed.client} told earlier`);
      }
      last.set(deed.client, deed);
    }
  }
  const passes = new Map(ledger.deeds.map((deed) => [deed.id, deed]));
  for (const key of ledger.keys.filter((each) => each.startsWith("relay."))) {
    const sent = idsOf(ledger.committed(key)).flatMap((id) => {
      const what = passes.get(id)?.what;
      return what?.kind === "pass"
        ? Array.from({ length: what.copies }, (_, n) => [what.to, `${id}#${n}`] as const)
        : [];
    });
    for (const to of new Set(sent.map(([receiver]) => receiver))) {
      const wanted: readonly string[] = sent.filter(([receiver]) => receiver === to).map(([, id]) => id);
      const isOurs = new Set<string>(wanted);
      const found = idsOf(ledger.committed(`tally.${to}`)).filter((id) => isOurs.has(id));
      if (found.join() !== wanted.join())
        ledger.fault(`P5: ${key} sent ${wanted.join()} to ${to}, it has ${found.join()}`);
    }
  }
}
