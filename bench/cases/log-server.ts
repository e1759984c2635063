// A log's buckets on a server of their own, for cases that compare with nothing.

import { systemClock } from "../../src/core/clock.ts";
import { callApi } from "../../src/kv/nats-api.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";
import { startServer } from "../server.ts";

export interface LogServer extends AsyncDisposable {
  readonly stores: MemoryStores;
  /** What the memory's stream holds, as the server counts it. Unit: bytes. */
  bytes(): Promise<number>;
}

export async function openLogServer(binary: string): Promise<LogServer> {
  const opened = new AsyncDisposableStack();
  const server = opened.use(await startServer(binary));
  const link = await openLink({ servers: server.url });
  opened.defer(() => link.close());
  const entries = opened.use(await openNatsStore({ link, bucket: "bench_memory" }));
  const facts = opened.use(await openNatsStore({ link, bucket: "bench_facts", history: 16 }));
  return {
    stores: { entries, facts, clock: systemClock, codecs: new ValueCodecs() },
    async bytes() {
      const info = await callApi<{ state: { bytes: number } }>(link, "STREAM.INFO.KV_bench_memory", undefined);
      if (info.kind !== "ok") throw new Error("the server does not say what the stream holds");
      return info.value.state.bytes;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
