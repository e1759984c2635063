import { openOnSqlite } from "./erasure-support.ts";
import { memoryErasureContract } from "./memory-erasure.contract.ts";

memoryErasureContract("sqlite", openOnSqlite);
