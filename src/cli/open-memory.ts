// The memory of an app for one command.

import type { ContextStore } from "../memory/context-store.ts";
import { openContextStore } from "../memory/context-store.ts";
import { withApp } from "./open-app.ts";
import type { Settings } from "./settings.ts";

/** Runs `work` with what the app's agents remember. Rejects as `withApp` does. */
export function withMemory<Result>(
  settings: Settings,
  work: (memory: ContextStore) => Promise<Result>,
): Promise<Result> {
  return withApp(settings, async ({ troupe }) => {
    await using memory = openContextStore(await troupe.ports.openMemory());
    return await work(memory);
  });
}
