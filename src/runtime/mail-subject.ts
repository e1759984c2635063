// Which actor and method a subject speaks of: `<prefix><type>.<id>.<method>`.

import { TroupeError } from "../core/errors.ts";
import { isKey } from "./mail-headers.ts";
import { encodeError } from "./wire-error.ts";

export interface MailTarget {
  readonly key: string;
  readonly method: string;
}

/**
 * What stands behind the prefix. A stored message always has one, so that whoever reads it can give it up with a
 * reason: when the subject is not an actor's, `key` is one that `addressOf` refuses.
 */
export function targetOf(subject: string, prefixLength: number): MailTarget {
  const dot = subject.lastIndexOf(".");
  if (dot < prefixLength) return { key: "", method: subject.slice(prefixLength) };
  return { key: subject.slice(prefixLength, dot), method: subject.slice(dot + 1) };
}

/** What stands behind the prefix when it is an actor's method, else undefined. */
export function strictTargetOf(subject: string, prefixLength: number): MailTarget | undefined {
  const dot = subject.lastIndexOf(".");
  if (dot < prefixLength) return undefined;
  const key = subject.slice(prefixLength, dot);
  return isKey(key) ? { key, method: subject.slice(dot + 1) } : undefined;
}

/** What a request to a subject that is no actor's is answered with. */
export function misaddressed(subject: string): Uint8Array {
  const text = `${JSON.stringify(subject)} does not end in <type>.<id>.<method>`;
  return encodeError(new TroupeError("NAME_INVALID", text));
}
