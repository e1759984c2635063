// Lines of a byte stream, numbered from 1, one at a time as they come. Whatever comes, no more than one line of bounded
// length is held in memory.

/** Longest line. Unit: bytes. */
export const lineBytesMax = 64 * 1024;

export type Line =
  | { readonly kind: "text"; readonly number: number; readonly text: string }
  | { readonly kind: "unreadable"; readonly number: number; readonly reason: string };

const lineFeed = 0x0a;

/** The last line counts also without a line feed at its end. */
export async function* readLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let number = 0;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const keep = (bytes: Uint8Array) => {
    // What is over the bound is counted, not kept.
    if (heldBytes <= lineBytesMax && bytes.length > 0) held.push(bytes);
    heldBytes += bytes.length;
  };
  const take = (): Line => {
    number += 1;
    const line = toLine(number, held, heldBytes);
    held = [];
    heldBytes = 0;
    return line;
  };
  for await (const chunk of source) {
    let from = 0;
    for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, from)) {
      keep(chunk.subarray(from, at));
      yield take();
      from = at + 1;
    }
    keep(chunk.subarray(from));
  }
  if (heldBytes > 0) yield take();
}

function toLine(number: number, held: readonly Uint8Array[], bytes: number): Line {
  if (bytes > lineBytesMax) {
    return { kind: "unreadable", number, reason: `is longer than ${lineBytesMax} bytes (${bytes})` };
  }
  try {
    // A byte order mark at the start of a file is dropped by the decoder.
    return { kind: "text", number, text: new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(held)) };
  } catch {
    // The decoder throws for one reason only.
    return { kind: "unreadable", number, reason: "is not UTF-8" };
  }
}
