// Errors on the wire: the code in a header, so that an answer needs none when all is well, and the text as JSON.

import { decodeText, encodeText } from "../core/codec.ts";
import type { ErrorCode } from "../core/errors.ts";
import { errorCatalog, TroupeError } from "../core/errors.ts";

interface WireError {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly data?: unknown;
}

/** `{"error":{"code","message","remedy","data"}}`, which is also what the `nats` CLI shows. */
export function encodeError(error: TroupeError): Uint8Array {
  const { code, message, remedy, data } = error;
  const wire: WireError = data === undefined ? { code, message, remedy } : { code, message, remedy, data };
  return encodeText(JSON.stringify({ error: wire }));
}

/** The error that came; one of a code that this version does not know is a STORE_FAILED that quotes it. */
export function decodeError(code: string, payload: Uint8Array): TroupeError {
  let wire: Partial<WireError> = {};
  try {
    wire = (JSON.parse(decodeText(payload)) as { error?: WireError }).error ?? {};
  } catch {
    // Not one of ours: the code in the header says what there is to say.
  }
  const message = wire.message ?? `the answer was an error: ${code}`;
  const options = wire.data === undefined ? {} : { data: wire.data };
  if (Object.hasOwn(errorCatalog, code)) return new TroupeError(code as ErrorCode, message, options);
  return new TroupeError("STORE_FAILED", `${code}: ${message}`, options);
}
