// A letter as the message that waits for its turn.

import type { TellMessage } from "../actors/message.ts";
import { mailId } from "./burial.ts";
import type { Letter } from "./mail.ts";

export function tellOf(letter: Letter): TellMessage {
  const { meta, sequence } = letter;
  return {
    kind: "tell",
    method: letter.method,
    payload: letter.payload,
    sequence,
    messageId: meta.messageId ?? mailId(sequence),
    from: meta.from,
    number: meta.number,
    timer: meta.timer,
    trace: meta.trace,
    turnTrace: undefined,
    endedMs: undefined,
    attempts: 0,
    doom: undefined,
  };
}
