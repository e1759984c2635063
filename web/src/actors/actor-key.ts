// An actor's key in the bucket of states, `type.id`: what is live is asked for by it. Ids stand escaped in all keys.

const plain = /^[A-Za-z0-9_-]$/;

/** As the runtime writes it: each byte outside `[A-Za-z0-9_-]` of an id as `=XX`. */
export function keyOf(type: string, id: string): string {
  let escaped = "";
  for (const byte of new TextEncoder().encode(id)) {
    const char = String.fromCharCode(byte);
    escaped += byte < 128 && plain.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return `${type}.${escaped}`;
}

/** The id that stands escaped in a key; what is none is shown as it is. */
export function idIn(token: string): string {
  if (!/^(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+$/.test(token)) return token;
  const bytes = [...token.matchAll(/=(..)|(.)/g)].map(([, code, char = ""]) =>
    code === undefined ? char.charCodeAt(0) : Number.parseInt(code, 16),
  );
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
