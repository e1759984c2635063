// One customer's message, as a line of the input holds it, and what makes it the same message when it comes again.

import { createHash } from "node:crypto";
import { z } from "zod";

/** Longest text that the desk takes. Unit: characters. */
export const textLengthMax = 8_000;
/** Ids become addresses of actors, which hold at most so much. Unit: bytes of UTF-8. */
const idBytesMax = 256;

export const channels = ["email", "chat", "phone"] as const;
export type Channel = (typeof channels)[number];

const shortText = z.string().min(1, "is empty").max(200, "is longer than 200 characters");

export const messageSchema = z.object({
  /** Names the message for its customer. Without it the content does. */
  id: shortText.optional(),
  /** When it was written. */
  at: z.iso.datetime({ offset: true, error: "must be a time like 2026-03-02T08:04:00Z" }),
  customer: z
    .string()
    .min(1, "is empty")
    .refine((id) => id.isWellFormed(), "holds half a character")
    .refine((id) => Buffer.byteLength(id) <= idBytesMax, `is longer than ${idBytesMax} bytes`),
  name: shortText,
  thread: shortText,
  channel: z.enum(channels),
  text: z.string().min(1, "is empty").max(textLengthMax, `is longer than ${textLengthMax} characters`),
});
export type Message = z.infer<typeof messageSchema>;

/** The same for the same message, whenever and however often it comes: its own id, or a hash of what it says. */
export function identityOf(message: Message): string {
  const { id, at, customer, thread, channel, text } = message;
  const parts = id === undefined ? [at, customer, thread, channel, text] : [id];
  // 72 bits: for a million messages of one customer the chance that two are mixed up is one in ten thousand million.
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url").slice(0, 12);
}
