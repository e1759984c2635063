import { openInMemory } from "./erasure-support.ts";
import { memoryErasureContract } from "./memory-erasure.contract.ts";

memoryErasureContract("memory", openInMemory);
