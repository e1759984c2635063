// A method and its argument, as the definition says: checked where they are sent, read where they arrive.

import { decodeText, printJson } from "../core/codec.ts";
import { messageOf, TroupeError } from "../core/errors.ts";
import { printIssues, validate } from "../core/schema.ts";
import type { AnyActor, AnyMethod } from "./definition.ts";
import type { Message } from "./message.ts";

/** The method of that name. Throws METHOD_UNKNOWN. */
export function methodOf(definition: AnyActor, name: string): AnyMethod<never> {
  const method = Object.hasOwn(definition.methods, name) ? definition.methods[name] : undefined;
  if (method !== undefined) return method;
  const known = Object.keys(definition.methods).join(", ");
  throw new TroupeError("METHOD_UNKNOWN", `${definition.type} has no method ${name}; it has ${known}`);
}

/**
 * An input as JSON, after the method's schema has accepted it (when it can say so at once). Throws METHOD_UNKNOWN,
 * INPUT_INVALID or INPUT_NOT_JSON: the door on the sender's side.
 */
export function checkedInput(definition: AnyActor, methodName: string, input: unknown): string | undefined {
  const method = methodOf(definition, methodName);
  if (method.schema === undefined) {
    if (input === undefined) return undefined;
    throw new TroupeError("INPUT_INVALID", `${definition.type}.${methodName} takes no argument`);
  }
  const validation = validate(method.schema, input);
  if (!(validation instanceof Promise) && validation.kind === "invalid") {
    throw inputInvalid(definition.type, methodName, validation.issues);
  }
  return printJson(input, "INPUT_NOT_JSON", `the argument of ${definition.type}.${methodName}`);
}

/** What a message brings. Throws INPUT_INVALID. */
export function decodeInput(payload: Message["payload"], type: string, method: string): unknown {
  if (payload === undefined || payload.length === 0) return undefined;
  try {
    return JSON.parse(typeof payload === "string" ? payload : decodeText(payload));
  } catch (thrown) {
    throw new TroupeError("INPUT_INVALID", `the argument of ${type}.${method} is not JSON: ${messageOf(thrown)}`);
  }
}

/** The error for an argument that a schema refuses. */
export function inputInvalid(
  type: string,
  method: string,
  issues: readonly { readonly path: string; readonly message: string }[],
): TroupeError {
  return new TroupeError("INPUT_INVALID", `${type}.${method} does not accept this argument: ${printIssues(issues)}`, {
    data: { issues },
  });
}
