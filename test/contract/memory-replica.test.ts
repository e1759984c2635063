import { memoryReplicaContract } from "./memory-replica.contract.ts";
import { onEachMemory } from "./memory-stores-support.ts";

onEachMemory(memoryReplicaContract);
