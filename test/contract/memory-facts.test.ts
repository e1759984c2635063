import { memoryFactsContract } from "./memory-facts.contract.ts";
import { memoryFactsHistoryContract } from "./memory-facts-history.contract.ts";
import { onEachMemory } from "./memory-stores-support.ts";

onEachMemory(memoryFactsContract);
onEachMemory(memoryFactsHistoryContract);
