// Places in a JSON value (RFC 6901).

/** A member's name within a JSON pointer. */
export const escaped = (member: string): string => member.replaceAll("~", "~0").replaceAll("/", "~1");

/** The member that a JSON pointer names; undefined when there is none. */
export function at(value: unknown, pointer: string): unknown {
  let here = value;
  for (const part of pointer.split("/").slice(1)) {
    const member = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, member)) return undefined;
    here = (here as Record<string, unknown>)[member];
  }
  return here;
}
