// The streams that `raw` and `limit` work on: the same kind and settings as Troupe's, or the comparison is none.
// When Troupe is part of the run its own streams are read back from the server and copied; what stands here is for
// runs without it, and for a mail stream that the cases about buckets never use.

import type { JetStreamManager, StreamConfig } from "@nats-io/jetstream";
import { JetStreamApiError } from "@nats-io/jetstream";
import { logStream, mailStream, stateStream } from "./names.ts";

type Settings = Partial<StreamConfig>;

const common: Settings = { retention: "limits", storage: "file", num_replicas: 1, allow_direct: true };
const mailDefaults: Settings = { ...common, discard: "old", allow_msg_schedules: true };
const stateDefaults: Settings = {
  ...common,
  discard: "new",
  max_msgs_per_subject: 8,
  deny_delete: true,
  allow_rollup_hdrs: true,
  allow_atomic: true,
  allow_msg_ttl: true,
};

/** Makes the app's streams, like those of the app `like` when that has some. */
export async function makeLayout(manager: JetStreamManager, app: string, like?: string): Promise<void> {
  const state = like === undefined ? undefined : await settingsOf(manager, stateStream(like));
  const mail = like === undefined ? undefined : await settingsOf(manager, mailStream(like));
  const log = like === undefined ? undefined : await settingsOf(manager, logStream(like));
  await manager.streams.add({
    ...(state ?? stateDefaults),
    name: stateStream(app),
    subjects: [`$KV.${app}_state.>`],
  });
  await manager.streams.add({
    ...(mail ?? mailDefaults),
    name: mailStream(app),
    subjects: [`${app}.mail.>`, `${app}.timer.>`],
  });
  await manager.streams.add({
    ...(log ?? { ...stateDefaults, max_msgs_per_subject: 1 }),
    name: logStream(app),
    subjects: [`$KV.${app}_memory.>`],
  });
}

const streamNotFound = 10059;

async function settingsOf(manager: JetStreamManager, stream: string): Promise<Settings | undefined> {
  try {
    const { config } = await manager.streams.info(stream);
    const { metadata: _metadata, ...settings } = config;
    return settings;
  } catch (thrown) {
    if (thrown instanceof JetStreamApiError && thrown.code === streamNotFound) return undefined;
    throw thrown;
  }
}
