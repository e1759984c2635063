import { openInMemory } from "./kv-openers.ts";
import { kvStoreContract } from "./kv-store.contract.ts";

kvStoreContract("memory", openInMemory);
