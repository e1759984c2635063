// Who has written a fact, and which of its writes was the last: a writer that numbers its writes, and makes them in the order
// of their numbers, is not heard twice, however many others have written since. Stands in the fact itself, for the last
// writers; behind them there is the kept history.

import { TroupeError } from "../core/errors.ts";

/** A writer's name to its last number; who was silent longest first. */
export type FactWriters = Readonly<Record<string, number>>;

/** A write's place among those of its writer. */
export interface WriterNumber {
  readonly writer: string;
  readonly number: number;
}

/** Writers that a fact remembers. */
export const factWritersMax = 128;

/** Whether this write, or a later one of the same writer, was made. */
export function hasWritten(writers: FactWriters | undefined, { writer, number }: WriterNumber): boolean {
  return writers !== undefined && Object.hasOwn(writers, writer) && (writers[writer] ?? 0) >= number;
}

/** Whether the writer may have written and be remembered no more: of many writers, or by who writes without a number. */
export function mayBeForgotten(writers: FactWriters | undefined, { writer }: WriterNumber): boolean {
  return writers === undefined || (Object.keys(writers).length >= factWritersMax && !Object.hasOwn(writers, writer));
}

/** With one more write; bounded. */
export function withWriter(writers: FactWriters | undefined, { writer, number }: WriterNumber): FactWriters {
  const { [writer]: _before, ...others } = writers ?? {};
  const kept = Object.entries(others).slice(-(factWritersMax - 1));
  return { ...Object.fromEntries(kept), [writer]: number };
}

/** Rejects with FACT_INVALID. */
export function checkWriterNumber({ writer, number }: WriterNumber): void {
  const isName = typeof writer === "string" && writer !== "" && writer !== "__proto__";
  if (isName && Number.isSafeInteger(number) && number >= 1) return;
  throw new TroupeError(
    "FACT_INVALID",
    `\`numbered\` needs a writer and a number from 1, got ${JSON.stringify(writer)} ${number}`,
  );
}
