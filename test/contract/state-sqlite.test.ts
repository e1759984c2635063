import { openOnSqlite } from "./kv-openers.ts";
import { stateStoreContract } from "./state-store.contract.ts";

stateStoreContract("sqlite", openOnSqlite);
