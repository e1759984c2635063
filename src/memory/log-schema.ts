// How entries that older code has written become entries of today, as states of actors do (`actors/evolution.ts`): what
// is read goes through the upcasters, and reading writes nothing.

import { messageOf, TroupeError } from "../core/errors.ts";
import type { Schema } from "../core/schema.ts";
import { printIssues, validate } from "../core/schema.ts";
import type { KnownSchema, Upcasters } from "../core/upcast.ts";
import { upcastersFault, upcastTo } from "../core/upcast.ts";
import type { StoredEntry } from "./entry.ts";

export interface EntrySchemaOptions {
  /** The schema number that entries are written with. Default 1. */
  readonly version?: number;
  /**
   * By the number that each leads on from: takes an entry's JSON as it is stored (`{ text, role?, data?, … }`) and
   * returns it as the next number has it. Its `id` and `covers` stay what they were.
   */
  readonly upcasters?: Upcasters;
  /** What `data` must be, when it is appended and after an upcaster: any Standard Schema. Default: whatever JSON carries. */
  readonly data?: Schema;
}

export interface EntrySchema extends KnownSchema {
  readonly data: Schema | undefined;
}

/** Rejects with OPTION_INVALID. */
export function resolveEntrySchema({ version = 1, upcasters = {}, data }: EntrySchemaOptions = {}): EntrySchema {
  if (!Number.isSafeInteger(version) || version < 1) {
    const text = `\`entrySchema.version\` must be a whole number of 1 or more, got ${String(version)}`;
    throw new TroupeError("OPTION_INVALID", text);
  }
  const fault = upcastersFault({ schema: version, upcasters });
  if (fault !== undefined) throw new TroupeError("OPTION_INVALID", `\`entrySchema\`: ${fault}`);
  return { schema: version, upcasters: { ...upcasters }, data };
}

export const plainEntries: EntrySchema = resolveEntrySchema();

/** The entry as today's code knows it. Rejects with STATE_TOO_NEW, STATE_TOO_OLD, UPCAST_FAILED, STATE_INVALID. */
export function upcastEntry(
  schema: EntrySchema,
  what: string,
  stored: StoredEntry,
): StoredEntry | Promise<StoredEntry> {
  const from = stored.v ?? 1;
  if (from === schema.schema) return stored;
  const led = upcastTo(schema, what, from, structuredClone(stored)) as Partial<StoredEntry>;
  if (typeof led !== "object" || led === null || typeof led.text !== "string") {
    throw new TroupeError("UPCAST_FAILED", `${what} was led to schema ${schema.schema} and has no \`text\``);
  }
  const { id, covers } = stored;
  const entry: StoredEntry = { ...led, text: led.text, id, v: schema.schema };
  return checkLed(schema, what, covers === undefined ? entry : { ...entry, covers });
}

/** Rejects with ENTRY_INVALID when the schema refuses what goes with an entry that is to be written. */
export async function checkData(schema: Schema, value: unknown): Promise<void> {
  const fault = await faultOf(schema, value);
  if (fault !== undefined) throw new TroupeError("ENTRY_INVALID", `\`data\` is not what its schema says: ${fault}`);
}

function checkLed(schema: EntrySchema, what: string, entry: StoredEntry): StoredEntry | Promise<StoredEntry> {
  if (schema.data === undefined) return entry;
  return faultOf(schema.data, entry.data).then((fault) => {
    if (fault === undefined) return entry;
    const text = `\`data\` of ${what}, led to schema ${schema.schema}, is not what its schema says: ${fault}`;
    throw new TroupeError("STATE_INVALID", text);
  });
}

async function faultOf(schema: Schema, value: unknown): Promise<string | undefined> {
  try {
    const validation = await validate(schema, value);
    return validation.kind === "valid" ? undefined : printIssues(validation.issues);
  } catch (thrown) {
    return `it threw ${messageOf(thrown)}`;
  }
}
