import { logAppendContract } from "./log-append.contract.ts";
import { logReadContract } from "./log-read.contract.ts";
import { onEachStore } from "./log-support.ts";
import { logWindowContract } from "./log-window.contract.ts";

onEachStore((name, open) => {
  logAppendContract(name, open);
  logReadContract(name, open);
  logWindowContract(name, open);
});
