// Reads a stream in order with pull requests, each for a large batch and the next one sent before the last is used up.
// No heartbeats and no recovery: a gap ends the run.

import type { Msg } from "@nats-io/transport-node";
import type { LeanLink } from "./link.ts";
import { parse } from "./link.ts";

export type OnStored = (subject: string, sequence: number, data: Uint8Array) => void;

const batch = 512;
const expiresNs = 30_000_000_000;

export async function readInOrder(link: LeanLink, stream: string, onStored: OnStored): Promise<void> {
  const name = `limit${crypto.randomUUID().slice(0, 8)}`;
  const config = {
    name,
    deliver_policy: "all",
    ack_policy: "none",
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: 300_000_000_000,
  };
  const made = await link.call(`$JS.API.CONSUMER.CREATE.${stream}.${name}`, { stream_name: stream, config });
  const { error } = parse(made.data) as { readonly error?: { readonly description: string } };
  if (error !== undefined) throw new Error(`no consumer on ${stream}: ${error.description}`);

  const inbox = `_INBOX.${name}`;
  let expected = 1;
  let underWay = 0;
  const request = Buffer.from(JSON.stringify({ batch: batch / 2, expires: expiresNs }));
  const pull = (): void => {
    underWay += batch / 2;
    link.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`, request, { reply: inbox });
  };

  link.connection.subscribe(inbox, {
    callback: (_error, message) => {
      if (message.headers !== undefined && message.data.length === 0) {
        // A pull that expired with messages still owed to it: ask for those again.
        underWay -= Number(message.headers.get("Nats-Pending-Messages")) || 0;
      } else {
        underWay -= 1;
        onStored(message.subject, takeSequence(message, expected++), message.data);
      }
      if (underWay <= batch / 2) pull();
    },
  });
  pull();
  pull();
}

/** `$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<time>.<pending>` */
function takeSequence(message: Msg, expected: number): number {
  const tokens = (message.reply ?? "").split(".");
  if (Number(tokens[6]) !== expected) throw new Error(`gap: expected ${expected}, got ${message.reply}`);
  return Number(tokens[5]);
}
