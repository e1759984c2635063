import { mailContract } from "./mail.contract.ts";
import { openMailOnMemory } from "./mail-on-memory.ts";

mailContract("memory", openMailOnMemory);
