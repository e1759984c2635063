// A log as tight as the official connection allows: a publish with one header for each turn. Reading has no such side.

import { logSubject } from "../names.ts";
import type { Done, LogSide, Place } from "../side.ts";
import { toError } from "../side.ts";
import { expecting, LeanLink, sequenceOf } from "./link.ts";

interface Line {
  end: number;
  isBusy: boolean;
  readonly waiting: { readonly text: string; readonly done: Done }[];
}

const expectingNothing = expecting(0);

export async function open({ servers, app }: Place): Promise<LogSide> {
  const link = await LeanLink.open({ servers });
  const lines = new Map<string, Line>();
  let ids = 0;

  function next(log: string, line: Line): void {
    const turn = line.waiting.shift();
    if (turn === undefined) return;
    line.isBusy = true;
    ids += 1;
    const value = Buffer.from(`{"text":${JSON.stringify(turn.text)},"id":"${String(ids).padStart(10, "0")}"}`);
    link.request(logSubject(app, log, line.end + 1), value, expectingNothing, (ack) => {
      line.isBusy = false;
      try {
        sequenceOf(ack.data);
        line.end += 1;
        turn.done(undefined, line.end);
      } catch (thrown) {
        turn.done(toError(thrown), 0);
      }
      if (!line.isBusy) next(log, line);
    });
  }

  return {
    append: (log, text, done) => {
      const line = lines.get(log) ?? { end: 0, isBusy: false, waiting: [] };
      lines.set(log, line);
      line.waiting.push({ text, done });
      if (!line.isBusy) next(log, line);
    },
    readLast: (_log, _count, done) => done(new Error("reading has no limit"), 0),
    readAll: async (log) => lines.get(log)?.end ?? 0,
    close: () => link.close(),
  };
}
