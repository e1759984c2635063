// What values of facts must look like: schemas, schema numbers and upcasters, policies. Pure but for the user's schemas.
//
//   E1. A value of schema number n goes through the upcasters n, n + 1, … up to today's number, then through JSON, and is
//       checked by its schema before anybody sees it. Reading writes nothing.
//   E2. What cannot be led there is refused, never guessed: STATE_TOO_NEW, STATE_TOO_OLD, UPCAST_FAILED, FACT_INVALID.

import type { Json } from "../core/codec.ts";
import { printJson } from "../core/codec.ts";
import { messageOf, TroupeError } from "../core/errors.ts";
import type { Schema } from "../core/schema.ts";
import { printIssues, validate } from "../core/schema.ts";
import type { Fact } from "./fact.ts";
import type { MergePolicy } from "./fact-policy.ts";
import { checkPolicy } from "./fact-policy.ts";

/** Leads a fact's value from one schema number to the next. Synchronous. */
export type FactUpcaster = (value: Json, name: string) => Json;

export interface FactFormOptions {
  /** How `merge` brings values together, by fact name; `*` for all others. Default "last". */
  readonly policies?: Readonly<Record<string, MergePolicy>>;
  /** What values must be, by fact name; `*` for all others. What a schema makes of a value it must accept again. */
  readonly schemas?: Readonly<Record<string, Schema>>;
  /** The schema number of today's values. Default 1. */
  readonly schema?: number;
  /** By the schema number that each leads on from. */
  readonly upcasters?: Readonly<Record<number, FactUpcaster>>;
}

export class FactForm {
  /** Today's schema number. */
  readonly schema: number;
  readonly #policies: ReadonlyMap<string, MergePolicy>;
  readonly #schemas: ReadonlyMap<string, Schema>;
  readonly #upcasters: Readonly<Record<number, FactUpcaster>>;

  /** Rejects with OPTION_INVALID. */
  constructor({ policies = {}, schemas = {}, schema = 1, upcasters = {} }: FactFormOptions = {}) {
    if (!Number.isSafeInteger(schema) || schema < 1) {
      throw new TroupeError("OPTION_INVALID", `\`schema\` must be a whole number of 1 or more, got ${schema}`);
    }
    for (const [name, upcaster] of Object.entries(upcasters) as [string, unknown][]) {
      const number = Number(name);
      if (typeof upcaster === "function" && Number.isInteger(number) && number >= 1 && number < schema) continue;
      const text = `upcaster ${name} must be a function for a schema number from 1 to ${schema - 1}`;
      throw new TroupeError("OPTION_INVALID", text);
    }
    for (const policy of Object.values(policies)) checkPolicy(policy);
    this.schema = schema;
    this.#policies = new Map(Object.entries(policies));
    this.#schemas = new Map(Object.entries(schemas));
    this.#upcasters = upcasters;
  }

  policyOf(name: string): MergePolicy {
    return this.#policies.get(name) ?? this.#policies.get("*") ?? "last";
  }

  /** The value as it will be stored. Rejects with FACT_INVALID. */
  async toStore(name: string, value: Json): Promise<Json> {
    if (value === undefined)
      throw invalid(`the value of ${JSON.stringify(name)} is missing; \`delete\` forgets a fact`);
    return this.#checked(name, asJson(name, value));
  }

  /** The fact as code of today may see it (E1). Rejects with STATE_TOO_NEW, STATE_TOO_OLD, UPCAST_FAILED, FACT_INVALID. */
  async read(stored: Fact): Promise<Fact> {
    const fact = this.upcast(stored);
    if (this.#schemaOf(fact.name) === undefined) return fact;
    return { ...fact, value: await this.#checked(fact.name, fact.value) };
  }

  /** The same, not checked by the schema: for what is past. */
  upcast(stored: Fact): Fact {
    if (stored.schema === this.schema) return stored;
    const data = { schema: stored.schema, known: this.schema };
    if (stored.schema > this.schema) {
      const text = `the fact at ${stored.key} has schema ${stored.schema}, this code knows ${this.schema}`;
      throw new TroupeError("STATE_TOO_NEW", text, { data });
    }
    let { value } = stored;
    for (let n = stored.schema; n < this.schema; n += 1) {
      const upcaster = this.#upcasters[n];
      if (upcaster === undefined) {
        const text = `the fact at ${stored.key} has schema ${n}, and no upcaster leads from there to ${this.schema}`;
        throw new TroupeError("STATE_TOO_OLD", text, { data });
      }
      try {
        value = asJson(stored.name, upcaster(value, stored.name));
      } catch (thrown) {
        const text = `the fact at ${stored.key} could not be led from schema ${n} to ${n + 1}: ${messageOf(thrown)}`;
        throw new TroupeError("UPCAST_FAILED", text, { data: { ...data, upcaster: n }, cause: thrown });
      }
    }
    return { ...stored, value, schema: this.schema };
  }

  #schemaOf(name: string): Schema | undefined {
    return this.#schemas.get(name) ?? this.#schemas.get("*");
  }

  async #checked(name: string, value: Json): Promise<Json> {
    const schema = this.#schemaOf(name);
    if (schema === undefined) return value;
    const validation = await validate(schema, value);
    if (validation.kind === "valid") return asJson(name, validation.value);
    const text = `the fact ${JSON.stringify(name)} is not what its schema says: ${printIssues(validation.issues)}`;
    throw new TroupeError("FACT_INVALID", text, { data: { issues: validation.issues } });
  }
}

function asJson(name: string, value: unknown): Json {
  if (value instanceof Promise) {
    value.catch(() => undefined); // It is told of here, and nowhere else.
    throw invalid(`the value of ${JSON.stringify(name)} is a promise`);
  }
  const text = printJson(value, "FACT_INVALID", `the fact ${JSON.stringify(name)}`);
  if (text === undefined) throw invalid(`the value of ${JSON.stringify(name)} is missing`);
  return JSON.parse(text) as Json;
}

function invalid(what: string): TroupeError {
  return new TroupeError("FACT_INVALID", what);
}
