import { openOnOwnServer } from "./kv-openers.ts";
import { stateStoreContract } from "./state-store.contract.ts";

stateStoreContract("nats", openOnOwnServer());
