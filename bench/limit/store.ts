// The bucket, as tight as the official connection allows: a publish with one header, and a bare push consumer.

import { stateStream, stateSubject } from "../names.ts";
import type { Place, StoreSide } from "../side.ts";
import { toError } from "../side.ts";
import { expecting, LeanLink, parse, sequenceOf } from "./link.ts";

export async function open({ servers, app }: Place): Promise<StoreSide> {
  const link = await LeanLink.open({ servers });
  const revisions = new Map<string, number>();
  return {
    update: (key, value, done) => {
      const headers = expecting(revisions.get(key) ?? 0);
      link.request(stateSubject(app, key), Buffer.from(value), headers, (ack) => {
        try {
          const revision = sequenceOf(ack.data);
          revisions.set(key, revision);
          done(undefined, revision);
        } catch (thrown) {
          done(toError(thrown), 0);
        }
      });
    },
    watch: (onValue) => push(link, stateStream(app), onValue),
    close: () => link.close(),
  };
}

async function push(link: LeanLink, stream: string, onValue: (value: Uint8Array) => void): Promise<void> {
  const name = `limit${crypto.randomUUID().slice(0, 8)}`;
  const inbox = `_INBOX.${name}`;
  link.connection.subscribe(inbox, { callback: (_error, message) => onValue(message.data) });
  const config = {
    name,
    deliver_policy: "new",
    deliver_subject: inbox,
    ack_policy: "none",
    mem_storage: true,
    num_replicas: 1,
  };
  const made = await link.call(`$JS.API.CONSUMER.CREATE.${stream}.${name}`, { stream_name: stream, config });
  const { error } = parse(made.data) as { readonly error?: { readonly description: string } };
  if (error !== undefined) throw new Error(`no consumer on ${stream}: ${error.description}`);
}
