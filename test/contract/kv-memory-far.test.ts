import { MemoryPlace, openMemoryStore } from "../../src/kv/memory-store.ts";
import { MemoryFarStore } from "../../src/runtime/memory-far-store.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import { kvStoreContract } from "./kv-store.contract.ts";

kvStoreContract("memory, over a connection", async (options = {}) => {
  const world = new MemoryWorld();
  const place = new MemoryPlace();
  const openOne = async () =>
    new MemoryFarStore(await openMemoryStore({ bucket: "test", place, ...options }), world.connect());
  await using opening = new AsyncDisposableStack();
  const store = opening.use(await openOne());
  const opened = opening.move();
  return {
    store,
    openAnother: async () => opened.use(await openOne()),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
});
