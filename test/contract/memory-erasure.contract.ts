// The contract of erasure: laws E1 to E3, G1 to G5 of src/memory/erasure*.ts, on every store.

import { describe, expect, test } from "vitest";
import { encodeText } from "../../src/core/codec.ts";
import { ContextLog } from "../../src/memory/context-log.ts";
import { eraseScope } from "../../src/memory/erasure.ts";
import { verifyErasure } from "../../src/memory/erasure-scan.ts";
import type { ErasureProgress } from "../../src/memory/erasure-scope.ts";
import { Facts } from "../../src/memory/facts.ts";
import { changeHead, readHead } from "../../src/memory/head.ts";
import { factKey, headKey, placeOf, recordKey } from "../../src/memory/memory-keys.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import type { Scope } from "../../src/memory/scope.ts";
import { besideEachOther, everythingKept, keysWith, thrownBy } from "./erasure-support.ts";
import type { OpenMemory } from "./memory-stores-support.ts";

const anna: Scope = { user: "anna" };
const session: Scope = { user: "anna", session: "s1" };
const secret = "the secret word";
/** With a blank: no random id beside it holds that by chance. */
const tooLate = "too late";

async function fill(stores: MemoryStores, scope: Scope, words = secret) {
  const log = new ContextLog({ stores, scope });
  await log.append([{ text: `${words} one` }, { text: `${words} two`, pinned: true }]);
  for (let n = 3; n <= 5; n += 1) await log.append({ text: `${words} ${n}` });
  const facts = new Facts({ stores, scope });
  for (const value of [1, 2, 3]) await facts.set("city", `${words} ${value}`);
  await facts.set("gone", words);
  await facts.delete("gone");
  await facts.set("once", { words });
  return { log, facts };
}

