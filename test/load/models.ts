// The states that a run under load changes.

import { z } from "zod";
import { defineState } from "../../src/memory/state-model.ts";

/** Of one writer: how many of its updates are in, the sum of their numbers, the last of them, and how many came in twice or out of order. */
const share = z.tuple([z.number(), z.number(), z.number(), z.number()]);

export const tally = defineState("tally", { schema: z.object({ by: z.record(z.string(), share) }) });
export const account = defineState("account", { schema: z.object({ balance: z.number() }) });
/** What is written under a lock: the last token, how many writes, and how many carried a token below one that was there. */
export const ledger = defineState("ledger", {
  schema: z.object({ token: z.number(), writes: z.number(), overtaken: z.number() }),
});
export const register = defineState("register", { schema: z.object({ value: z.string() }) });

export const accountIds: readonly string[] = Array.from({ length: 8 }, (_, at) => `a${at}`);
export const openingBalance = 1_000;
export const bucket = "load_central";
/** What `centralHistory` is by default: how far a lost answer is looked for (W2 of state-writer.ts). */
export const historyMax = 8;
