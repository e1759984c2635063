import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { encodeText } from "../../src/core/codec.ts";
import { MemoryPlace, openMemoryStore } from "../../src/kv/memory-store.ts";
import { Replica } from "../../src/kv/replica.ts";
import type { KvChange, KvStore } from "../../src/kv/store.ts";

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

/** A store whose watch brings what `changes` pushes; all else is as in memory. */
async function scripted() {
  const store = await openMemoryStore({ bucket: "b", place: new MemoryPlace() });
  const waiting: (KvChange | Error)[] = [];
  let wake = () => {};
  async function* changes(signal: AbortSignal | undefined): AsyncGenerator<KvChange> {
    signal?.addEventListener("abort", () => wake());
    for (;;) {
      const next = waiting.shift();
      if (next instanceof Error) throw next;
      if (next !== undefined) yield next;
      else if (signal?.aborted === true) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  }
  const close = async () => undefined;
  const watch: KvStore["watch"] = async (_, { signal } = {}) =>
    Object.assign(changes(signal), { close, [Symbol.asyncDispose]: close });
  const push = (...more: (KvChange | Error)[]) => {
    waiting.push(...more);
    wake();
  };
  return { store: new Proxy(store, { get: (at, name) => (name === "watch" ? watch : Reflect.get(at, name)) }), push };
}

const put = (key: string, value: string, revision: number, isSnapshot = true): KvChange => ({
  kind: "entry",
  entry: { key, value: encodeText(value), revision, operation: "put", writtenAtMs: 0 },
  isSnapshot,
});
const current = (revision: number): KvChange => ({ kind: "current", revision });

test("C3: of a bucket that was made anew it shows what stands there, though the old revisions were higher", async () => {
  const { store, push } = await scripted();
  push(put("a.1", "old", 40), put("a.2", "old", 50), current(50));
  let told = () => {};
  const replica = await Replica.open({ store, pattern: "a.*", clock: systemClock, onChange: () => told() });
  const shown = () => [...replica.entries()].map(({ key, value }) => `${key}=${text(value)}`);
  const toldOf = () =>
    new Promise<void>((resolve) => {
      told = resolve;
    });
  const isOver = toldOf();
  push({ kind: "restarted", reason: "made anew" }, put("a.1", "new", 1), current(1));
  await isOver;
  expect(shown()).toEqual(["a.1=new"]);
  // What this process writes while it starts over stays, also when the snapshot was taken before.
  push({ kind: "restarted", reason: "again" });
  await new Promise((resolve) => setImmediate(resolve));
  replica.adopt({ key: "a.3", value: encodeText("mine"), revision: 3, operation: "put", writtenAtMs: 0 });
  expect(shown()).toEqual(["a.1=new", "a.3=mine"]);
  const isOverAgain = toldOf();
  push(put("a.1", "new", 1), current(2));
  await isOverAgain;
  expect(shown()).toEqual(["a.3=mine", "a.1=new"]);
  await replica.close();
});

test("C1: whatever breaks a watch, the next one goes on", async () => {
  const { store, push } = await scripted();
  push(put("a.1", "one", 1), current(1));
  let told = () => {};
  const replica = await Replica.open({ store, pattern: "a.*", clock: systemClock, onChange: () => told() });
  const isOver = new Promise<void>((resolve) => {
    told = resolve;
  });
  push(new TypeError("a bug of the store"), put("a.1", "two", 2), current(2));
  await isOver;
  expect(text(replica.get("a.1")?.value)).toBe("two");
  await replica.close();
});

test("it ends with the store, and a store that is closed cannot be followed", async () => {
  const { store, replica } = await stage();
  await store.close();
  await replica.close();
  await expect(Replica.open({ store, pattern: "a.*", clock: systemClock })).rejects.toMatchObject({ code: "CLOSED" });
});
