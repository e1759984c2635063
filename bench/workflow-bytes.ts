// What the buckets of an app take on the server: what stays of a run, without the mail, which is trimmed.

import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

export async function bucketBytes(servers: string, app: string): Promise<number> {
  const connection = await connect({ servers });
  try {
    const manager = await jetstreamManager(connection);
    let bytes = 0;
    for await (const { config, state } of manager.streams.list()) {
      if (config.name.startsWith(`KV_${app}_`)) bytes += state.bytes;
    }
    return bytes;
  } finally {
    await connection.close();
  }
}
