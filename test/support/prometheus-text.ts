// Reads Prometheus' text format as Prometheus does, strictly: what it would refuse throws here.

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Exposition {
  /** By the name of the family: counter, gauge, histogram. */
  readonly types: ReadonlyMap<string, string>;
  readonly help: ReadonlyMap<string, string>;
  readonly samples: readonly Sample[];
}

const sampleForm = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s;
const labelForm = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/sy;

export function readExposition(text: string): Exposition {
  const types = new Map<string, string>();
  const help = new Map<string, string>();
  const samples: Sample[] = [];
  const seen = new Set<string>();
  if (!text.endsWith("\n")) throw new Error("the text does not end with a line feed");
  for (const line of text.split("\n")) {
    const [, what, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (what !== undefined) {
      const known = what === "TYPE" ? types : help;
      if (known.has(name)) throw new Error(`${what} of ${name} twice`);
      known.set(name, rest);
    } else if (line !== "" && !line.startsWith("#")) {
      const sample = readSample(line);
      const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
      if (seen.has(key)) throw new Error(`twice: ${line}`);
      seen.add(key);
      if (familyOf(sample.name, types) === undefined) throw new Error(`no TYPE before ${line}`);
      samples.push(sample);
    }
  }
  return { types, help, samples };
}

/** The value of the one sample that has these labels, and others besides; undefined when there is none. */
export function sampleOf(
  { samples }: Exposition,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = samples.filter(
    (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  if (found.length > 1) throw new Error(`${name} ${JSON.stringify(labels)} is not one series but ${found.length}`);
  return found[0]?.value;
}

function readSample(line: string): Sample {
  const [, name, inBraces, number] = sampleForm.exec(line) ?? [];
  if (name === undefined || number === undefined) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  labelForm.lastIndex = 0;
  for (let at = 0; inBraces !== undefined && at < inBraces.length; at = labelForm.lastIndex) {
    const [, key, value = ""] = labelForm.exec(inBraces) ?? [];
    if (key === undefined) throw new Error(`labels that cannot be read: ${line}`);
    if (key in labels) throw new Error(`the label ${key} twice: ${line}`);
    labels[key] = value.replaceAll(/\\(.)/g, (_all, escaped: string) => (escaped === "n" ? "\n" : escaped));
  }
  const value = number === "+Inf" ? Number.POSITIVE_INFINITY : Number(number);
  if (Number.isNaN(value)) throw new Error(`no number: ${line}`);
  return { name, labels, value };
}

function familyOf(name: string, types: ReadonlyMap<string, string>): string | undefined {
  if (types.has(name)) return name;
  const family = name.replace(/_(?:bucket|sum|count)$/, "");
  return types.get(family) === "histogram" ? family : undefined;
}
