import { onEachStore } from "./memory-live-support.ts";
import { memoryWatchContract } from "./memory-watch.contract.ts";

onEachStore(memoryWatchContract);
