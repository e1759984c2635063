// A process that appends to a log on the real server: `node log-appender.ts URL APP NAME APPENDERS COUNT`. It waits for a
// line on standard input, so that all begin at once, and prints what it was told as one line of JSON.

import { once } from "node:events";
import { systemClock } from "../../src/core/clock.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import { ContextLog } from "../../src/memory/context-log.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";

const [, , servers = "", app = "", name = "", appenders = "", count = ""] = process.argv;
const link = await openLink({ servers });
const entries = await openNatsStore({ link, bucket: `${app}_memory` });
const facts = await openNatsStore({ link, bucket: `${app}_facts`, history: 16 });
const stores = { entries, facts, clock: systemClock, codecs: new ValueCodecs() };
const log = new ContextLog({ stores, scope: { session: "hot" } });
console.log(JSON.stringify("ready"));
await once(process.stdin, "data");

const told: { readonly id: string; readonly position: number; readonly isDuplicate: boolean }[] = [];
await Promise.all(
  Array.from({ length: Number(appenders) }, async (_, appender) => {
    for (let n = 0; n < Number(count); n += 1) {
      // Every fourth entry is everybody's: whoever is first writes it.
      const id = n % 4 === 3 ? `shared-${appender}-${n}` : `${name}-${appender}-${n}`;
      const appended = await log.append({ text: `${name} says ${n}`, id });
      for (const { position, isDuplicate } of appended.entries) told.push({ id, position, isDuplicate });
    }
  }),
);
console.log(JSON.stringify(told));
await facts.close();
await entries.close();
await link.close();
process.stdin.destroy();
