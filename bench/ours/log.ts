// Troupe's context log, over the KvStore port on JetStream.

import { systemClock } from "../../src/core/clock.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import { ContextLog } from "../../src/memory/context-log.ts";
import { recordOf } from "../../src/memory/memory-keys.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";
import type { LogSide, Place } from "../side.ts";
import { settle } from "../side.ts";

export async function open({ servers, app }: Place): Promise<LogSide> {
  const link = await openLink({ servers });
  const entries = await openNatsStore({ link, bucket: `${app}_memory` });
  const facts = await openNatsStore({ link, bucket: `${app}_facts`, history: 16 });
  const stores = { entries, facts, clock: systemClock, codecs: new ValueCodecs() };
  const logs = new Map<string, ContextLog>();
  const logOf = (name: string): ContextLog => {
    const log = logs.get(name) ?? new ContextLog({ stores, scope: { session: name } });
    logs.set(name, log);
    return log;
  };

  async function append(name: string, text: string): Promise<number> {
    const appended = await logOf(name).append({ text });
    return recordOf(appended.entries[0]?.position ?? 0);
  }

  return {
    append: (name, text, done) => settle(append(name, text), done),
    readLast: (name, last, done) => {
      const reading = logOf(name).read({ last }).toArray();
      settle(
        reading.then(({ length }) => length),
        done,
      );
    },
    async readAll(name) {
      let count = 0;
      for await (const _entry of logOf(name).read()) count += 1;
      return count;
    },
    async close() {
      await Promise.all([entries.close(), facts.close()]);
      await link.close();
    },
  };
}
