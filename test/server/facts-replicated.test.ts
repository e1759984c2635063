// Facts on three servers that each hold a copy. Such servers refuse an expectation on a key while another write that expects
// something of it is on its way, though nobody contests anything (W1 of src/kv/write-lanes.ts).

import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import { Facts } from "../../src/memory/facts.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";
import { startTestCluster } from "../support/nats-cluster.ts";

test("thousands of facts of one scope that are written at once are all written", async () => {
  await using cluster = await startTestCluster();
  await using link = await openLink({ servers: [...cluster.urls] });
  await using store = await openNatsStore({ link, bucket: "facts", history: 16, replicas: 3 });
  const stores = { entries: store, facts: store, clock: systemClock, codecs: new ValueCodecs() };
  const facts = new Facts({ stores, scope: { user: "anna" } });
  for (const options of [{}, { expected: 0 }]) {
    const name = Object.keys(options).join();
    const writes = Array.from({ length: 2_000 }, (_, at) => facts.set(`${name}${at}`, at, options));
    const kinds = (await Promise.allSettled(writes)).map((write) =>
      write.status === "fulfilled" ? write.value.kind : String(write.reason),
    );
    expect([...new Set(kinds)]).toEqual(["written"]);
  }
}, 300_000);
