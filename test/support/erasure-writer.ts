// A process that writes to a scope until it is erased, and then anew: `node erasure-writer.ts URL APP NAME`. Prints a line
// for each round, and when it was refused.

import { systemClock } from "../../src/core/clock.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";
import { writeAnew, writeUntilErased } from "./erasure-writers.ts";

const [, , servers = "", app = "", name = ""] = process.argv;
const link = await openLink({ servers });
const stores = {
  entries: await openNatsStore({ link, bucket: `${app}_memory`, history: 1 }),
  facts: await openNatsStore({ link, bucket: `${app}_facts`, history: 16 }),
  ...{ clock: systemClock, codecs: new ValueCodecs() },
};
await writeUntilErased(stores, name, () => console.log("round"));
console.log("refused");
await writeAnew(stores, name);
console.log("anew");
await link.close();
