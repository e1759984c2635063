// What the tests of context logs share: handles on them, a store that is listened to, and an erasure by hand.

import type { Clock } from "../../src/core/clock.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { KvStore } from "../../src/kv/store.ts";
import { ContextLog } from "../../src/memory/context-log.ts";
import type { Entry } from "../../src/memory/entry.ts";
import { changeHead } from "../../src/memory/head.ts";
import type { ContextLogOptions } from "../../src/memory/log-calls.ts";
import { tombstone, tombstoneTtlMs } from "../../src/memory/log-removal.ts";
import { recordKey } from "../../src/memory/memory-keys.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import type { Scope } from "../../src/memory/scope.ts";
import { scopeKey } from "../../src/memory/scope.ts";

export const session: Scope = { user: "anna", session: "s1" };

export function logOn(stores: MemoryStores, scope: Scope = session, options: ContextLogOptions = {}): ContextLog {
  return new ContextLog({ stores, scope, ...options });
}

export const textsOf = (entries: readonly Entry[]): readonly string[] => entries.map(({ text }) => text);
export const readTexts = async (log: ContextLog): Promise<readonly string[]> => textsOf(await log.read().toArray());

/** Numbers of the records that stand, tombstones among them. */
export async function recordsOf({ entries }: MemoryStores, scope: Scope = session): Promise<readonly number[]> {
  const keys = await entries.list(`${scopeKey(scope)}.log.*`);
  return keys.map((key) => Number(key.split(".").at(-1)));
}

export const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (thrown: { code?: string }) => thrown.code ?? String(thrown),
  );

/** The store, with `before` called ahead of each call of a method. */
export function tapped(store: KvStore, before: (method: string, args: readonly unknown[]) => unknown): KvStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return async (...args: unknown[]) => {
        await before(String(name), args);
        return (member as (...all: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}

/** A store that from `swap` on is another one, as when its bucket was made anew under whoever has it open. */
export function swappable(before: KvStore, after: KvStore): { readonly store: KvStore; swap(): void } {
  let now = before;
  const store = new Proxy(before, {
    get: (_, name) => {
      const member: unknown = Reflect.get(now, name, now);
      return typeof member === "function" ? member.bind(now) : member;
    },
  });
  return {
    store,
    swap: () => {
      now = after;
    },
  };
}

/** The machine's clock, which can be put ahead. */
export function movableClock(): Clock & { ahead(ms: number): void } {
  let aheadMs = 0;
  return {
    ...systemClock,
    now: () => systemClock.now() + aheadMs,
    monotonicMs: () => systemClock.monotonicMs() + aheadMs,
    ahead: (ms) => {
      aheadMs += ms;
    },
  };
}

/** What an erasure does to a log, step by step, as the memory's design has it. */
export async function beginErasure({ entries, clock }: MemoryStores, scope: Scope = session): Promise<void> {
  const erasing = { id: "e1", atMs: clock.now() };
  await changeHead(entries, scope, clock, (head) =>
    head.erasing ? undefined : { ...head, era: head.era + 1, erasing },
  );
}

export async function finishErasure(stores: MemoryStores, scope: Scope = session): Promise<void> {
  const { entries, clock } = stores;
  const ttl = { ttlMs: tombstoneTtlMs };
  let end = (await recordsOf(stores, scope)).at(-1) ?? 0;
  while ((await entries.create(recordKey(scope, end + 1), tombstone, ttl)).kind === "conflict") end += 1;
  for (const record of await recordsOf(stores, scope)) await entries.put(recordKey(scope, record), tombstone, ttl);
  await changeHead(entries, scope, clock, (head) => ({
    ...head,
    ...{ first: end + 2, floor: end + 1, pins: [], summary: undefined, base: undefined, erasing: undefined },
  }));
}
