// What writing a fact comes to, and what goes with a write besides the value.

import type { Json } from "../core/codec.ts";
import { TroupeError } from "../core/errors.ts";
import type { Revision } from "../kv/store.ts";
import type { FactOptions } from "./fact.ts";
import type { WriterNumber } from "./fact-writers.ts";
import { checkWriterNumber } from "./fact-writers.ts";

export type FactOutcome =
  /** `value`: what stands now; undefined after a deletion. */
  | { readonly kind: "written"; readonly revision: Revision; readonly value: Json | undefined }
  /** There was nothing to write: it is so already. `revision` is 0 when there is no such fact. */
  | { readonly kind: "unchanged"; readonly revision: Revision; readonly value: Json | undefined }
  /** The write of this `writeId` was made before, as this revision. */
  | { readonly kind: "duplicate"; readonly revision: Revision }
  /** Not what was expected stands there, but this revision; 0: no such fact. Nothing was written. */
  | { readonly kind: "conflict"; readonly revision: Revision };

export interface DeleteOptions extends Pick<FactOptions, "by" | "cause" | "trace"> {
  /** The revision that must stand; 0 expects no such fact. Default: whatever stands. */
  readonly expected?: Revision;
  /**
   * Names the write: one whose id stands in the fact's kept history is not made again. At most 256 characters. Default: a
   * fresh one.
   */
  readonly writeId?: string;
  /** Makes it safe to repeat the write whoever has written since: see `fact-writers.ts`. Goes with a `writeId`. */
  readonly numbered?: WriterNumber;
  /**
   * The scope's era under which this was formed: after an erasure it is refused. Default: the era that these facts were in
   * when they were first used.
   */
  readonly era?: number;
}

export interface FactWriteOptions extends FactOptions, DeleteOptions {}

const writeIdLengthMax = 256;

/** Rejects with FACT_INVALID. */
export function checkDeleteOptions({ expected, writeId, era, numbered }: DeleteOptions): void {
  if (numbered !== undefined) checkWriterNumber(numbered);
  for (const [name, number] of Object.entries({ expected, era })) {
    if (number === undefined || (Number.isSafeInteger(number) && number >= 0)) continue;
    throw new TroupeError("FACT_INVALID", `\`${name}\` must be a whole number of 0 or more, got ${number}`);
  }
  const isName = typeof writeId === "string" && writeId.length > 0 && writeId.length <= writeIdLengthMax;
  if (writeId === undefined || isName) return;
  const text = `\`writeId\` must be a string of 1 to ${writeIdLengthMax} characters, got ${JSON.stringify(writeId)}`;
  throw new TroupeError("FACT_INVALID", text);
}

/** Whether a deletion has something to say, and so is stored as a value. */
export function saysWhoDeletes({ writeId, by, cause, trace }: DeleteOptions): boolean {
  return writeId !== undefined || by !== undefined || cause !== undefined || trace !== undefined;
}
