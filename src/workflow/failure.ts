// What was thrown, as a run keeps it.

import { isTroupeError, messageOf } from "../core/errors.ts";

/** What became of something that failed. */
export interface Failure {
  /** The error's own code if it has one, else its name. */
  readonly code: string;
  readonly message: string;
  readonly data?: unknown;
  /** The node that failed. */
  readonly path?: string;
}

/** Longest message that is kept. Unit: characters. */
const messageLengthMax = 1_024;
/** Longest extra data that is kept. Unit: characters of JSON. */
const dataLengthMax = 4_096;

/** Never throws, whatever was thrown. */
export function failureOf(thrown: unknown): Failure {
  const message = messageOf(thrown).slice(0, messageLengthMax);
  try {
    const { name, code, data } = (thrown ?? {}) as Record<"name" | "code" | "data", unknown>;
    const own = isTroupeError(thrown) || typeof code === "string" ? String(code) : undefined;
    const kept = dataOf(data);
    return {
      code: own ?? (typeof name === "string" && name !== "" ? name : "Error"),
      message,
      ...(kept === undefined ? {} : { data: kept }),
    };
  } catch {
    // Something that fails when it is looked at.
    return { code: "Error", message };
  }
}

function dataOf(data: unknown): unknown {
  try {
    const text = JSON.stringify(data);
    return text === undefined || text.length > dataLengthMax ? undefined : (JSON.parse(text) as unknown);
  } catch {
    // What JSON cannot carry is left out; the failure itself is kept.
    return undefined;
  }
}
