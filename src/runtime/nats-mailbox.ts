// Reads one actor's stored messages: all methods of its mailbox from a sequence on, oldest first.
//
//   B1. It sees everything that was stored before the call. Direct reads may be answered by a replica that lags, so the
//       leader says first where the mailbox ends, and what a replica does not have yet is read from the leader.
//   B2. A break of the connection, or no answer, rejects: a part is never taken for the whole.
//   B3. A message whose headers the client cannot read (anybody may have stored it) hides no other: it is read from the
//       leader, which hands out its bytes.

import type { Msg } from "@nats-io/transport-node";
import type { Clock } from "../core/clock.ts";
import { messageOf, TroupeError } from "../core/errors.ts";
import type { ApiAnswer } from "../kv/nats-api.ts";
import { apiTimeoutMs, readApi, refusedError, serverErrors } from "../kv/nats-api.ts";
import type { NatsLink } from "../kv/nats-link.ts";
import { headersOf } from "../kv/nats-link.ts";
import type { Letter } from "./mail.ts";
import { mailboxReadBytesMax, noMeta } from "./mail.ts";
import type { HeaderEntries } from "./mail-headers.ts";
import { metaOf } from "./mail-headers.ts";
import { targetOf } from "./mail-subject.ts";
import { letterOf } from "./mail-timer.ts";

interface LeaderAnswer {
  readonly message: {
    readonly subject: string;
    readonly seq: number;
    /** Base64. */
    readonly hdrs?: string;
    readonly data?: string;
  };
}

export interface MailboxQuery {
  readonly link: NatsLink;
  readonly clock: Clock;
  readonly stream: string;
  /** `A.mail.<pool>.<partition>.` */
  readonly prefix: string;
  readonly key: string;
  readonly from: number;
  readonly most: number;
}

/** Rejects with SERVER_UNREACHABLE, STORE_FAILED. */
export async function readStoredMailbox(query: MailboxQuery): Promise<readonly Letter[]> {
  const { most } = query;
  if (most < 1) return [];
  const last = await askLeader(query, { last_by_subj: filterOf(query) });
  const end = last?.sequence ?? 0;
  const letters: Letter[] = [];
  let next = Math.max(1, query.from);
  let bytes = 0;
  // Half, as the server counts subjects and headers too: what it takes for enough is not followed by as much again.
  const isEnough = () => letters.length >= most || bytes >= mailboxReadBytesMax / 2 || next > end;
  while (!isEnough()) {
    const page = await readPage(query, next, most - letters.length);
    letters.push(...page);
    for (const { payload } of page) bytes += payload.length;
    next = (page.at(-1)?.sequence ?? next - 1) + 1;
    if (isEnough()) break;
    // The page ended early: the replica lags, or a message cannot be read there.
    const letter = await askLeader(query, { seq: next, next_by_subj: filterOf(query) }); // B1, B3
    if (letter === undefined) break;
    letters.push(letter);
    bytes += letter.payload.length;
    next = letter.sequence + 1;
  }
  return letters;
}

const filterOf = ({ prefix, key }: MailboxQuery): string => `${prefix}${key}.*`;

/** One message from the stream's leader; undefined when there is none. */
async function askLeader(query: MailboxQuery, request: object): Promise<Letter | undefined> {
  const { stream, link, prefix } = query;
  const answer: ApiAnswer<LeaderAnswer> = await readApi(link, `STREAM.MSG.GET.${stream}`, request);
  if (answer.kind === "failed") throw answer.error;
  if (answer.kind === "refused") {
    if (answer.refusal.code === serverErrors.messageNotFound) return undefined;
    throw refusedError(stream, answer.refusal);
  }
  const { subject, seq, hdrs, data } = answer.value.message;
  const payload = Uint8Array.from(Buffer.from(data ?? "", "base64"));
  const meta = hdrs === undefined ? noMeta : metaOf(entriesOfBlock(Buffer.from(hdrs, "base64").toString()));
  return letterOf(targetOf(subject, prefix.length), payload, meta, seq);
}

const nameForm = /^[\x21-\x39\x3b-\x7e]+$/;

/** The entries of a header block in wire form; none when the client would not read it either (B3). */
function entriesOfBlock(block: string): HeaderEntries {
  const entries: [string, [string]][] = [];
  for (const text of block.split("\r\n").slice(1)) {
    const colon = text.indexOf(":");
    if (colon < 0) continue;
    if (!nameForm.test(text.slice(0, colon))) return [];
    entries.push([text.slice(0, colon), [text.slice(colon + 1).trim()]]);
  }
  return entries;
}

let pages = 0;

/** What a replica has from a sequence on, up to the first message that the client cannot read. */
function readPage(query: MailboxQuery, from: number, most: number): Promise<readonly Letter[]> {
  const { link, clock, stream, prefix } = query;
  const { promise, resolve, reject } = Promise.withResolvers<Letter[]>();
  const fail = (reason: string) =>
    reject(new TroupeError("SERVER_UNREACHABLE", `reading the mailbox ${query.key}: ${reason}`));
  const letters: Letter[] = [];
  let isOver = false;
  const finish = () => {
    isOver = true;
    resolve(letters);
  };
  const onMessage = (error: Error | null, message: Msg) => {
    if (error !== null) return fail(messageOf(error));
    if (isOver) return;
    const headers = headersOf(message);
    if (headers === "unreadable") return finish(); // B3
    if (headers === undefined) return fail("an answer without headers");
    const sequence = Number(headers.last("Nats-Sequence"));
    if (sequence > 0) {
      const target = targetOf(headers.last("Nats-Subject"), prefix.length);
      letters.push(letterOf(target, message.data, metaOf(headers), sequence));
      return;
    }
    // 204 ends a batch, 404 says that there is nothing to begin with.
    if (headers.code !== 204 && headers.code !== 404) return fail(headers.status);
    finish();
  };
  const inbox = `${link.inbox}.m${(pages++).toString(36)}`;
  const isConnected = link.isConnected;
  const subscription = link.connection.subscribe(inbox, { callback: onMessage });
  const forget = link.onDisconnected(() => fail("the connection to NATS broke")); // B2
  const cancel = clock.after(apiTimeoutMs, () => fail("no answer in time"));
  const request = Buffer.from(
    JSON.stringify({ seq: from, batch: most, max_bytes: mailboxReadBytesMax, next_by_subj: filterOf(query) }),
  );
  if (isConnected) link.publish(`$JS.API.DIRECT.GET.${stream}`, request, { reply: inbox });
  else setImmediate(fail, "not connected to NATS"); // L4 of the link
  return promise.finally(() => {
    cancel();
    forget();
    subscription.unsubscribe();
  });
}
