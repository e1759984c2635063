// The lost-update matrix: every writing operation, on every store, by 100 writers at once, of one process and of four.
// What was acknowledged is kept, or the writer was told: nothing is ever lost in silence.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OpenedPlace, openPlace, type StorePlace } from "../../bench/races/place.ts";
import { allRaces, runRace } from "../../bench/races/run-race.ts";
import { startWriters, type Writers, writersHere } from "../../bench/races/writers.ts";
import { startTestServer } from "../support/nats-server.ts";

const writerCount = 100;

const places: Record<StorePlace["kind"], (opened: AsyncDisposableStack) => Promise<StorePlace>> = {
  memory: async () => ({ kind: "memory" }),
  sqlite: async (opened) => {
    const folder = await mkdtemp(join(tmpdir(), "troupe-test-races-"));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    return { kind: "sqlite", folder };
  },
  nats: async (opened) => ({ kind: "nats", servers: opened.use(await startTestServer()).url }),
};

for (const [store, openStore] of Object.entries(places)) {
  for (const processes of store === "memory" ? [1] : [1, 4]) {
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
