import { openInMemory } from "./kv-openers.ts";
import { memoryErasureContract } from "./memory-erasure.contract.ts";
import { memoryErasureRaceContract } from "./memory-erasure-race.contract.ts";
import { memoryErasureUnderContract } from "./memory-erasure-under.contract.ts";
import { memoryRetentionContract } from "./memory-retention.contract.ts";
import { memoryOver } from "./memory-stores-support.ts";

const open = memoryOver(openInMemory);
memoryErasureContract("memory", open);
memoryErasureRaceContract("memory", open);
memoryErasureUnderContract("memory", open);
memoryRetentionContract("memory", open);
