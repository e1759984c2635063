// Which partition an actor belongs to. Frozen by golden vectors: a change would strand every mailbox.

/** Partitions of a pool when nothing else is said. */
export const partitionCountDefault = 64;

/**
 * FNV-1a 32 over type and escaped id with nothing between them, modulo the pool's partition count: what the server's
 * own subject transform `{{partition(n,1,2)}}` computes for the subject `<type>.<id>`.
 * http://www.isthe.com/chongo/tech/comp/fnv/ (both parts are ASCII, so a char code is a byte).
 */
export function partitionOf(type: string, escapedId: string, count: number): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < type.length; at += 1) hash = Math.imul(hash ^ type.charCodeAt(at), 0x01000193);
  for (let at = 0; at < escapedId.length; at += 1) hash = Math.imul(hash ^ escapedId.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % count;
}
