import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { encodeText } from "../../src/core/codec.ts";
import { MemoryPlace, openMemoryStore } from "../../src/kv/memory-store.ts";
import { Replica } from "../../src/kv/replica.ts";

const text = (value: Uint8Array | undefined) => (value === undefined ? undefined : Buffer.from(value).toString());

async function stage() {
  const store = await openMemoryStore({ bucket: "b", place: new MemoryPlace(), history: 1 });
  await store.put("a.1", encodeText("one"));
  await store.put("b.1", encodeText("other"));
  let wake = () => {};
  const onChange = () => wake();
  const replica = await Replica.open({ store, pattern: "a.*", clock: systemClock, onChange });
  /** Resolves when the replica shows it. */
  const shows = async (key: string, value: string | undefined) => {
    while (text(replica.get(key)?.value) !== value) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { store, replica, shows };
}

test("C1: when it is open it holds what stands and matches, and follows what changes", async () => {
  const { store, replica, shows } = await stage();
  expect([...replica.entries()].map(({ key }) => key)).toEqual(["a.1"]);
  await store.put("a.2", encodeText("two"));
  await shows("a.2", "two");
  await store.delete("a.1");
  await shows("a.1", undefined);
  expect(replica.get("b.1")).toBeUndefined();
  await replica.close();
});

test("C2: what this process has written is seen at once, and nothing sets it back", async () => {
  const { store, replica, shows } = await stage();
  const entry = { key: "a.1", operation: "put", writtenAtMs: 0 } as const;
  replica.adopt({ ...entry, value: encodeText("mine"), revision: 9 });
  expect(text(replica.get("a.1")?.value)).toBe("mine");
  replica.adopt({ ...entry, value: encodeText("older"), revision: 8 });
  expect(text(replica.get("a.1")?.value)).toBe("mine");
  await store.put("a.1", encodeText("revision 3")); // Older than what was adopted.
  await store.put("a.9", encodeText("behind it"));
  await shows("a.9", "behind it");
  expect(text(replica.get("a.1")?.value)).toBe("mine");
  await replica.close();
});

test("it ends with the store, and a store that is closed cannot be followed", async () => {
  const { store, replica } = await stage();
  await store.close();
  await replica.close();
  await expect(Replica.open({ store, pattern: "a.*", clock: systemClock })).rejects.toMatchObject({ code: "CLOSED" });
});
