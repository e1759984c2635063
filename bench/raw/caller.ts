// The caller by hand: `nc.request` for an ask, `js.publish` for a tell.

import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { askSubject, mailSubject } from "../names.ts";
import type { CallerSide, Place } from "../side.ts";
import { settle } from "../side.ts";

interface Reply {
  readonly result?: number;
  readonly error?: string;
}

export async function open({ servers, app }: Place): Promise<CallerSide> {
  const nc = await connect({ servers });
  const js = jetstream(nc);

  async function request(subject: string, payload: string): Promise<number> {
    const message = await nc.request(subject, payload, { timeout: 10_000 });
    const { result, error } = message.json<Reply>();
    if (result === undefined) throw new Error(error ?? "a reply without a result");
    return result;
  }

  async function append(id: string, n: number): Promise<number> {
    const ack = await js.publish(mailSubject(app, id), JSON.stringify(n));
    return ack.seq;
  }

  return {
    ask: (id, n, done) => settle(request(askSubject(app, id, "add"), JSON.stringify(n)), done),
    query: (id, done) => settle(request(askSubject(app, id, "total"), ""), done),
    tell: (id, n, done) => settle(append(id, n), done),
    close: () => nc.close(),
  };
}
