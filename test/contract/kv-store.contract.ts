// The contract of the KvStore port: the same for every store (src/kv/store.ts, laws K1 to K9).

import { kvPurgeContract } from "./kv-purge.contract.ts";
import { kvReadContract } from "./kv-read.contract.ts";
import type { OpenStore } from "./kv-support.ts";
import { kvTransactionContract } from "./kv-transaction.contract.ts";
import { kvWatchContract } from "./kv-watch.contract.ts";
import { kvWriteContract } from "./kv-write.contract.ts";

export function kvStoreContract(name: string, open: OpenStore): void {
  kvWriteContract(name, open);
  kvPurgeContract(name, open);
  kvReadContract(name, open);
  kvTransactionContract(name, open);
  kvWatchContract(name, open);
}
