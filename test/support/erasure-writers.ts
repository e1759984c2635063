// Writers of all kinds on one scope, each with handles of its own that know the scope, going on until an erasure refuses
// them; then the same writers come anew.

import { isTroupeError } from "../../src/core/errors.ts";
import { ContextLog } from "../../src/memory/context-log.ts";
import { Facts } from "../../src/memory/facts.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";

export const racedScope = { user: "anna", session: "race" };
export const racedFork = { session: "race-fork" };
/** In everything that is formed before the erasure, and in nothing else. */
export const oldWord = "öld";

/** The last of the ways: they look before they write, and may find nothing to write instead of being refused. */
const summarizers = 2;

type Write = (n: number) => Promise<unknown>;

/** Resolves with the ways in which it writes, when each knows the scope. */
async function waysOf(stores: MemoryStores, name: string): Promise<readonly Write[]> {
  const logs = Array.from({ length: 3 }, () => new ContextLog({ stores, scope: racedScope }));
  const fork = new ContextLog({ stores, scope: racedFork });
  const facts = Array.from({ length: 4 }, () => new Facts({ stores, scope: racedScope }));
  for (const log of [...logs, fork]) await log.era();
  for (const each of facts) await each.get("any");
  const text = (n: number) => `${oldWord} ${name} ${n}`;
  const summarize = (entries: readonly { readonly text: string }[]) =>
    entries
      .slice(-3)
      .map((entry) => entry.text)
      .join();
  return [
    (n) => logs[0]?.append({ text: text(n) }) ?? Promise.resolve(),
    (n) => logs[1]?.append([{ text: text(n), id: `${name}-${n}` }, { text: text(n) }]) ?? Promise.resolve(),
    (n) => facts[0]?.set("shared", text(n)) ?? Promise.resolve(),
    (n) => facts[1]?.set(`${name}-${n}`, text(n)) ?? Promise.resolve(),
    (n) => facts[2]?.update("counted", () => text(n)) ?? Promise.resolve(),
    (n) => facts[3]?.merge("list", [text(n)], { policy: "union" }) ?? Promise.resolve(),
    () => logs[2]?.compact({ keepLast: 1, summarize }) ?? Promise.resolve(),
    () => fork.compact({ keepLast: 0, summarize }),
  ];
}

/** Resolves when all have been refused; `onRound` when each has written once more. */
export async function writeUntilErased(stores: MemoryStores, name: string, onRound: () => void): Promise<void> {
  const ways = await waysOf(stores, name);
  let written = 0;
  // Those end when somebody else was refused.
  let isErased = false;
  await Promise.all(
    ways.map(async (write, at) => {
      const isWriter = at < ways.length - summarizers;
      for (let n = 1; isWriter || !isErased; n += 1) {
        try {
          await write(n);
        } catch (thrown) {
          if (!isTroupeError(thrown)) throw thrown;
          isErased ||= thrown.code === "SCOPE_ERASED";
          if (thrown.code === "SCOPE_ERASED") return;
          if (thrown.code !== "WRITE_CONTENDED") throw thrown;
        }
        written += 1;
        if (written % ways.length === 0) onRound();
        // What has nothing to do does not give way to the others by itself.
        await new Promise(setImmediate);
      }
    }),
  );
}

/** Somebody who writes as soon as it is over, with handles that know nothing of before. */
export async function writeAnew(stores: MemoryStores, name: string): Promise<void> {
  for (;;) {
    try {
      await new ContextLog({ stores, scope: racedScope }).append({ text: `new ${name}`, id: `new-${name}` });
      await new Facts({ stores, scope: racedScope }).set(`new-${name}`, `new ${name}`);
      return;
    } catch (thrown) {
      if (!isTroupeError(thrown) || thrown.code !== "SCOPE_ERASED") throw thrown;
      await new Promise(setImmediate);
    }
  }
}
