// The entry of a process of writers: it opens the stores, and writes what it is told to until it is ended.

import { openPlace, type StorePlace } from "./place.ts";
import { attempt } from "./race.ts";
import { allRaces } from "./run-race.ts";
import type { FromWriters, WriteOrder } from "./writers.ts";

const say = (message: FromWriters): void => void process.send?.(message);
const failed = (thrown: unknown): void =>
  say({ kind: "failed", reason: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) });

process.on("disconnect", () => process.exit(1));
try {
  const { stores } = await openPlace(JSON.parse(process.argv[2] ?? "") as StorePlace);
  process.on("message", ({ race: name, scope, first, count, given }: WriteOrder) => {
    const race = allRaces.find((each) => each.name === name);
    if (race === undefined) return failed(`no race is called ${name}`);
    const numbers = Array.from({ length: count }, (_, at) => first + at);
    Promise.all(numbers.map((writer) => attempt(race, { stores, scope }, writer, given))).then(
      (attempts) => say({ kind: "done", attempts }),
      failed,
    );
  });
  say({ kind: "ready" });
} catch (thrown) {
  failed(thrown);
}
