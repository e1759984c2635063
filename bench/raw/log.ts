// A log by hand: each turn a message on a subject of its own, created with an expectation, one after the other for each
// log; the last turns by one read of many subjects, all of them by an ordered consumer.

import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, nuid } from "@nats-io/transport-node";
import { logStream, logSubject } from "../names.ts";
import type { LogSide, Place } from "../side.ts";
import { settle } from "../side.ts";

export async function open({ servers, app }: Place): Promise<LogSide> {
  const nc = await connect({ servers });
  const js = jetstream(nc);
  const manager = await jetstreamManager(nc);
  const ends = new Map<string, number>();
  const lastOf = new Map<string, Promise<unknown>>();

  async function append(log: string, text: string): Promise<number> {
    const record = (ends.get(log) ?? 0) + 1;
    const value = JSON.stringify({ text, id: nuid.next() });
    await js.publish(logSubject(app, log, record), value, { expect: { lastSubjectSequence: 0 } });
    ends.set(log, record);
    return record;
  }

  async function readLast(log: string, count: number): Promise<number> {
    const end = ends.get(log) ?? 0;
    const subjects = Array.from({ length: count }, (_, at) => logSubject(app, log, end - count + 1 + at));
    const turns: unknown[] = [];
    for await (const message of await manager.direct.getLastMessagesFor(logStream(app), { multi_last: subjects })) {
      turns.push(message.json());
    }
    return turns.length;
  }

  return {
    append: (log, text, done) => {
      const turn = (lastOf.get(log) ?? Promise.resolve()).then(() => append(log, text));
      lastOf.set(
        log,
        turn.catch(() => undefined),
      );
      settle(turn, done);
    },
    readLast: (log, count, done) => settle(readLast(log, count), done),
    async readAll(log) {
      const subject = logSubject(app, log, 0).replace(/\d+$/, "*");
      const consumer = await js.consumers.get(logStream(app), { filter_subjects: subject });
      let { num_pending: left } = await consumer.info();
      let count = 0;
      if (left === 0) return 0;
      for await (const message of await consumer.consume({ max_messages: 1_000 })) {
        message.json();
        count += 1;
        left -= 1;
        if (left === 0) break;
      }
      return count;
    },
    close: () => nc.close(),
  };
}
