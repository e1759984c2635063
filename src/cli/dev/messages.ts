// What `troupe dev` and the worker that it runs as a process of its own tell each other.

import type { FailureReport } from "../failure.ts";
import type { ServingReport } from "../print/serving.ts";

export type FromWorker =
  /** A file was loaded, as it was when it had this signature. */
  | { readonly kind: "loaded"; readonly path: string; readonly signature: string }
  | { readonly kind: "serving"; readonly report: ServingReport }
  | { readonly kind: "failed"; readonly error: FailureReport };

export type ToWorker = { readonly kind: "drain" };
