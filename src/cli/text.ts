// Text on a terminal: what actors hold is shown, never obeyed, and columns stay columns in any script.

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Style = keyof typeof codes;
export type Paint = (style: Style, text: string) => string;

export const plain: Paint = (_style, text) => text;
export const coloured: Paint = (style, text) => `\u001b[${codes[style]}m${text}\u001b[0m`;

/** On one line, without the characters that steer a terminal or turn the direction of writing. */
export function printable(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\u2028\u2029]+/gu, " ")
    .replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");
}

/** JSON in which no character steers a terminal: what may is written as an escape, which is JSON too. */
export function printJson(value: unknown, indent = 0): string {
  const text = JSON.stringify(value, undefined, indent) ?? "null";
  return text.replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
const wide = /\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\ufe0f/u;

/** Columns that the text takes. */
export function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += wide.test(segment) ? 2 : 1;
  return width;
}

/** At most `width` columns, with an ellipsis for what was cut off; 0: as it is. */
export function clip(text: string, width: number): string {
  if (width < 1 || text.length <= width / 2 || widthOf(text) <= width) return text;
  let kept = "";
  let room = width - 1;
  for (const { segment } of graphemes.segment(text)) {
    room -= wide.test(segment) ? 2 : 1;
    if (room < 0) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

/** Rows below a head, in columns as wide as they have to be; the last one is cut at `width` columns in all (0: never). */
export function printTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  paint: Paint,
  width: number,
): string {
  const cells = [head, ...rows].map((row) => row.map(printable));
  const widths = head.map((_, at) => Math.max(...cells.map((row) => widthOf(row[at] ?? ""))));
  const lines = cells.map((row) => {
    const padded = row.map((text, at) =>
      at === head.length - 1 ? text : text + " ".repeat((widths[at] ?? 0) - widthOf(text)),
    );
    return clip(padded.join("  ").trimEnd(), width);
  });
  const [first = "", ...others] = lines;
  return [paint("bold", first), ...others].join("\n");
}

/** Names and values below each other. */
export function printPairs(pairs: readonly (readonly [name: string, value: string])[], paint: Paint): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `  ${paint("dim", name.padEnd(width))}  ${value}`).join("\n");
}
