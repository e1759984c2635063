import { openOnSqlite } from "./kv-openers.ts";
import { memoryErasureContract } from "./memory-erasure.contract.ts";
import { memoryErasureRaceContract } from "./memory-erasure-race.contract.ts";
import { memoryErasureUnderContract } from "./memory-erasure-under.contract.ts";
import { memoryRetentionContract } from "./memory-retention.contract.ts";
import { memoryOver } from "./memory-stores-support.ts";

const open = memoryOver(openOnSqlite);
memoryErasureContract("sqlite", open);
memoryErasureRaceContract("sqlite", open);
memoryErasureUnderContract("sqlite", open);
memoryRetentionContract("sqlite", open);