export function memoryErasureContract(name: string, open: OpenMemory): void {
  describe(`${name}: erasure`, () => {
    test("nothing of a scope is left, neither values nor histories, and the receipt says what went", async () => {
      await using memory = await open();
      const { stores } = memory;
      await fill(stores, session);
      await fill(stores, { user: "ben" }, "what Ben said");
      const before = stores.clock.now();
      const receipt = await eraseScope(stores, session);
      expect(await keysWith(stores, "secret")).toEqual([]);
      expect((await keysWith(stores, "Ben")).length).toBeGreaterThan(4);
      expect(receipt.scope).toEqual(session);
      expect(receipt.atMs).toBeGreaterThanOrEqual(before);
      expect(receipt.scopes).toEqual([
        expect.objectContaining({ scope: session, records: 4, entries: 5, facts: 3, forks: [] }),
      ]);
      const { bytes = 0, revisions } = receipt.scopes[0] ?? {};
      expect(bytes).toBeGreaterThan(8 * secret.length);
      for (const span of [revisions?.memory, revisions?.facts]) {
        expect(span?.[0]).toBeGreaterThan(0);
        expect(span?.[1]).toBeGreaterThan(span?.[0] ?? 0);
      }
      expect(await verifyErasure(stores, receipt)).toMatchObject({ kind: "clean" });
      expect(JSON.parse(JSON.stringify(receipt))).toEqual(receipt);
    });

    test("readers find an empty scope, and a writer who began before is refused once, then goes on in the new era", async () => {
      await using memory = await open();
      const { stores } = memory;
      const { log, facts } = await fill(stores, session);
      const far = await memory.openAnother();
      await eraseScope(far, session);
      const reader = new ContextLog({ stores, scope: session });
      expect(await reader.read().toArray()).toEqual([]);
      expect((await reader.window({ tokens: 1_000 })).entries).toEqual([]);
      expect(await facts.get("city")).toBeUndefined();
      expect((await facts.history("city")).every(({ fact }) => fact === undefined)).toBe(true);
      expect(await thrownBy(log.append({ text: "formed before", id: "x" }))).toMatchObject({ code: "SCOPE_ERASED" });
      expect(await thrownBy(facts.set("city", "formed before"))).toMatchObject({ code: "SCOPE_ERASED" });
      expect(await keysWith(stores, "formed before")).toEqual([]);
      await log.append({ text: "new", id: "x" });
      await facts.set("city", "new");
      const fresh = new ContextLog({ stores: far, scope: session });
      expect((await fresh.read().toArray()).map(({ text }) => text)).toEqual(["new"]);
      expect((await new Facts({ stores: far, scope: session }).get("city"))?.value).toBe("new");
    });

    test("what is written after an erasure stands, also to a scan with its receipt", async () => {
      await using memory = await open();
      const { stores } = memory;
      await fill(stores, session);
      const receipt = await eraseScope(stores, session);
      await fill(stores, session, "after");
      expect(await verifyErasure(stores, receipt)).toMatchObject({ kind: "clean" });
      const log = new ContextLog({ stores, scope: session });
      expect((await log.read().toArray()).length).toBe(5);
      const again = await eraseScope(stores, session);
      expect(again.id).not.toBe(receipt.id);
      expect(again.scopes[0]).toMatchObject({ records: 4, entries: 5, facts: 3 });
      expect(await keysWith(stores, "after")).toEqual([]);
    });

    test("a scope that never was can be erased: who was about to write there first is refused", async () => {
      await using memory = await open();
      const { stores } = memory;
      const far = await memory.openAnother();
      const log = new ContextLog({ stores: far, scope: session });
      const facts = new Facts({ stores: far, scope: session });
      const others = new Facts({ stores: far, scope: session });
      expect([await log.era(), await facts.get("city"), await others.get("city")]).toEqual([1, undefined, undefined]);
      const receipt = await eraseScope(stores, session);
      expect(receipt.scopes).toEqual([
        expect.objectContaining({ records: 0, entries: 0, facts: 0, bytes: 0, scope: session }),
      ]);
      expect(await thrownBy(log.append({ text: tooLate }, { era: 1 }))).toMatchObject({ code: "SCOPE_ERASED" });
      expect(await thrownBy(facts.set("city", tooLate))).toMatchObject({ code: "SCOPE_ERASED" });
      expect(await thrownBy(others.merge("city", [tooLate], { policy: "union" }))).toMatchObject({
        code: "SCOPE_ERASED",
      });
      expect(await keysWith(stores, tooLate)).toEqual([]);
    });

    test("a late create of any record that was conflicts (G1), and so does what expects a fact as it was (G4)", async () => {
      await using memory = await open();
      const { stores } = memory;
      await fill(stores, session);
      const city = await stores.facts.get(factKey(session, "city"));
      const gone = (await stores.facts.history(factKey(session, "gone"))).at(-1);
      const head = await readHead(stores.facts, session);
      await eraseScope(stores, session);
      const { floor } = (await readHead(stores.entries, session)).head;
      for (let record = 1; record <= floor; record += 1) {
        const late = await stores.entries.create(recordKey(session, record), encodeText("late"));
        expect(late.kind, `record ${record}`).toBe("conflict");
      }
      for (const entry of [city, gone]) {
        const late = await stores.facts.update(entry?.key ?? "", encodeText("late"), entry?.revision ?? 0);
        expect(late.kind).toBe("conflict");
      }
      const created = await stores.facts.transact([
        { kind: "check", key: headKey(session), expected: head.revision },
        { kind: "put", key: factKey(session, "new"), value: encodeText("late"), expected: 0 },
      ]);
      expect(created.kind).toBe("conflict");
    });

    test("with `under` everything that lies under a scope goes, and nothing beside it", async () => {
      await using memory = await open();
      const { stores } = memory;
      const scopes: Scope[] = [
        anna,
        session,
        { user: "anna", session: "s2" },
        { user: "anna", agent: { type: "desk", id: "d" } },
      ];
      for (const scope of scopes) await fill(stores, scope);
      const others: Scope[] = [{ user: "anna2" }, { user: "ann", session: "anna" }, { session: "s1" }];
      for (const scope of others) await fill(stores, scope, "stays");
      const deleted: Scope = { user: "anna", session: "deleted" };
      const facts = new Facts({ stores, scope: deleted });
      await facts.set("f", secret);
      await facts.delete("f");
      const staying = (await keysWith(stores, "stays")).length;
      await eraseScope(stores, { user: "anna", session: "s2" });
      const receipt = await eraseScope(stores, anna, { under: true });
      expect(receipt.isUnder).toBe(true);
      expect(receipt.scopes[0]?.scope).toEqual(anna);
      expect(receipt.scopes.length).toBe(5);
      expect(await keysWith(stores, "secret")).toEqual([]);
      expect((await keysWith(stores, "stays")).length).toBe(staying);
      expect(await verifyErasure(stores, receipt)).toMatchObject({ kind: "clean" });
    });

    test("without `under` what lies under a scope stays", async () => {
      await using memory = await open();
      const { stores } = memory;
      await fill(stores, anna);
      await fill(stores, session, "stays");
      const receipt = await eraseScope(stores, anna);
      expect(receipt.scopes.length).toBe(1);
      expect(await keysWith(stores, "secret")).toEqual([]);
      expect((await new ContextLog({ stores, scope: session }).read().toArray()).length).toBe(5);
      expect((await new Facts({ stores, scope: session }).get("city"))?.value).toBe("stays 3");
    });

    test("forks lose what they share and what they have summarized of it, and keep what is their own", async () => {
      await using memory = await open();
      const { stores } = memory;
      const { log } = await fill(stores, session);
      const [fork, forkOfFork] = [{ session: "fork" }, { session: "fork-of-fork" }];
      await log.fork(fork);
      const forked = new ContextLog({ stores, scope: fork });
      await forked.append({ text: "the fork's own" });
      await forked.compact({ keepLast: 0, summarize: (entries) => `${entries.length} of ${secret}` });
      await forked.append({ text: "more of its own", pinned: true });
      await forked.fork(forkOfFork);
      const deep = new ContextLog({ stores, scope: forkOfFork });
      await deep.append({ text: "deep" });
      await deep.compact({ keepLast: 0, summarize: () => `deep in ${secret}` });
      const receipt = await eraseScope(stores, session);
      expect(await keysWith(stores, "secret")).toEqual([]);
      expect(receipt.scopes[0]?.forks.map(({ scope }) => scope).toReversed()).toEqual([fork, forkOfFork]);
      expect(await verifyErasure(stores, receipt)).toMatchObject({ kind: "clean" });
      for (const scope of [fork, forkOfFork]) {
        const entries = await new ContextLog({ stores, scope }).read().toArray();
        const own = ["the fork's own", "more of its own"];
        expect(entries.map(({ text }) => text)).toEqual(scope === fork ? own : [...own, "deep"]);
        expect((await readHead(stores.entries, scope)).head.summary).toBeUndefined();
      }
      expect((await readHead(stores.entries, fork)).head.base).toBeUndefined();
      const { entries } = await forked.window({ tokens: 1_000 });
      expect(entries.map(({ text, pinned }) => [text, pinned])).toEqual([
        ["the fork's own", false],
        ["more of its own", true],
      ]);
      await forked.append({ text: "goes on" });
      expect((await forked.read().toArray()).length).toBe(3);
    });

    test("erasing a fork leaves what it is a fork of as it was", async () => {
      await using memory = await open();
      const { stores } = memory;
      const { log } = await fill(stores, session, "stays");
      const fork: Scope = { session: "fork" };
      await log.fork(fork);
      await new ContextLog({ stores, scope: fork }).append({ text: secret });
      await eraseScope(stores, fork);
      expect(await keysWith(stores, "secret")).toEqual([]);
      expect((await log.read().toArray()).length).toBe(5);
      expect((await readHead(stores.entries, session)).head.forks).toEqual([]);
      expect(await new ContextLog({ stores, scope: fork }).read().toArray()).toEqual([]);
    });

    test("two at once are one, with one receipt", async () => {
      await using memory = await open();
      const far = await memory.openAnother();
      for (let round = 0; round < 3; round += 1) {
        const scope = { session: `round-${round}` };
        await fill(memory.stores, scope);
        const erasers = besideEachOther([memory.stores, far]);
        const [one, other] = await Promise.all(erasers.map((each) => eraseScope(each.stores, scope, each)));
        expect(other).toEqual(one);
        expect(one?.scopes[0]).toMatchObject({ records: 4, entries: 5, facts: 3 });
      }
      expect(await keysWith(far, "secret")).toEqual([]);
    });

    test("the policy of a scope stays, its pins, summary and forks do not", async () => {
      await using memory = await open();
      const { stores } = memory;
      await fill(stores, session);
      const retention = { entriesMax: 7 };
      await changeHead(stores.entries, session, stores.clock, (head) => ({ ...head, retention }));
      await eraseScope(stores, session);
      const { head } = await readHead(stores.entries, session);
      expect(head).toMatchObject({ era: 3, retention, pins: [], forks: [], summary: undefined, erasing: undefined });
    });

    test("what cannot be read is erased, too", async () => {
      await using memory = await open();
      const { stores } = memory;
      await stores.entries.put(recordKey(session, 1), encodeText(`~unknown\n${secret}`));
      await stores.facts.put(factKey(session, "broken"), encodeText(`no JSON, ${secret}`));
      const receipt = await eraseScope(stores, session);
      expect(receipt.scopes[0]).toMatchObject({ records: 1, entries: 1, facts: 1 });
      expect(await keysWith(stores, "secret")).toEqual([]);
    });

    test("progress is told, and a signal ends it where it is; the scope stays shut until the next one", async () => {
      await using memory = await open();
      const { stores } = memory;
      const { log } = await fill(stores, session);
      const aborted = new AbortController();
      const erasing = eraseScope(stores, session, {
        signal: aborted.signal,
        onProgress: ({ step }) => step === "entries" && aborted.abort(new Error("enough")),
      });
      await expect(erasing).rejects.toThrow("enough");
      expect(await thrownBy(log.append({ text: "x" }))).toMatchObject({ code: "SCOPE_ERASED" });
      expect(await thrownBy(new ContextLog({ stores, scope: session }).append({ text: "x" }))).toMatchObject({
        code: "SCOPE_ERASED",
      });
      const steps: ErasureProgress[] = [];
      const receipt = await eraseScope(stores, session, { onProgress: (progress) => void steps.push(progress) });
      expect(receipt.scopes[0]).toMatchObject({ records: 4, entries: 5, facts: 3 });
      expect(new Set(steps.map(({ step }) => step))).toEqual(new Set(["counting", "entries", "facts", "forks"]));
      await new ContextLog({ stores, scope: session }).append({ text: "again" });
    });

    test("what was read while an erasure was under way does not come back either (E3)", async () => {
      await using memory = await open();
      const { stores } = memory;
      await fill(stores, session);
      const far = await memory.openAnother();
      const log = new ContextLog({ stores: far, scope: session });
      const facts = new Facts({ stores: far, scope: session });
      const reading: Promise<string>[] = [];
      const onProgress = ({ step }: ErasureProgress) => {
        if (step !== "sealing") return;
        reading.push(
          log
            .read()
            .toArray()
            .then((entries) => entries.map(({ text }) => text).join()),
        );
        reading.push(facts.get("city").then((fact) => String(fact?.value)));
      };
      await eraseScope(stores, session, { onProgress });
      for (const words of await Promise.all(reading)) {
        const reply = { text: `in reply to ${words}` };
        expect(await thrownBy(log.append(reply, { era: 2 }))).toMatchObject({ code: "SCOPE_ERASED" });
      }
      expect(await keysWith(stores, "in reply")).toEqual([]);
    });

    test("a scan says what is left: values no younger than the receipt, in logs, facts and histories", async () => {
      await using memory = await open();
      const { stores } = memory;
      await fill(stores, session);
      const receipt = await eraseScope(stores, session);
      const [part] = receipt.scopes;
      if (part === undefined) throw new Error("no part");
      const [record, fact] = [recordKey(session, 900), factKey(session, "left")];
      const inLog = await stores.entries.put(record, encodeText(`{"text":"x","id":"x"}`));
      const inFacts = await stores.facts.put(fact, encodeText(`{"value":1,"id":"x"}`));
      await stores.facts.delete(fact);
      expect(await verifyErasure(stores, receipt)).toMatchObject({ kind: "clean" });
      const later = {
        ...receipt,
        scopes: [{ ...part, revisions: { memory: [1, inLog], facts: [1, inFacts] } as const }],
      };
      expect(await verifyErasure(stores, later)).toMatchObject({
        kind: "left",
        left: [
          { bucket: stores.entries.bucket, key: record, revision: inLog, what: "value" },
          { bucket: stores.facts.bucket, key: fact, revision: inFacts, what: "value" },
        ],
      });
    });

    test("what is kept afterwards are heads, tombstones and markers", async () => {
      await using memory = await open();
      const { stores } = memory;
      await fill(stores, session);
      await eraseScope(stores, session);
      for (const { key, value } of await everythingKept(stores)) {
        if (placeOf(key)?.kind !== "head") expect([key, value.length]).toEqual([key, 0]);
      }
    });
  });
}
