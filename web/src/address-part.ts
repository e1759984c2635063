// One part of an address, whatever text it is. `.` and `..` mean something else in every address, and `%2E%2E` the same: they are
// written behind a `~`, and so is what begins with one. The server reads it so too (`partOf` in its query.ts).

export const encodePart = (text: string): string =>
  encodeURIComponent(/^(?:\.{1,2}$|~)/.test(text) ? `~${text}` : text);

/** What came from an address that somebody has cut short is shown as it is. */
export function decodePart(part: string): string {
  const text = decoded(part);
  return text.startsWith("~") ? text.slice(1) : text;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
