import { MemoryPlace, openMemoryStore } from "../../src/kv/memory-store.ts";
import { stateStoreContract } from "./state-store.contract.ts";

stateStoreContract("memory", async (options = {}) => {
  const place = new MemoryPlace();
  const openOne = () => openMemoryStore({ bucket: "test", place, ...options });
  await using opening = new AsyncDisposableStack();
  const store = opening.use(await openOne());
  const opened = opening.move();
  return {
    store,
    openAnother: async () => opened.use(await openOne()),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
});
