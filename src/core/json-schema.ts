// A schema as JSON Schema, for tools and pages that show what may be sent.

import type { StandardJSONSchemaV1 } from "@standard-schema/spec";
import type { Schema } from "./schema.ts";

/**
 * What the schema takes, without the parts that say nothing to a reader. Undefined when its library cannot say it, or when
 * it holds what JSON Schema has no words for.
 */
export function jsonSchemaOf(schema: Schema): Readonly<Record<string, unknown>> | undefined {
  const { jsonSchema } = schema["~standard"] as Partial<StandardJSONSchemaV1.Props>;
  if (jsonSchema === undefined) return undefined;
  try {
    const { $schema: _version, ...said } = jsonSchema.input({ target: "draft-2020-12" });
    return JSON.parse(JSON.stringify(said, withoutSafeBounds)) as Readonly<Record<string, unknown>>;
  } catch {
    // Libraries throw for what cannot be said: a transformation, a date.
    return undefined;
  }
}

/** That a whole number is one that JavaScript can hold is true of all that JSON brings. */
function withoutSafeBounds(_key: string, value: unknown): unknown {
  const isSafeBound = typeof value === "number" && Math.abs(value) === Number.MAX_SAFE_INTEGER;
  return isSafeBound ? undefined : value;
}
