// The worker's side of `troupe dev`: reports what it loads and how it goes, and ends when it is told to, or when the
// other side is gone.

import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import type { FromWorker, ToWorker } from "./messages.ts";
import { signatureOf } from "./signature.ts";

export interface Parent {
  send(message: FromWorker): void;
  /** Aborts when the worker is to drain. */
  readonly stop: AbortSignal;
}

/** Undefined when nobody runs this process as a part of `troupe dev`. */
export function findParent(): Parent | undefined {
  if (process.send === undefined) return undefined;
  const stop = new AbortController();
  process.on("message", (message: ToWorker) => {
    if (message.kind === "drain") stop.abort();
  });
  process.on("disconnect", () => stop.abort());
  const send = (message: FromWorker) => {
    if (process.connected) process.send?.(message);
  };
  reportImports(send);
  return { send, stop: stop.signal };
}

/** Reports each file that is loaded from now on, but packages: they do not change while somebody works. */
function reportImports(send: (message: FromWorker) => void): void {
  registerHooks({
    load: (url, context, next) => {
      if (url.startsWith("file:") && !url.includes("/node_modules/")) {
        const path = fileURLToPath(url);
        // Before it is read: should it change in between, that is a change.
        const signature = signatureOf(path);
        if (signature !== undefined) send({ kind: "loaded", path, signature });
      }
      return next(url, context);
    },
  });
}
