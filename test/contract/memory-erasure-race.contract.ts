// Many writers at work while their scope is erased: what they formed before is nowhere afterwards, what they form after
// it stands.

import { describe, expect, test } from "vitest";
import { ContextLog } from "../../src/memory/context-log.ts";
import { eraseScope } from "../../src/memory/erasure.ts";
import { verifyErasure } from "../../src/memory/erasure-scan.ts";
import { Facts } from "../../src/memory/facts.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { oldWord, racedFork, racedScope, writeAnew, writeUntilErased } from "../support/erasure-writers.ts";
import { besideEachOther, keysWith } from "./erasure-support.ts";
import type { OpenMemory } from "./memory-stores-support.ts";

const rounds = 5;

/** A log with a fork, so that both are at work. */
export async function prepareRace(stores: MemoryStores): Promise<void> {
  const log = new ContextLog({ stores, scope: racedScope });
  await log.append([{ text: `${oldWord} one` }, { text: `${oldWord} two` }]);
  await log.fork(racedFork);
  await new ContextLog({ stores, scope: racedFork }).append({ text: "the fork's own" });
}

/** What must hold when the erasure is over and all writers have come anew. */
export async function checkRace(stores: MemoryStores, names: readonly string[]): Promise<void> {
  expect(await keysWith(stores, oldWord)).toEqual([]);
  const texts = (await new ContextLog({ stores, scope: racedScope }).read().toArray()).map(({ text }) => text);
  expect(texts.toSorted()).toEqual(names.map((name) => `new ${name}`).toSorted());
  const facts = new Facts({ stores, scope: racedScope });
  for (const name of names) expect((await facts.get(`new-${name}`))?.value).toBe(`new ${name}`);
  const own = await new ContextLog({ stores, scope: racedFork }).read({ kinds: ["turn"] }).toArray();
  expect(own.map(({ text }) => text)).toEqual(["the fork's own"]);
}

export function memoryErasureRaceContract(name: string, open: OpenMemory): void {
  describe(`${name}: an erasure under way among writers`, () => {
    test("nothing that was formed before it comes back, and what is formed after it stands", async () => {
      for (let round = 0; round < rounds; round += 1) {
        await using memory = await open();
        const { stores } = memory;
        await prepareRace(stores);
        const names = ["w1", "w2", "w3", "w4"];
        const atWork = Promise.withResolvers<void>();
        let written = 0;
        const writing = names.map(async (writer) => {
          const own = await memory.openAnother();
          await writeUntilErased(own, writer, () => {
            written += 1;
            if (written === 2 * round + names.length) atWork.resolve();
          });
          await writeAnew(own, writer);
        });
        await atWork.promise;
        const erasers = besideEachOther([stores, await memory.openAnother()].slice(0, 1 + (round % 2)));
        const [receipt] = await Promise.all(erasers.map((each) => eraseScope(each.stores, racedScope, each)));
        await Promise.all(writing);
        await checkRace(stores, names);
        if (receipt === undefined) throw new Error("no receipt");
        expect(receipt.scopes[0]?.entries).toBeGreaterThan(2);
        expect(await verifyErasure(stores, receipt)).toMatchObject({ kind: "clean" });
      }
    });
  });
}
