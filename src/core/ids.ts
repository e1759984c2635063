// Names on the wire: an actor's address and its escaped form.
//
//   I1. Escaping is injective and its image holds only `[A-Za-z0-9_=-]`, so no id can reach another subject.
//   I2. Common ids stay readable: only characters outside `[A-Za-z0-9_-]` are escaped, each UTF-8 byte as `=XX`.
//   I3. Only the canonical form is read back; anything else is refused.

import { TroupeError } from "./errors.ts";

export interface ActorAddress {
  readonly type: string;
  readonly id: string;
}

/** Longest id. Unit: bytes of UTF-8. */
export const idBytesMax = 256;
const nameForm = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const plainForm = /^[A-Za-z0-9_-]+$/;
const escapedForm = /^(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+$/;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** An id as one subject token. Rejects with ID_INVALID: empty, over 256 bytes, or a lone surrogate. */
export function escapeId(id: string): string {
  if (typeof id !== "string" || id.length === 0) {
    throw new TroupeError(
      "ID_INVALID",
      `an actor's id must be a non-empty string, got ${JSON.stringify(id) ?? typeof id}`,
    );
  }
  if (id.length <= idBytesMax && plainForm.test(id)) return id;
  if (!id.isWellFormed()) throw new TroupeError("ID_INVALID", `the id ${JSON.stringify(id)} holds half a character`);
  const bytes = encoder.encode(id);
  if (bytes.length > idBytesMax) {
    throw new TroupeError("ID_INVALID", `an actor's id holds at most ${idBytesMax} bytes, got ${bytes.length}`);
  }
  let out = "";
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    out += byte < 128 && plainForm.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}

/** The id that `escapeId` made this token from; undefined when the token is not in canonical form (I3). */
export function unescapeId(token: string): string | undefined {
  if (plainForm.test(token)) return token.length <= idBytesMax ? token : undefined;
  if (!escapedForm.test(token)) return undefined;
  const bytes: number[] = [];
  for (let at = 0; at < token.length; at += 1) {
    if (token[at] === "=") {
      bytes.push(Number.parseInt(token.slice(at + 1, at + 3), 16));
      at += 2;
    } else bytes.push(token.charCodeAt(at));
  }
  try {
    const id = decoder.decode(Uint8Array.from(bytes));
    return escapeId(id) === token ? id : undefined;
  } catch {
    // Not UTF-8, or too long: no id has this token.
    return undefined;
  }
}

/** Whether this can be the name of an actor type, a method, an app or a pool. */
export function isName(text: string): boolean {
  return nameForm.test(text);
}

/** Checks the name of an actor type, a method, an app or a pool; returns it. Rejects with NAME_INVALID. */
export function checkName(kind: string, name: string): string {
  if (typeof name !== "string" || !nameForm.test(name)) {
    throw new TroupeError("NAME_INVALID", `${JSON.stringify(name) ?? typeof name} is not a name for ${kind}`);
  }
  return name;
}

/** `type/id`, for people: logs, errors, the CLI. */
export function printAddress(address: ActorAddress): string {
  return `${address.type}/${address.id}`;
}

/** The key of the actor that is printed so; undefined when it is no actor's address. */
export function keyOfPrinted(text: string): string | undefined {
  const slash = text.indexOf("/");
  const [type, id] = [text.slice(0, Math.max(0, slash)), text.slice(slash + 1)];
  try {
    return nameForm.test(type) ? keyOf({ type, id }) : undefined;
  } catch {
    // Empty, too long, or half a character: no id is printed so.
    return undefined;
  }
}

/** `type.id` escaped: the actor's key in the state bucket, and the tail of its subjects. */
export function keyOf(address: ActorAddress): string {
  return `${address.type}.${escapeId(address.id)}`;
}

/** The address whose key this is; undefined when it is no actor's key. */
export function addressOf(key: string): ActorAddress | undefined {
  const dot = key.indexOf(".");
  if (dot < 1) return undefined;
  const type = key.slice(0, dot);
  const id = unescapeId(key.slice(dot + 1));
  return id === undefined || !nameForm.test(type) ? undefined : { type, id };
}
