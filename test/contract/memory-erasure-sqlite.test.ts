import { openOnSqlite } from "./erasure-support.ts";
import { memoryErasureContract } from "./memory-erasure.contract.ts";
import { memoryErasureRaceContract } from "./memory-erasure-race.contract.ts";
import { memoryRetentionContract } from "./memory-retention.contract.ts";

memoryErasureContract("sqlite", openOnSqlite);
memoryErasureRaceContract("sqlite", openOnSqlite);
memoryRetentionContract("sqlite", openOnSqlite);
