// What every way of fetching a program is given, and what it answers.

export interface FetchContext {
  readonly env: NodeJS.ProcessEnv;
  /** An empty folder for this attempt; it is removed afterwards. */
  readonly folder: string;
  readonly onProgress: (line: string) => void;
}

/** A way that does not work here is an outcome: the next one is tried. */
export type FetchOutcome =
  | { readonly kind: "fetched"; readonly path: string }
  | { readonly kind: "failed"; readonly reason: string };

export const failed = (reason: string): FetchOutcome => ({ kind: "failed", reason });
