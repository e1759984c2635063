// The contract of the state store: the same on every KvStore (src/memory/state-store.ts, laws C1 to C4).

import type { OpenStore } from "./kv-support.ts";
import { stateChangeContract } from "./state-change.contract.ts";
import { stateLockContract } from "./state-lock.contract.ts";
import { stateQueryContract } from "./state-query.contract.ts";
import { statesOver } from "./state-support.ts";
import { stateTransactionContract } from "./state-transaction.contract.ts";

export function stateStoreContract(name: string, openStore: OpenStore): void {
  const open = statesOver(openStore);
  stateChangeContract(name, open);
  stateTransactionContract(name, open);
  stateLockContract(name, open);
  stateQueryContract(name, open);
}
