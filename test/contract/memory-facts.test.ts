import { memoryFactsContract } from "./memory-facts.contract.ts";
import { memoryFactsHistoryContract } from "./memory-facts-history.contract.ts";
import { onEachStore } from "./memory-stores-support.ts";

onEachStore(memoryFactsContract);
onEachStore(memoryFactsHistoryContract);
