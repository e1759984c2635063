import { logAppendContract } from "./log-append.contract.ts";
import { logForkContract } from "./log-fork.contract.ts";
import { logReadContract } from "./log-read.contract.ts";
import { logErasedContract, logTruncationContract } from "./log-removal.contract.ts";
import { logWindowContract } from "./log-window.contract.ts";
import { onEachMemory } from "./memory-stores-support.ts";

onEachMemory((name, open) => {
  logAppendContract(name, open);
  logReadContract(name, open);
  logWindowContract(name, open);
  logForkContract(name, open);
  logTruncationContract(name, open);
  logErasedContract(name, open);
});
