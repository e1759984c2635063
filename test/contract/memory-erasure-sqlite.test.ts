import { openOnSqlite } from "./erasure-support.ts";
import { memoryErasureContract } from "./memory-erasure.contract.ts";
import { memoryRetentionContract } from "./memory-retention.contract.ts";

memoryErasureContract("sqlite", openOnSqlite);
memoryRetentionContract("sqlite", openOnSqlite);
