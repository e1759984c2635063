// The races of facts: every operation that writes one.

import type { Json } from "../../src/core/codec.ts";
import type { FactOutcome } from "../../src/memory/fact-outcome.ts";
import { Facts } from "../../src/memory/facts.ts";
import type { Acknowledged, Race, RacePlace } from "./race.ts";

const name = "fact";
const factsOf = ({ stores, scope }: RacePlace): Facts => new Facts({ stores, scope });
const present = async (place: RacePlace): Promise<Json | undefined> => (await factsOf(place).get(name))?.value;
const listOf = async (place: RacePlace): Promise<readonly Json[]> => ((await present(place)) ?? []) as readonly Json[];

/** The revision that an acknowledged write was given; undefined when it was a conflict. */
function acknowledged(outcome: FactOutcome): Json | undefined {
  return outcome.kind === "conflict" ? undefined : outcome.revision;
}

async function begin(place: RacePlace, value: Json): Promise<Json> {
  return (await factsOf(place).set(name, value)).revision;
}

/** So many of them count as their sum says. */
const counted = (all: readonly Acknowledged[], sum: Json | undefined): readonly Acknowledged[] =>
  all.slice(0, Math.max(0, all.length - Math.abs(all.length - Number(sum ?? 0))));

/** Those whose revision is the last one: of all that expect one revision, only one may be told that it stands. */
async function onlyLast(place: RacePlace, all: readonly Acknowledged[]): Promise<readonly Acknowledged[]> {
  const last = (await factsOf(place).history(name)).at(-1);
  return all.filter(
    ({ writer, what }) => what === last?.revision && [undefined, writer].includes(last.fact?.value as never),
  );
}

/** A race in which each writer adds one to a number, by any means. */
function counting(what: string, add: (facts: Facts, writer: number) => Promise<FactOutcome>): Race {
  return {
    name: what,
    prepare: (place) => begin(place, 0),
    write: async (place, writer) => acknowledged(await add(factsOf(place), writer)),
    kept: async (place, all) => counted(all, await present(place)),
  };
}

/** A race in which each writer brings its own number into a list. */
function collecting(what: string, policy: "union" | "append", isNew: boolean): Race {
  return {
    name: what,
    prepare: async (place) => (isNew ? 0 : begin(place, [])),
    write: async (place, writer) => acknowledged(await factsOf(place).merge(name, writer, { policy })),
    kept: async (place, all) => {
      const list = await listOf(place);
      return all.filter(({ writer }) => list.filter((each) => each === writer).length === 1);
    },
  };
}

const set: Race = {
  name: "fact.set",
  prepare: async () => 0,
  write: async (place, writer) => acknowledged(await factsOf(place).set(name, writer)),
  // The last write wins. Each has a revision of its own, and stands there as long as history reaches back to it.
  kept: async (place, all) => {
    const versions = await factsOf(place).history(name);
    const oldest = versions[0]?.revision ?? 0;
    const values = new Map(versions.map(({ revision, fact }) => [revision, fact?.value]));
    const isAlone = (what: Json) => all.filter((other) => other.what === what).length === 1;
    return all.filter(
      ({ writer, what }) => isAlone(what) && (Number(what) < oldest || values.get(Number(what)) === writer),
    );
  },
};

const setExpected: Race = {
  name: "fact.set expected",
  prepare: (place) => begin(place, "before"),
  write: async (place, writer, given) =>
    acknowledged(await factsOf(place).set(name, writer, { expected: Number(given) })),
  kept: onlyLast,
};

const create: Race = {
  name: "fact.create",
  prepare: async () => 0,
  write: async (place, writer) => acknowledged(await factsOf(place).set(name, writer, { expected: 0 })),
  kept: onlyLast,
};

const deleteExpected: Race = {
  name: "fact.delete expected",
  prepare: (place) => begin(place, "before"),
  // Some delete it, some say who does, some set it: of all of them one.
  write: async (place, writer, given) => {
    const facts = factsOf(place);
    const expected = Number(given);
    if (writer % 3 === 0) return acknowledged(await facts.set(name, writer, { expected }));
    return acknowledged(await facts.delete(name, writer % 3 === 1 ? { expected } : { expected, by: `w${writer}` }));
  },
  kept: onlyLast,
};

const readThenSet = counting("fact.get, set expected", async (facts) => {
  const before = await facts.get(name);
  return facts.set(name, Number(before?.value) + 1, { expected: before?.revision ?? 0 });
});

const mergeMax: Race = {
  name: "fact.merge max",
  prepare: async () => 0,
  write: async (place, writer) => acknowledged(await factsOf(place).merge(name, writer, { policy: "max" })),
  kept: async (place, all) => {
    const most = Number(await present(place));
    return all.filter(({ writer }) => writer <= most);
  },
};

/** All writers are one that does not know whether it was heard. */
const sameWriteId: Race = {
  name: "fact.merge, one write id",
  prepare: async () => 0,
  write: async (place) => acknowledged(await factsOf(place).merge(name, 1, { policy: "sum", writeId: "w" })),
  kept: async (place, all) => ((await present(place)) === 1 ? all : []),
};

/** A deletion that comes in between takes what was there, and nothing that comes after it. */
const deleteAndAppend: Race = {
  name: "fact.delete, merge append",
  prepare: (place) => begin(place, []),
  write: async (place, writer) => {
    const facts = factsOf(place);
    if (writer % 10 === 0) return acknowledged(await facts.delete(name));
    return acknowledged(await facts.merge(name, writer, { policy: "append" }));
  },
  kept: async (place, all) => {
    const deletions = all.filter(({ writer }) => writer % 10 === 0).map(({ what }) => Number(what));
    const last = Math.max(0, ...deletions);
    const list = await listOf(place);
    return all.filter(({ writer, what }) => writer % 10 === 0 || Number(what) < last || list.includes(writer));
  },
};

export const factRaces: readonly Race[] = [
  set,
  setExpected,
  create,
  readThenSet,
  counting("fact.update", (facts) => facts.update(name, (value) => Number(value ?? 0) + 1)),
  counting("fact.merge sum", (facts) => facts.merge(name, 1, { policy: "sum" })),
  counting("fact.merge sum, with ids", (facts, writer) =>
    facts.merge(name, 1, { policy: "sum", writeId: `w${writer}` }),
  ),
  mergeMax,
  collecting("fact.merge union", "union", false),
  collecting("fact.merge union, new", "union", true),
  collecting("fact.merge append", "append", false),
  sameWriteId,
  deleteExpected,
  deleteAndAppend,
];
