import { openInMemory } from "./erasure-support.ts";
import { memoryErasureContract } from "./memory-erasure.contract.ts";
import { memoryRetentionContract } from "./memory-retention.contract.ts";

memoryErasureContract("memory", openInMemory);
memoryRetentionContract("memory", openInMemory);
