// Every subject and bucket name of an app, spelled here only.
//
// `A` is the app's name, `key` an actor's `type.id` in escaped form (src/core/ids.ts), so that neither an id nor a
// method nor a payload can reach another subject.

import { checkName } from "../core/ids.ts";

export interface Subjects {
  readonly app: string;
  readonly mailStream: string;
  readonly deadStream: string;
  /** Everything that the mail stream takes in. */
  readonly mailStreamSubjects: readonly string[];
  readonly deadStreamSubjects: readonly string[];
  readonly stateBucket: string;
  readonly clusterBucket: string;
  /** What agents remember: logs and heads. */
  readonly memoryBucket: string;
  /** The same: facts and heads. */
  readonly factsBucket: string;
  /** States that many share. */
  readonly centralBucket: string;
  readonly pool: string;
  mail(partition: number, key: string, method: string): string;
  /** `A.mail.<pool>.`: what stands before the partition. */
  readonly mailPoolPrefix: string;
  /** `A.mail.<pool>.<partition>.`: what stands before the key. */
  mailPrefix(partition: number): string;
  timer(key: string, name: string, number: number): string;
  ask(partition: number, epoch: number, key: string, method: string): string;
  /** `A.ask.<pool>.<partition>.<epoch>.`: what stands before the key. */
  askPrefix(partition: number, epoch: number): string;
  dead(key: string, method: string): string;
  /** `A.call.` and `A.tell.`: the doors for the `nats` CLI and other languages. */
  doorPrefix(door: "call" | "tell"): string;
  worker(id: string): string;
  /** What happens in a worker, for whoever follows it at that moment. */
  feed(worker: string): string;
}

/** Rejects with NAME_INVALID. */
export function subjectsOf(app: string, pool: string): Subjects {
  checkName("an app", app);
  checkName("a pool", pool);
  const mailPoolPrefix = `${app}.mail.${pool}.`;
  const mailPrefixes = prefixes(mailPoolPrefix);
  const askPoolPrefix = `${app}.ask.${pool}.`;
  return {
    app,
    pool,
    mailStream: `${app}_mail`,
    deadStream: `${app}_dead`,
    mailStreamSubjects: [`${app}.mail.>`, `${app}.timer.>`],
    deadStreamSubjects: [`${app}.dead.>`],
    stateBucket: `${app}_state`,
    clusterBucket: `${app}_cluster`,
    memoryBucket: `${app}_memory`,
    factsBucket: `${app}_facts`,
    centralBucket: `${app}_central`,
    mail: (partition, key, method) => `${mailPrefixes(partition)}${key}.${method}`,
    mailPoolPrefix,
    mailPrefix: mailPrefixes,
    timer: (key, name, number) => `${app}.timer.${key}.${name}.${number}`,
    ask: (partition, epoch, key, method) => `${askPoolPrefix}${partition}.${epoch}.${key}.${method}`,
    askPrefix: (partition, epoch) => `${askPoolPrefix}${partition}.${epoch}.`,
    dead: (key, method) => `${app}.dead.${key}.${method}`,
    doorPrefix: (door) => `${app}.${door}.`,
    worker: (id) => `${app}.worker.${id}`,
    feed: (worker) => `${app}.feed.${worker}`,
  };
}

/** One of all that serve a door gets each request. */
export const doorQueue = "troupe";
/** Before the verb of a question to NATS services: the protocol's own, the same for all apps. */
export const microPrefix = "$SRV.";
/** Where a timer's firings lie in a mailbox. No user's method has it. */
export const timerMethod = (number: number): string => `_timer-${number}`;
/** Key of a worker's lease in the cluster bucket. */
export const workerKey = (worker: string): string => `worker.${worker}`;
/** The worker whose lease stands at a key. */
export const workerOf = (key: string): string => key.slice(workerKey("").length);
/** Key of a partition's owner and epoch in the cluster bucket. */
export const partitionKey = (pool: string, partition: number): string => `partition.${pool}.${partition}`;
/** The same keys of all partitions of a pool, as a pattern. */
export const partitionKeys = (pool: string): string => `partition.${pool}.*`;
/** Key of how far a partition's mail is done. */
export const cursorKey = (pool: string, partition: number): string => `cursor.${pool}.${partition}`;
/** Key of what is known of an actor type: its pool, and the highest schema number of its code. */
export const typeKey = (type: string): string => `type.${type}`;
/** Key of what is told of a type's definition to those that have not its code. */
export const outlineKey = (type: string, version: number): string => `outline.${type}.${version}`;
/** The same keys of all versions of all types, as a pattern. */
export const outlineKeys = "outline.*.*";

function prefixes(head: string): (partition: number) => string {
  const made: string[] = [];
  return (partition) => {
    made[partition] ??= `${head}${partition}.`;
    return made[partition];
  };
}
