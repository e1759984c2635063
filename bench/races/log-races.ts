// The races of logs: every operation that writes one.

import type { Json } from "../../src/core/codec.ts";
import { isTroupeError } from "../../src/core/errors.ts";
import { ContextLog } from "../../src/memory/context-log.ts";
import { readHead } from "../../src/memory/head.ts";
import type { Appended } from "../../src/memory/log-calls.ts";
import { type Scope, scopeKey } from "../../src/memory/scope.ts";
import type { Acknowledged, Race, RacePlace } from "./race.ts";

const logOf = ({ stores, scope }: RacePlace): ContextLog => new ContextLog({ stores, scope });
const headOf = async ({ stores, scope }: RacePlace) => (await readHead(stores.entries, scope)).head;
const positionsOf = ({ entries }: Appended): number[] => entries.map(({ position }) => position);

/** Entries that are there before the race; returns their positions. */
async function fill(place: RacePlace, count: number, isPinned = false): Promise<number[]> {
  const log = logOf(place);
  const positions: number[] = [];
  for (let at = 0; at < count; at += 10) {
    const entries = Array.from({ length: 10 }, (_, n) => ({ text: `before ${at + n}`, pinned: isPinned }));
    positions.push(...positionsOf(await log.append(entries)));
  }
  return positions;
}

/** Those whose entries stand where they were said to, each of their ids once, in the order in which they were given. */
async function keptEntries(place: RacePlace, all: readonly Acknowledged[]): Promise<readonly Acknowledged[]> {
  const entries = await logOf(place).read().toArray();
  const byPosition = new Map(entries.map((entry) => [entry.position, entry.id]));
  const ids = Map.groupBy(entries, ({ id }) => id);
  return all.filter(({ writer, what }) =>
    (what as readonly number[]).every((position, at) => {
      const id = `${writer}:${at}`;
      return byPosition.get(position) === id && ids.get(id)?.length === 1;
    }),
  );
}

const entriesOf = (writer: number, count: number, isPinned = false) =>
  Array.from({ length: count }, (_, at) => ({ text: `writer ${writer}`, id: `${writer}:${at}`, pinned: isPinned }));

function appending(name: string, count: number): Race {
  return {
    name,
    prepare: async () => 0,
    write: async (place, writer) => positionsOf(await logOf(place).append(entriesOf(writer, count))),
    kept: keptEntries,
  };
}

/** All writers are one that does not know whether it was heard. */
const appendSameId: Race = {
  name: "log.append, one id",
  prepare: async () => 0,
  write: async (place) => positionsOf(await logOf(place).append({ text: "once", id: "same" })),
  kept: async (place, all) => {
    const entries = await logOf(place).read().toArray();
    return all.filter(({ what }) => entries.length === 1 && entries[0]?.position === (what as readonly number[])[0]);
  },
};

const appendPinned: Race = {
  name: "log.append pinned",
  prepare: async () => 0,
  write: async (place, writer) => positionsOf(await logOf(place).append(entriesOf(writer, 1, true))),
  kept: async (place, all) => {
    const { pins } = await headOf(place);
    const kept = await keptEntries(place, all);
    return kept.filter(({ what }) => pins.includes((what as readonly number[])[0] ?? 0));
  },
};

const pin: Race = {
  name: "log.pin",
  prepare: (place) => fill(place, 100),
  write: async (place, writer, given) => {
    const position = (given as readonly number[])[writer % 100] ?? 0;
    await logOf(place).pin(position);
    return position;
  },
  kept: async (place, all) => {
    const { pins } = await headOf(place);
    return all.filter(({ what }) => pins.includes(Number(what)));
  },
};

const unpin: Race = {
  name: "log.unpin",
  prepare: (place) => fill(place, 100, true),
  write: async (place, writer, given) => {
    const position = (given as readonly number[])[writer % 100] ?? 0;
    await logOf(place).unpin(position);
    return position;
  },
  kept: async (place, all) => {
    const { pins } = await headOf(place);
    return all.filter(({ what }) => !pins.includes(Number(what)));
  },
};

