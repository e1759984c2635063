// The caller, as tight as the official connection allows.

import type { Msg } from "@nats-io/transport-node";
import { askSubject, mailSubject } from "../names.ts";
import type { CallerSide, Done, Place } from "../side.ts";
import { toError } from "../side.ts";
import { LeanLink, parse, sequenceOf } from "./link.ts";

const nothing = new Uint8Array(0);

export async function open({ servers, app }: Place): Promise<CallerSide> {
  const link = await LeanLink.open({ servers });
  return {
    ask: (id, n, done) => {
      const data = Buffer.from(JSON.stringify(n));
      link.request(askSubject(app, id, "add"), data, undefined, (message) => take(message, done));
    },
    query: (id, done) => {
      link.request(askSubject(app, id, "total"), nothing, undefined, (message) => take(message, done));
    },
    tell: (id, n, done) => {
      link.request(mailSubject(app, id), Buffer.from(JSON.stringify(n)), undefined, (message) => {
        try {
          done(undefined, sequenceOf(message.data));
        } catch (thrown) {
          done(toError(thrown), 0);
        }
      });
    },
    close: () => link.close(),
  };
}

function take(message: Msg, done: Done): void {
  if (message.data.length === 0) done(new Error("the ask failed, or nobody listens"), 0);
  else done(undefined, parse(message.data) as number);
}
