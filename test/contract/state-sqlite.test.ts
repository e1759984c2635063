import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore } from "../../src/kv/sqlite-store.ts";
import { stateStoreContract } from "./state-store.contract.ts";

stateStoreContract("sqlite", async (options = {}) => {
  await using opening = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "troupe-test-states-"));
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  const openOne = () => openSqliteStore({ path: join(folder, "kv.db"), bucket: "test", ...options });
  const store = opening.use(await openOne());
  const opened = opening.move();
  return {
    store,
    openAnother: async () => opened.use(await openOne()),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
});
