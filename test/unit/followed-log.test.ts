import { expect, test } from "vitest";
import type { Entry } from "../../src/memory/entry.ts";
import { firstHead } from "../../src/memory/head.ts";
import type { KeyChange, ToldOfKey } from "../../src/memory/memory-change.ts";
import { lastOfRecord, positionOf, recordKey, recordOf } from "../../src/memory/memory-keys.ts";
import { FollowedLog } from "../../src/memory/replica/followed-log.ts";

const scope = { user: "anna" };

function entryAt(record: number, index = 0, revision = record): Entry {
  const nothing = { speaker: undefined, data: undefined, cause: undefined, trace: undefined, covers: undefined };
  return {
    ...{ scope, position: positionOf(record, index), id: `${record}.${index}`, kind: "turn", role: "user" },
    ...{ text: `${record}.${index}`, atMs: 0, pinned: false, schema: 1, key: recordKey(scope, record), revision },
    ...nothing,
  };
}

const told = (record: number, revision: number): ToldOfKey => ({
  ...{ bucket: "memory", scope, key: recordKey(scope, record), revision, writtenAtMs: 0, isSnapshot: false },
});
const added = (entry: Entry): KeyChange => ({
  ...told(recordOf(entry.position), entry.revision),
  ...{ kind: "entry-added", entry, cause: undefined, trace: undefined },
});
const removed = (record: number, revision: number, left: readonly Entry[] = []): KeyChange => ({
  ...told(record, revision),
  ...{ kind: "entries-removed", first: positionOf(record, 0), last: lastOfRecord(record), left },
});

/** A log that was read when records 1 to 5 stood and record 3 was a tombstone. */
function loaded(entriesMax = 10): FollowedLog {
  const log = new FollowedLog("user.anna", entriesMax);
  const entries = [1, 2, 4, 5].map((record) => entryAt(record));
  log.load({ head: firstHead, headRevision: 0, end: 5, entries, kept: [], isWhole: true });
  return log;
}

const texts = (log: FollowedLog): string[] => log.entries.map(({ text }) => text);

test("D1: what was taken out before the log was read does not come back when its beginning is told late", () => {
  const log = loaded();
  expect(log.apply(added(entryAt(3)))).toEqual({ kind: "nothing" });
  log.apply(added(entryAt(4)));
  expect(texts(log)).toEqual(["1.0", "2.0", "4.0", "5.0"]);
  log.apply(removed(3, 20));
  log.apply(added(entryAt(6)));
  expect(texts(log)).toEqual(["1.0", "2.0", "4.0", "5.0", "6.0"]);
});

test("D1: a removal that is older than what was read takes nothing", () => {
  const log = loaded();
  log.apply(removed(4, 3));
  expect(texts(log)).toEqual(["1.0", "2.0", "4.0", "5.0"]);
  log.apply(removed(4, 9));
  expect(texts(log)).toEqual(["1.0", "2.0", "5.0"]);
});

test("D1: what was let go for want of room does not come back with the rest of its record", () => {
  const log = loaded(3);
  log.apply(added(entryAt(6, 0, 10)));
  log.apply(added(entryAt(6, 1, 10)));
  log.apply(added(entryAt(7, 0, 11)));
  log.apply(added(entryAt(8, 0, 12)));
  expect(texts(log)).toEqual(["6.1", "7.0", "8.0"]);
  log.apply(removed(6, 13, [entryAt(6, 0, 13), entryAt(6, 1, 13)]));
  expect(texts(log)).toEqual(["6.1", "7.0", "8.0"]);
  expect(log.entries[0]?.revision).toBe(13);
});

test("D2: entries that it held and that are taken out are to be read for, unless it holds all there are", () => {
  expect(loaded().apply(removed(5, 9))).toEqual({ kind: "nothing" });
  const log = loaded(3);
  log.apply(added(entryAt(6)));
  expect(log.isWhole).toBe(false);
  expect(log.apply(removed(5, 9))).toEqual({ kind: "all" });
  expect(log.apply({ ...told(0, 12), kind: "head-changed", head: { ...firstHead, pins: [positionOf(1, 0)] } })).toEqual(
    {
      kind: "entries",
      positions: [positionOf(1, 0)],
    },
  );
});
