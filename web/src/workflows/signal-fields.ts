// The form of a signal, from the JSON Schema of what comes with it: fields for what is plain (texts, numbers, choices, yes or no), a
// box for JSON for what is not. What is written is checked before it is sent; the run checks it again, and has the last word.

export interface Field {
  /** "" when the value itself is one plain thing. */
  readonly name: string;
  readonly kind: "text" | "number" | "choice" | "yes-no" | "json";
  readonly isNeeded: boolean;
  readonly isWhole: boolean;
  /** Of a choice: as text in the form, as what is sent. */
  readonly choices: readonly { readonly text: string; readonly value: unknown }[];
  readonly help: string;
  readonly min: number | undefined;
  readonly max: number | undefined;
}

export type SignalForm =
  | { readonly kind: "nothing" }
  | { readonly kind: "fields"; readonly fields: readonly Field[]; readonly isPlain: boolean }
  /** `isChecked` false: there is no schema to say what it should be. */
  | { readonly kind: "json"; readonly help: string };

type Schema = Readonly<Record<string, unknown>>;

const fieldsMax = 24;

export function formOf(schema: unknown): SignalForm {
  if (!isObject(schema))
    return { kind: "json", help: "The workflow does not say what comes with this signal: any JSON." };
  if (schema.type === "null") return { kind: "nothing" };
  const { properties } = schema;
  if (schema.type === "object" && isObject(properties)) {
    const needed = Array.isArray(schema.required) ? schema.required : [];
    const members = Object.entries(properties);
    const isClosed = schema.additionalProperties === false || schema.additionalProperties === undefined;
    if (members.length > 0 && members.length <= fieldsMax && isClosed) {
      const fields = members.map(([name, of]) => fieldOf(name, of, needed.includes(name)));
      return { kind: "fields", fields, isPlain: false };
    }
  }
  const plain = fieldOf("", schema, true);
  if (plain.kind !== "json") return { kind: "fields", fields: [plain], isPlain: true };
  return { kind: "json", help: `JSON of this form: ${JSON.stringify(withoutMeta(schema))}` };
}

function fieldOf(name: string, schema: unknown, isRequired: boolean): Field {
  const { of, isNullable } = unwrapped(schema);
  const help = typeof of.description === "string" ? of.description : "";
  const isNeeded = isRequired && !isNullable && !("default" in of);
  const bounds = { min: lowestOf(of), max: highestOf(of) };
  const field = { name, isNeeded, isWhole: of.type === "integer", choices: choicesOf(of), help, ...bounds };
  if (field.choices.length > 0) return { ...field, kind: "choice" };
  if (of.type === "string") return { ...field, kind: "text" };
  if (of.type === "number" || of.type === "integer") return { ...field, kind: "number" };
  return { ...field, kind: of.type === "boolean" ? "yes-no" : "json" };
}

/** Of `T | null` and of `anyOf` with one member: the T. */
function unwrapped(schema: unknown): { readonly of: Schema; readonly isNullable: boolean } {
  if (!isObject(schema)) return { of: {}, isNullable: false };
  const members = Array.isArray(schema.anyOf) ? schema.anyOf.filter(isObject) : [];
  const rest = members.filter(({ type }) => type !== "null");
  const [only] = rest;
  if (rest.length === 1 && only !== undefined) return { of: only, isNullable: rest.length < members.length };
  if (Array.isArray(schema.type)) {
    const types = schema.type.filter((type) => type !== "null");
    if (types.length === 1) return { of: { ...schema, type: types[0] }, isNullable: schema.type.length > 1 };
  }
  return { of: schema, isNullable: false };
}

function choicesOf({ enum: all, const: only, anyOf, oneOf }: Schema): Field["choices"] {
  const either = anyOf ?? oneOf;
  const consts = Array.isArray(either) && either.every((one) => isObject(one) && "const" in one);
  const values = Array.isArray(all)
    ? all
    : only !== undefined
      ? [only]
      : consts
        ? either.map((one: Schema) => one.const)
        : [];
  return values.map((value) => ({ text: typeof value === "string" ? value : JSON.stringify(value), value }));
}

/** JSON Schema of zod says the range of safe integers for each whole number: nobody wants to read that. */
const said = (bound: unknown): number | undefined =>
  typeof bound === "number" && Math.abs(bound) < Number.MAX_SAFE_INTEGER ? bound : undefined;
const lowestOf = ({ minimum, minLength }: Schema): number | undefined => said(minimum) ?? said(minLength);
const highestOf = ({ maximum, maxLength }: Schema): number | undefined => said(maximum) ?? said(maxLength);

export type Written =
  | { readonly kind: "value"; readonly value: unknown }
  /** By the field's name. */
  | { readonly kind: "faults"; readonly faults: ReadonlyMap<string, string> };

/** What the texts of a form say. An empty text of a field that is not needed is left out. */
export function readForm(form: SignalForm, texts: Readonly<Record<string, string>>): Written {
  if (form.kind === "nothing") return { kind: "value", value: undefined };
  const fields = form.kind === "json" ? [{ ...anyJson, isNeeded: true }] : form.fields;
  const faults = new Map<string, string>();
  const members: [string, unknown][] = [];
  for (const field of fields) {
    const read = readField(field, texts[field.name] ?? "");
    if (read.kind === "fault") faults.set(field.name, read.text);
    else if (read.kind === "value") members.push([field.name, read.value]);
  }
  if (faults.size > 0) return { kind: "faults", faults };
  const isOne = form.kind === "json" || form.isPlain;
  return { kind: "value", value: isOne ? members[0]?.[1] : Object.fromEntries(members) };
}

const anyJson: Field = {
  ...{ name: "", kind: "json", isNeeded: false, isWhole: false, choices: [], help: "" },
  ...{ min: undefined, max: undefined },
};

type Read =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "absent" }
  | { readonly kind: "fault"; readonly text: string };

function readField(field: Field, text: string): Read {
  const isEmpty = field.kind === "text" ? text === "" : text.trim() === "";
  if (isEmpty) return field.isNeeded ? { kind: "fault", text: "This is needed." } : { kind: "absent" };
  switch (field.kind) {
    case "text":
      return within(text, text.length, field, "characters");
    case "number": {
      const value = Number(text);
      if (!Number.isFinite(value)) return { kind: "fault", text: `A number is needed, not ${quoted(text)}.` };
      if (field.isWhole && !Number.isInteger(value)) return { kind: "fault", text: "A whole number is needed." };
      return within(value, value, field, "");
    }
    case "yes-no":
      return { kind: "value", value: text === "yes" };
    case "choice": {
      const chosen = field.choices.find((choice) => choice.text === text);
      if (chosen === undefined) return { kind: "fault", text: `${quoted(text)} is none of the choices.` };
      return { kind: "value", value: chosen.value };
    }
    case "json":
      return readJson(text);
  }
}

function within(value: unknown, size: number, { min, max }: Field, unit: string): Read {
  if (min !== undefined && size < min) return { kind: "fault", text: `At least ${min} ${unit}`.trimEnd() };
  if (max !== undefined && size > max) return { kind: "fault", text: `At most ${max} ${unit}`.trimEnd() };
  return { kind: "value", value };
}

function readJson(text: string): Read {
  try {
    return { kind: "value", value: JSON.parse(text) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { kind: "fault", text: `This is no JSON: ${why}. A text stands in double quotes.` };
  }
}

const quoted = (text: string): string => JSON.stringify(text.slice(0, 40));
const isObject = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const withoutMeta = ({ $schema: _, ...rest }: Schema): Schema => rest;
