import { onEachStore } from "./memory-live-support.ts";
import { memoryReplicaContract } from "./memory-replica.contract.ts";

onEachStore(memoryReplicaContract);
