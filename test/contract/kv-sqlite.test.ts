import { openOnSqlite } from "./kv-openers.ts";
import { kvStoreContract } from "./kv-store.contract.ts";

kvStoreContract("sqlite", openOnSqlite);
