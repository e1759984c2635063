import { openInMemory } from "./erasure-support.ts";
import { memoryErasureContract } from "./memory-erasure.contract.ts";
import { memoryErasureRaceContract } from "./memory-erasure-race.contract.ts";
import { memoryRetentionContract } from "./memory-retention.contract.ts";

memoryErasureContract("memory", openInMemory);
memoryErasureRaceContract("memory", openInMemory);
memoryRetentionContract("memory", openInMemory);
