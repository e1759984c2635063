// Names on the server that `raw` and `limit` share; they are Troupe's own, so that subjects cost the same everywhere.

export const stateBucket = (app: string): string => `${app}_state`;
export const stateStream = (app: string): string => `KV_${app}_state`;
export const stateSubject = (app: string, key: string): string => `$KV.${app}_state.${key}`;
export const logStream = (app: string): string => `KV_${app}_memory`;
/** Records of the log of session `log`, as Troupe spells them. */
export const logSubject = (app: string, log: string, record: number): string =>
  `$KV.${app}_memory.session.${log}.log.${String(record).padStart(8, "0")}`;
export const mailStream = (app: string): string => `${app}_mail`;

/** Everything by hand is one partition of one pool; a client has to spell a partition all the same. */
const address = "main.0.counter";

export const askSubject = (app: string, id: string, method: "add" | "total"): string =>
  `${app}.ask.${address}.${id}.${method}`;
export const mailSubject = (app: string, id: string): string => `${app}.mail.${address}.${id}.add`;

/** The place of the id among the tokens of an ask's or a mailbox's subject. */
export const idToken = 5;
