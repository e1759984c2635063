// Reads the part of YAML that our own files keep to: maps and lists by indentation, scalars on one line or as a block of text (`|`)
// without empty lines, lists and maps in brackets of scalars. Whatever else YAML has throws, so that what is read here means the same to every reader of YAML.

interface Line {
  readonly indent: number;
  readonly text: string;
  readonly at: number;
}

export function readPlainYaml(text: string): unknown {
  const lines = text.split("\n").flatMap((line, index): Line[] => {
    if (/^\s*(?:#|$)/.test(line)) return [];
    if (line.includes("\t") || line !== line.trimEnd())
      throw new Error(`line ${index + 1}: a tab, or blanks at the end`);
    return [{ indent: line.length - line.trimStart().length, text: line.trim(), at: index + 1 }];
  });
  const reader = { lines: [...lines] };
  const value = readBlock(reader, lines[0]?.indent ?? 0);
  const [rest] = reader.lines;
  if (rest !== undefined) throw fault(rest, "stands further out than what it follows");
  return value;
}

interface Reader {
  readonly lines: Line[];
}

function readBlock(reader: Reader, indent: number): unknown {
  const isList = reader.lines[0]?.text.startsWith("- ") ?? false;
  return isList ? readList(reader, indent) : readMap(reader, indent);
}

function readList(reader: Reader, indent: number): unknown[] {
  const items: unknown[] = [];
  for (let line = reader.lines[0]; line?.indent === indent; line = reader.lines[0]) {
    if (!line.text.startsWith("- ")) throw fault(line, "is no item of the list");
    const inner = { ...line, indent: indent + 2, text: line.text.slice(2).trimStart() };
    if (keyForm.test(inner.text)) {
      reader.lines[0] = inner;
      items.push(readMap(reader, indent + 2));
    } else {
      reader.lines.shift();
      items.push(readScalar(inner));
    }
  }
  return items;
}

const keyForm = /^([A-Za-z_][\w.\-/]*):(?: (.*))?$/;

function readMap(reader: Reader, indent: number): Record<string, unknown> {
  const map: Record<string, unknown> = {};
  for (let line = reader.lines[0]; line?.indent === indent; line = reader.lines[0]) {
    const [, key, rest] = keyForm.exec(line.text) ?? [];
    if (key === undefined) throw fault(line, "is no `key: value`");
    if (key in map) throw fault(line, "has a key that is there already");
    reader.lines.shift();
    const next = reader.lines[0];
    if (rest === "|") map[key] = readText(reader, line);
    else if (rest !== undefined) map[key] = readScalar({ ...line, text: rest });
    else if (next !== undefined && next.indent > indent) map[key] = readBlock(reader, next.indent);
    else if (next?.indent === indent && next.text.startsWith("- ")) map[key] = readList(reader, indent);
    else map[key] = null;
  }
  const [next] = reader.lines;
  if (next !== undefined && next.indent > indent) throw fault(next, "stands further in than what it belongs to");
  return map;
}

/** The lines that stand further in than their key. */
function readText({ lines }: Reader, key: Line): string {
  const first = lines[0];
  const texts: string[] = [];
  for (let line = lines[0]; line !== undefined && line.indent > key.indent; line = lines[0]) {
    if (first === undefined || line.indent < first.indent) throw fault(line, "stands further out than its text");
    if (line.at !== key.at + texts.length + 1) throw fault(line, "follows an empty line, or a comment");
    texts.push(" ".repeat(line.indent - first.indent) + line.text);
    lines.shift();
  }
  return `${texts.join("\n")}\n`;
}

function readScalar(line: Line): unknown {
  const { text } = line;
  if (/^".*"$/.test(text)) return JSON.parse(text) as string;
  if (/^'(?:[^']|'')*'$/.test(text)) return text.slice(1, -1).replaceAll("''", "'");
  if (/^\[.*\]$|^\{\}$/.test(text)) return JSON.parse(text) as unknown;
  if (/^[-+]?\d+(?:\.\d+)?$/.test(text)) return Number(text);
  if (/^(?:true|false)$/.test(text)) return text === "true";
  if (/^[[\]{}&*!|>%@`"'#,?:-]|: | #|:$/.test(text))
    throw fault(line, "needs quotes, or is more than this reader takes");
  return text;
}

function fault({ at, text }: Line, what: string): Error {
  return new Error(`line ${at} ${what}: ${text}`);
}
