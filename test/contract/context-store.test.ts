import { contextStoreContract } from "./context-store.contract.ts";
import { onEachMemory } from "./memory-stores-support.ts";

onEachMemory(contextStoreContract);
