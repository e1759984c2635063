import { openOnOwnServer } from "./kv-openers.ts";
import { kvStoreContract } from "./kv-store.contract.ts";

kvStoreContract("nats", openOnOwnServer());
