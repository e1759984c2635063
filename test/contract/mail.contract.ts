// The contract of the Mail port: the same for every implementation (src/runtime/mail.ts, laws M1 to M9).

import { mailAppendContract } from "./mail-append.contract.ts";
import { mailConnectionContract } from "./mail-connection.contract.ts";
import { mailControlContract } from "./mail-control.contract.ts";
import { mailReadContract } from "./mail-read.contract.ts";
import { mailRequestContract } from "./mail-request.contract.ts";
import type { OpenMail } from "./mail-support.ts";
import { mailTimerContract } from "./mail-timer.contract.ts";

export function mailContract(name: string, open: OpenMail): void {
  mailAppendContract(name, open);
  mailReadContract(name, open);
  mailRequestContract(name, open);
  mailTimerContract(name, open);
  mailConnectionContract(name, open);
  mailControlContract(name, open);
}
