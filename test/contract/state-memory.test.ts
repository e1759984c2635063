import { openInMemory } from "./kv-openers.ts";
import { stateStoreContract } from "./state-store.contract.ts";

stateStoreContract("memory", openInMemory);
