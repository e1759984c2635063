// The lost-update matrix: every writing operation, on every store, by many writers at once, of one process and of four.
// What was acknowledged is kept, or the writer was told: nothing is ever lost in silence. `npm run bench memory.races` does
// the same with 100 writers everywhere, which takes minutes.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OpenedPlace, openPlace, type StorePlace } from "../../bench/races/place.ts";
import type { Race } from "../../bench/races/race.ts";
import { allRaces, runRace } from "../../bench/races/run-race.ts";
import { startWriters, type Writers, writersHere } from "../../bench/races/writers.ts";
import { Facts } from "../../src/memory/facts.ts";
import { startTestServer } from "../support/nats-server.ts";

const writerCounts: Record<StorePlace["kind"], number> = { memory: 100, sqlite: 32, nats: 32 };

const places: Record<StorePlace["kind"], (opened: AsyncDisposableStack) => Promise<StorePlace>> = {
  memory: async () => ({ kind: "memory" }),
  sqlite: async (opened) => {
    const folder = await mkdtemp(join(tmpdir(), "troupe-test-races-"));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    return { kind: "sqlite", folder };
  },
  nats: async (opened) => ({ kind: "nats", servers: opened.use(await startTestServer()).url }),
};

test("the matrix notices what is lost: a number that is read, and written whatever stands", async () => {
  const sum = allRaces.find(({ name }) => name === "fact.merge sum");
  if (sum === undefined) throw new Error("there is no such race");
  const careless: Race = {
    ...sum,
    write: async (place) => {
      const facts = new Facts(place);
      const value = Number((await facts.get("fact"))?.value ?? 0) + 1;
      await facts.set("fact", value);
      return value;
    },
  };
  await using place = await openPlace({ kind: "memory" });
  const count = await runRace(careless, place.stores, writersHere(place.stores), 100);
  expect(count).toMatchObject({ acknowledged: 100, kept: 1, lost: 99 });
});

for (const [store, openStore] of Object.entries(places)) {
  for (const processes of store === "memory" ? [1] : [1, 4]) {
    const writerCount = writerCounts[store as StorePlace["kind"]];
    describe(`${store}, ${writerCount} writers of ${processes} process${processes === 1 ? "" : "es"}`, () => {
      const opened = new AsyncDisposableStack();
      let place: OpenedPlace;
      let writers: Writers;
      beforeAll(async () => {
        const where = await openStore(opened);
        place = opened.use(await openPlace(where));
        writers = writersHere(place.stores);
        if (processes > 1) writers = opened.use(await startWriters(where, processes)).writers;
      });
      afterAll(() => opened.disposeAsync());

      for (const race of allRaces) {
        test(`${race.name}: what is acknowledged is kept`, async () => {
          const count = await runRace(race, place.stores, writers, writerCount);
          expect(count).toMatchObject({ writers: writerCount, lost: 0, kept: count.acknowledged });
          expect(count.acknowledged).toBeGreaterThan(0);
        });
      }
    });
  }
}
