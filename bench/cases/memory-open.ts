// How long it takes whoever comes anew to a long log to know where it ends, to have its last turns, and to append to it.

import { ContextLog } from "../../src/memory/context-log.ts";
import { joinRecord } from "../../src/memory/entry.ts";
import { recordKey } from "../../src/memory/memory-keys.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { turnText } from "../roles/log.ts";
import { median } from "../stats.ts";
import type { ClusterCase, Finding } from "./cluster-case.ts";
import type { LogServer } from "./log-server.ts";
import { openLogServer } from "./log-server.ts";

const logs = [
  { entries: 10_000, perRecord: 1 },
  { entries: 100_000, perRecord: 1 },
  { entries: 100_000, perRecord: 250 },
];
const times = 15;
const scope = { session: "long" };

export const memoryOpen: ClusterCase = {
  name: "memory.open",
  what: "a handle that knows nothing of a log of 10,000 or 100,000 turns: its last 50, its first append",
  async run({ binary, onProgress }) {
    const findings: Finding[] = [];
    for (const { entries, perRecord } of logs) {
      await using server = await openLogServer(binary);
      onProgress(`${this.name}: writing ${entries} turns, ${perRecord} to a record`);
      await seed(server.stores, entries, perRecord);
      findings.push({ name: this.name, entries, per_record: perRecord, ...(await measure(server)) });
    }
    return findings;
  },
};

/** Records as a log has them, many at once. */
async function seed({ entries: store }: MemoryStores, entries: number, perRecord: number): Promise<void> {
  const inFlight = 256;
  for (let record = 1; record <= entries / perRecord; record += inFlight) {
    const upTo = Math.min(entries / perRecord, record + inFlight - 1);
    const batch = Array.from({ length: upTo - record + 1 }, (_, at) => {
      const texts = Array.from({ length: perRecord }, (_entry, index) =>
        JSON.stringify({ text: turnText, id: `${record + at}-${index}` }),
      );
      return store.create(recordKey(scope, record + at), Buffer.from(joinRecord(texts)));
    });
    await Promise.all(batch);
  }
}

async function measure({ stores }: LogServer): Promise<Finding> {
  const took = async (act: (log: ContextLog) => Promise<unknown>): Promise<number> => {
    const startMs = performance.now();
    await act(new ContextLog({ stores, scope }));
    return performance.now() - startMs;
  };
  const each = async (act: (log: ContextLog) => Promise<unknown>): Promise<number> => {
    const all: number[] = [];
    for (let time = 0; time < times; time += 1) all.push(await took(act));
    return median(all);
  };
  return {
    era_ms: await each((log) => log.era()),
    last_50_ms: await each((log) => log.read({ last: 50 }).toArray()),
    append_ms: await each((log) => log.append({ text: "one more" })),
    named_append_ms: await took((log) => log.append({ text: "one more", id: "given" })),
    all_ms: await took(async (log) => {
      for await (const _entry of log.read());
    }),
  };
}