/** Half of the writers append, which must not get lost under the summaries of the others. */
const compact: Race = {
  name: "log.compact, append",
  prepare: (place) => fill(place, 50),
  write: async (place, writer) => {
    const log = logOf(place);
    if (writer % 2 === 0) return positionsOf(await log.append(entriesOf(writer, 1)));
    const outcome = await log.compact({ keepLast: 5, summarize: () => `summary of ${writer}` });
    return outcome.kind === "compacted" ? [outcome.summary.position] : undefined;
  },
  kept: async (place, all) => {
    const { summary } = await headOf(place);
    const summaries = all.filter(({ writer }) => writer % 2 === 1);
    const appended = await keptEntries(
      place,
      all.filter(({ writer }) => writer % 2 === 0),
    );
    const entries = await logOf(place).read().toArray();
    const standing = new Map(entries.map(({ position, text }) => [position, text]));
    // The one in force is one that was acknowledged; the others gave way to it.
    const isKnown = summaries.some(({ what }) => (what as readonly number[])[0] === summary?.position);
    const kept = summaries.filter(
      ({ writer, what }) => standing.get((what as readonly number[])[0] ?? 0) === `summary of ${writer}`,
    );
    return isKnown || summaries.length === 0 ? [...appended, ...kept] : appended;
  },
};

/** Half of the writers append behind what the others cut off in front. */
const truncate: Race = {
  name: "log.truncate, append",
  prepare: (place) => fill(place, 100),
  write: async (place, writer, given) => {
    const log = logOf(place);
    if (writer % 2 === 0) return positionsOf(await log.append(entriesOf(writer, 1)));
    const before = (given as readonly number[])[writer % 100] ?? 0;
    await log.truncate({ before });
    return before;
  },
  kept: async (place, all, given) => {
    const cuts = all.filter(({ writer }) => writer % 2 === 1);
    const appended = await keptEntries(
      place,
      all.filter(({ writer }) => writer % 2 === 0),
    );
    const positions = new Set((await logOf(place).read().toArray()).map(({ position }) => position));
    const first = Math.max(0, ...cuts.map(({ what }) => Number(what)));
    const isWhole = (given as readonly number[]).every((position) => positions.has(position) === position >= first);
    return isWhole ? [...appended, ...cuts] : appended;
  },
};

const targetOf = (scope: Scope, name: string): Scope => ({ ...scope, session: `${scope.session}-${name}` });

/** Each writer forks the same log to the same scope, at an entry of its own: one of them does. */
const forkSame: Race = {
  name: "log.fork, one target",
  prepare: (place) => fill(place, 100),
  write: async (place, writer, given) => {
    const at = (given as readonly number[])[writer % 100] ?? 0;
    return refusedAsTaken(logOf(place).fork(targetOf(place.scope, "fork"), { at }), at);
  },
  kept: async ({ stores, scope }, all) => {
    const { base } = await headOf({ stores, scope: targetOf(scope, "fork") });
    return all.filter(({ what }) => base?.upTo === what && base.scope === scopeKey(scope));
  },
};

const forkMany: Race = {
  name: "log.fork, many targets",
  prepare: (place) => fill(place, 10),
  write: async (place, writer) => {
    await logOf(place).fork(targetOf(place.scope, `${writer}`));
    return writer;
  },
  kept: async ({ stores, scope }, all) => {
    const { forks } = await headOf({ stores, scope });
    const heads = await Promise.all(all.map(({ writer }) => headOf({ stores, scope: targetOf(scope, `${writer}`) })));
    return all.filter(
      ({ writer }, at) =>
        heads[at]?.base?.scope === scopeKey(scope) && forks.includes(scopeKey(targetOf(scope, `${writer}`))),
    );
  },
};

/** That somebody else's fork is there already is told with OPTION_INVALID. */
async function refusedAsTaken(forking: Promise<void>, at: number): Promise<Json | undefined> {
  try {
    await forking;
    return at;
  } catch (thrown) {
    if (isTroupeError(thrown) && thrown.code === "OPTION_INVALID") return undefined;
    throw thrown;
  }
}

export const logRaces: readonly Race[] = [
  appending("log.append", 1),
  appending("log.append many", 5),
  appendSameId,
  appendPinned,
  pin,
  unpin,
  compact,
  truncate,
  forkSame,
  forkMany,
];
