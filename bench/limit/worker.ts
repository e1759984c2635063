// The worker, as tight as the official connection allows: callbacks from the socket to the acknowledgement.

import type { Msg } from "@nats-io/transport-node";
import { CommitCount } from "../commit-count.ts";
import { askSubject, mailStream, mailSubject } from "../names.ts";
import type { Place, WorkerSide } from "../side.ts";
import { LimitCounter } from "./counter.ts";
import { LeanLink, parse } from "./link.ts";
import { readInOrder } from "./reader.ts";

export async function open({ servers, app }: Place): Promise<WorkerSide> {
  const link = await LeanLink.open({ servers });
  const counters = new Map<string, LimitCounter>();
  const committed = new CommitCount();

  function counterOf(id: string): LimitCounter {
    let counter = counters.get(id);
    if (counter === undefined) {
      counter = new LimitCounter(link, app, id);
      counters.set(id, counter);
    }
    return counter;
  }

  /** The id in a subject like `askSubject`, without splitting it into tokens. */
  const idIn = (subject: string, sample: string): string => {
    const start = sample.indexOf("*");
    return subject.slice(start, subject.length - (sample.length - start - 1));
  };
  const addAsk = askSubject(app, "*", "add");
  const totalAsk = askSubject(app, "*", "total");
  const mail = mailSubject(app, "*");

  function answer(message: Msg, failure: Error | undefined, value: number): void {
    // An empty reply stands for a failure: the caller fails on it, and this process says why.
    if (failure !== undefined) console.error(failure.message);
    link.connection.publish(message.reply ?? "", failure === undefined ? Buffer.from(String(value)) : "");
  }

  link.connection.subscribe(addAsk, {
    callback: (_error, message) => {
      const done = (failure: Error | undefined, value: number) => answer(message, failure, value);
      counterOf(idIn(message.subject, addAsk)).add({ n: parse(message.data) as number, sequence: 0, done });
    },
  });
  link.connection.subscribe(totalAsk, {
    callback: (_error, message) => {
      counterOf(idIn(message.subject, totalAsk)).total((failure, value) => answer(message, failure, value));
    },
  });
  const onCommit = (failure: Error | undefined) => (failure === undefined ? committed.add() : committed.fail(failure));
  await readInOrder(link, mailStream(app), (subject, sequence, data) => {
    counterOf(idIn(subject, mail)).add({ n: parse(data) as number, sequence, done: onCommit });
  });
  await link.connection.flush();
  return {
    ask: (id, n, done) => counterOf(id).add({ n, sequence: 0, done }),
    query: (id, done) => counterOf(id).total(done),
    whenCommitted: (_ids, total) => committed.reached(total),
    close: () => link.close(),
  };
}
