// What values of facts must look like: schemas, schema numbers and upcasters, policies. No I/O but what a schema does.
//
//   E1. A value that older code has stored goes through the upcasters up to today's number, and is checked by its schema
//       before anybody sees it as it stands now. Reading writes nothing.
//   E2. What cannot be led there is refused, never guessed: STATE_TOO_NEW, STATE_TOO_OLD, UPCAST_FAILED, FACT_INVALID.

import type { Json } from "../core/codec.ts";
import { printJson } from "../core/codec.ts";
import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";
import type { Schema } from "../core/schema.ts";
import { printIssues, validate } from "../core/schema.ts";
import type { KnownSchema, Upcasters } from "../core/upcast.ts";
import { upcastersFault, upcastTo } from "../core/upcast.ts";
import type { Fact } from "./fact.ts";
import type { MergePolicy } from "./fact-policy.ts";
import { checkPolicy } from "./fact-policy.ts";

export interface FactFormOptions {
  /** How `merge` brings values together, by fact name; `*` for all others. Default "last". */
  readonly policies?: Readonly<Record<string, MergePolicy>>;
  /**
   * What values must be, by fact name; `*` for all others. Checked before a write, and when a value is read. What a schema
   * makes of a value it must accept again.
   */
  readonly schemas?: Readonly<Record<string, Schema>>;
  /** The schema number that facts are written with. Default 1. */
  readonly version?: number;
  /** By the number that each leads on from: takes a value and returns it as the next number has it. */
  readonly upcasters?: Upcasters;
}

export class FactForm {
  /** Today's schema number. */
  readonly version: number;
  readonly #known: KnownSchema;
  readonly #policies: ReadonlyMap<string, MergePolicy>;
  readonly #schemas: ReadonlyMap<string, Schema>;

  /** Rejects with OPTION_INVALID. */
  constructor({ policies = {}, schemas = {}, version = 1, upcasters = {} }: FactFormOptions = {}) {
    if (!Number.isSafeInteger(version) || version < 1) {
      throw new TroupeError(
        "OPTION_INVALID",
        `\`version\` must be a whole number of 1 or more, got ${String(version)}`,
      );
    }
    this.version = version;
    this.#known = { schema: version, upcasters: { ...upcasters } };
    const fault = upcastersFault(this.#known);
    if (fault !== undefined) throw new TroupeError("OPTION_INVALID", fault.replace("`schema`", "`version`"));
    for (const policy of Object.values(policies)) checkPolicy(policy);
    this.#policies = new Map(Object.entries(policies));
    this.#schemas = new Map(Object.entries(schemas));
  }

  policyOf(name: string): MergePolicy {
    return this.#policies.get(name) ?? this.#policies.get("*") ?? "last";
  }

  /** The value as it will be stored. Rejects with FACT_INVALID. */
  async toStore(name: string, value: Json): Promise<Json> {
    return this.#checked(name, asJson(name, value));
  }

  /** The fact as code of today may see it (E1). Rejects with STATE_TOO_NEW, STATE_TOO_OLD, UPCAST_FAILED, FACT_INVALID. */
  async read(stored: Fact): Promise<Fact> {
    const fact = this.upcast(stored);
    if (this.#schemaOf(fact.name) === undefined) return fact;
    return { ...fact, value: await this.#checked(fact.name, fact.value) };
  }

  /** The same, not checked by its schema: for what is past, and was as it was. */
  upcast(stored: Fact): Fact {
    if (stored.schema === this.version) return stored;
    const value = upcastTo(this.#known, `the fact at ${stored.key}`, stored.schema, stored.value) as Json;
    return { ...stored, value, schema: this.version };
  }

  #schemaOf(name: string): Schema | undefined {
    return this.#schemas.get(name) ?? this.#schemas.get("*");
  }

  async #checked(name: string, value: Json): Promise<Json> {
    const schema = this.#schemaOf(name);
    if (schema === undefined) return value;
    const what = `the fact ${JSON.stringify(name)}`;
    try {
      const validation = await validate(schema, value);
      if (validation.kind === "valid") return asJson(name, validation.value);
      const text = `${what} is not what its schema says: ${printIssues(validation.issues)}`;
      throw new TroupeError("FACT_INVALID", text, { data: { issues: validation.issues } });
    } catch (thrown) {
      if (isTroupeError(thrown)) throw thrown;
      throw new TroupeError("FACT_INVALID", `${what}: its schema threw ${messageOf(thrown)}`, { cause: thrown });
    }
  }
}

function asJson(name: string, value: unknown): Json {
  const what = `the fact ${JSON.stringify(name)}`;
  if (value instanceof Promise) {
    value.catch(() => undefined); // It is told of here, and nowhere else.
    throw new TroupeError("FACT_INVALID", `${what} is a promise; wait for it first`);
  }
  const text = printJson(value, "FACT_INVALID", what);
  if (text === undefined) throw new TroupeError("FACT_INVALID", `${what} has no value; \`delete\` forgets a fact`);
  return JSON.parse(text) as Json;
}
