// What the page and the dashboard's server say to each other: plain JSON. The page imports these types alone; numbers carry
// their unit in their name, times are ms since the epoch by the server's clock, null stands for what is not known.
//
//   GET  routes are open to whoever reaches the address. POST routes want `Authorization: Bearer <token>`.
//   An answer that is no 2xx has the body `Problem`.

export interface Problem {
  /** Of the catalogue of errors, or NOT_FOUND, UNAUTHORIZED. */
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** A part of a list that may be long. `cursor` is passed back as it is to get the next part; null on the last. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly cursor: string | null;
  /** How many match in all. */
  readonly total: number;
}

/** GET /api/app: what does not change while one looks. */
export interface AppView {
  readonly app: string;
  readonly version: string;
  readonly server: { readonly name: string; readonly version: string; readonly address: string };
  /** Where traces are looked at: `{trace}` stands for the trace id. Null: nobody said (`--jaeger`). */
  readonly traceUrl: string | null;
  readonly nowMs: number;
}

/** Something that somebody has to know or to do. */
export interface Unhealthy {
  /** Of the same trouble the same a second later, of another another: its kind and its subject. */
  readonly id: string;
  readonly level: "problem" | "warning" | "note";
  readonly text: string;
  readonly remedy: string;
  /** Where on the page it is looked into: a route of it, like `/messages/dead`. */
  readonly where: string | null;
}
