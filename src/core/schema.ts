// Validation at the doors, by any library that speaks Standard Schema (https://standardschema.dev): zod, valibot, ...

import type { StandardSchemaV1 } from "@standard-schema/spec";

export type Schema<Input = unknown, Output = Input> = StandardSchemaV1<Input, Output>;
export type InputOf<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferInput<S> : undefined;
export type OutputOf<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<S> : undefined;

/** One thing that is wrong with a value, and where: `path` is dotted, empty for the value itself. */
export interface SchemaIssue {
  readonly path: string;
  readonly message: string;
}

export type Validation<T> =
  | { readonly kind: "valid"; readonly value: T }
  | { readonly kind: "invalid"; readonly issues: readonly SchemaIssue[] };

/** Validates now, or later when the schema itself is asynchronous. */
export function validate<T>(schema: Schema<unknown, T>, value: unknown): Validation<T> | Promise<Validation<T>> {
  const result = schema["~standard"].validate(value);
  return result instanceof Promise ? result.then(toValidation) : toValidation(result);
}

/** `path: message; path: message`, for error messages. */
export function printIssues(issues: readonly SchemaIssue[]): string {
  return issues.map((issue) => (issue.path === "" ? issue.message : `${issue.path}: ${issue.message}`)).join("; ");
}

function toValidation<T>(result: StandardSchemaV1.Result<T>): Validation<T> {
  if (result.issues === undefined) return { kind: "valid", value: result.value };
  return {
    kind: "invalid",
    issues: result.issues.map((issue) => ({
      message: issue.message,
      path: (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join("."),
    })),
  };
}
