// What a case is that measures on data which is not ours to keep: it reads a folder that is named with `--data`, needs no
// server, and runs only when it is named.

export type DataOutcome =
  /** As one line of JSON, and as a table for people. */
  | { readonly kind: "found"; readonly line: string; readonly table: string }
  /** The folder does not hold what the case reads. */
  | { readonly kind: "refused"; readonly reason: string };

export interface DataCase {
  readonly name: string;
  readonly what: string;
  run(folder: string): Promise<DataOutcome>;
}
