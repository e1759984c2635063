import { onEachMemory } from "./memory-stores-support.ts";
import { memoryWatchContract } from "./memory-watch.contract.ts";

onEachMemory(memoryWatchContract);
