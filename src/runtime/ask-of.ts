// An ask as its actor's mailbox takes it.

import type { AskMessage } from "../actors/message.ts";
import { encodeText } from "../core/codec.ts";
import type { MailMeta, MailRequest } from "./mail.ts";
import { encodeError } from "./wire-error.ts";

const nothing = new Uint8Array(0);

/** `id`: what it is called when its asker has given it no idempotency key. */
export function askMessage(
  { method, payload, askId }: Pick<AskMessage, "method" | "payload" | "askId">,
  meta: MailMeta,
  id: string,
  answer: AskMessage["answer"],
): AskMessage {
  return {
    kind: "ask",
    method,
    payload,
    askId,
    interrupt: undefined,
    messageId: meta.idempotencyKey === undefined ? id : `key:${meta.idempotencyKey}`,
    from: meta.from,
    chain: meta.chain ?? [],
    idempotencyKey: meta.idempotencyKey,
    trace: meta.trace,
    turnTrace: undefined,
    endedMs: undefined,
    answer,
  };
}

/** The same, of a request that came from another process. */
export function askOf(request: MailRequest, id: string): AskMessage {
  return askMessage(request, request.meta, id, (answer) => {
    if (answer.kind === "error") request.reply(encodeError(answer.error), answer.error.code);
    else request.reply(answer.text === undefined ? nothing : encodeText(answer.text));
  });
}
