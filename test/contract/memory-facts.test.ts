import { memoryFactsContract } from "./memory-facts.contract.ts";
import { onEachStore } from "./memory-stores-support.ts";

onEachStore(memoryFactsContract);
