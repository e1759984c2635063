import { contextStoreContract } from "./context-store.contract.ts";
import { onEachStore } from "./memory-live-support.ts";

onEachStore(contextStoreContract);
