// Pages that listen to a dashboard, in a process of their own: what comes, how much, how late; and one that does not read. Ends with
// standard input: `node readers.ts URL PAGES` prints what each page has got.

import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import type { ChangesView } from "../../src/monitoring/dashboard/api/live.ts";

interface ReaderCount {
  events: number;
  bytes: number;
  /** Changes that it was told of: shown, or only counted. */
  changed: number;
  rows: number;
  /** From the commit of the latest row of each event to its coming, by this machine's clock. Unit: ms. */
  readonly lagsMs: number[];
}

export type PageCount = Readonly<ReaderCount>;

/** Listens to all changes until `signal` aborts. */
async function readChanges(url: string, signal: AbortSignal): Promise<ReaderCount> {
  const count: ReaderCount = { events: 0, bytes: 0, changed: 0, rows: 0, lagsMs: [] };
  try {
    const { body } = await fetch(`${url}/api/live?topics=now,changes`, { signal });
    let text = "";
    for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      count.bytes += chunk.length;
      text += chunk;
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        take(text.slice(0, end), count);
        text = text.slice(end + 2);
      }
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  }
  return count;
}

function take(block: string, count: ReaderCount): void {
  count.events += 1;
  const [, data] = /^event: changes\ndata: (.*)$/.exec(block) ?? [];
  if (data === undefined) return;
  const { changed, rows } = JSON.parse(data) as ChangesView;
  count.changed += changed;
  count.rows += rows.length;
  count.lagsMs.push(Date.now() - Math.max(...rows.map(({ changedAtMs }) => changedAtMs)));
}

/** Asks for all changes and never reads an answer. */
async function openStuckReader(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.pause();
  socket.write(`GET /api/live?topics=now,changes HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
  return socket;
}

const [, , url = "", pages = "1"] = process.argv;
const ending = new AbortController();
const stuck = await openStuckReader(url);
const readers = Array.from({ length: Number(pages) }, () => readChanges(url, ending.signal));
process.stdin.resume();
await once(process.stdin, "end");
ending.abort();
console.log(JSON.stringify(await Promise.all(readers)));
stuck.destroy();
