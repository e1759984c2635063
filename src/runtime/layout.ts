// The streams of an app, made once by whoever comes first.
//
//   Y1. What stands wins: the partition count of a pool never changes, since every mailbox would be stranded. A wish
//       for another count, or a layout of another version, is refused and nothing is touched.
//   Y2. Any number may come at once: the server makes a stream once, and everyone reads back what was made.

import type { Clock } from "../core/clock.ts";
import { systemClock } from "../core/clock.ts";
import { TroupeError } from "../core/errors.ts";
import { partitionCountDefault } from "../core/partition.ts";
import type { ApiAnswer } from "../kv/nats-api.ts";
import { callApi, createStream, isLeaderless, readApi, refusedError, serverErrors } from "../kv/nats-api.ts";
import type { NatsLink } from "../kv/nats-link.ts";
import { duplicateWindowMsDefault } from "./mail.ts";
import { firstNumber } from "./mail-numbers.ts";
import type { Subjects } from "./subjects.ts";

export const layoutVersion = "1";
/** Oldest server that does what the layout asks for (scheduled messages, batched direct reads). */
export const serverVersionMin = { major: 2, minor: 14 } as const;
/**
 * How long the dead stream knows what was buried: a worker that died between burying and its next commit buries again
 * after the takeover, which may be days later. Unit: ms.
 */
const buriedKnownMs = 7 * 24 * 3_600_000;
const partitionCountMax = 4_096;
const writesMax = 5;
const nanosPerMs = 1_000_000;

export interface LayoutOptions {
  readonly link: NatsLink;
  readonly subjects: Subjects;
  /** Partitions of the pool. Default: what stands, else 64. */
  readonly partitionCount?: number | undefined;
  /** Copies of each stream on the servers of a cluster. Only for what is made now. Default 1. */
  readonly replicas?: number | undefined;
  /** How long a message id is known (M2). Only for what is made now. Unit: ms. Default 120,000. */
  readonly duplicateWindowMs?: number | undefined;
  readonly clock?: Clock;
}

/** What stands. */
export interface Layout {
  /** Of the pool. */
  readonly partitionCount: number;
  readonly duplicateWindowMs: number;
}

interface StreamConfig {
  readonly name: string;
  readonly description?: string;
  readonly subjects?: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly allow_msg_schedules?: boolean;
  readonly allow_direct?: boolean;
  /** Unit: ns. */
  readonly duplicate_window?: number;
  readonly first_seq?: number;
}

interface StreamInfo {
  readonly config: StreamConfig;
}

/**
 * Makes or checks the streams; returns what stands. Rejects with LAYOUT_MISMATCH, SERVER_TOO_OLD,
 * SERVER_UNSUITABLE, SERVER_UNREACHABLE, STORE_FAILED, OPTION_INVALID.
 */
export async function ensureLayout(options: LayoutOptions): Promise<Layout> {
  const { link, subjects, partitionCount: wanted } = options;
  if (wanted !== undefined && !(Number.isInteger(wanted) && wanted >= 1 && wanted <= partitionCountMax)) {
    const text = `\`partitionCount\` must be a whole number from 1 to ${partitionCountMax}, got ${wanted}`;
    throw new TroupeError("OPTION_INVALID", text);
  }
  await checkServer(link);
  await ensureDeadStream(options);
  const pool = `troupe.pool.${poolOf(subjects)}`;
  for (let writes = 0; writes < writesMax; writes += 1) {
    const standing = await standingStream(link, subjects.mailStream);
    if (standing === undefined) {
      await makeStream(link, mailStreamOf(options, { [pool]: String(wanted ?? partitionCountDefault) }));
      continue;
    }
    checkStanding(standing, subjects.mailStream, subjects.mailStreamSubjects);
    if (standing.allow_msg_schedules !== true || standing.allow_direct !== true) {
      throw mismatch(subjects.mailStream, "was made without scheduled messages or direct reads");
    }
    const text = standing.metadata?.[pool];
    if (text !== undefined) {
      const partitionCount = agreedCount(subjects.mailStream, pool, text, wanted);
      return { partitionCount, duplicateWindowMs: (standing.duplicate_window ?? 0) / nanosPerMs };
    }
    // A further pool of the app. The server cannot compare and set a configuration, so read back what stands.
    const metadata = { ...standing.metadata, [pool]: String(wanted ?? partitionCountDefault) };
    granted(standing.name, await callApi(link, `STREAM.UPDATE.${standing.name}`, { ...standing, metadata }));
  }
  throw new TroupeError(
    "STORE_FAILED",
    `${subjects.mailStream} does not keep its settings after ${writesMax} attempts`,
  );
}

/** Rejects with SERVER_TOO_OLD, SERVER_UNSUITABLE (JetStream is off for this user), SERVER_UNREACHABLE. */
export async function checkServer(link: NatsLink): Promise<void> {
  const version = link.connection.info?.version ?? "unknown";
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  const isOldEnough =
    major > serverVersionMin.major || (major === serverVersionMin.major && minor >= serverVersionMin.minor);
  if (!isOldEnough) {
    const needed = `${serverVersionMin.major}.${serverVersionMin.minor}`;
    throw new TroupeError("SERVER_TOO_OLD", `nats-server ${version} is too old: ${needed} is needed`);
  }
  const answer = await readApi(link, "INFO", undefined);
  if (answer.kind === "ok") return;
  if (answer.kind === "refused" && isLeaderless(answer.refusal)) throw refusedError("JetStream", answer.refusal);
  // No answer at all while the connection stands is how a server without JetStream says so.
  const saysNothing = !link.isConnected || link.connection.info?.jetstream === true;
  if (answer.kind === "failed" && saysNothing) throw answer.error;
  const reason = answer.kind === "refused" ? answer.refusal.text : answer.error.message;
  throw new TroupeError("SERVER_UNSUITABLE", `JetStream is not available on nats-server ${version}: ${reason}`);
}

/** `main` of `troupe.mail.main.0.` */
function poolOf(subjects: Subjects): string {
  return subjects.mailPrefix(0).split(".")[2] ?? "main";
}

async function ensureDeadStream(options: LayoutOptions): Promise<void> {
  const { link, subjects } = options;
  const name = subjects.deadStream;
  let standing = await standingStream(link, name);
  if (standing === undefined) {
    await makeStream(link, {
      ...streamOf(options, name, subjects.deadStreamSubjects, {}),
      description: `Troupe: messages that ${subjects.app} gave up on, with the reason`,
      duplicate_window: buriedKnownMs * nanosPerMs,
    });
    standing = await standingStream(link, name);
  }
  if (standing !== undefined) checkStanding(standing, name, subjects.deadStreamSubjects);
}

function mailStreamOf(options: LayoutOptions, pools: Record<string, string>): StreamConfig {
  const { subjects, duplicateWindowMs = duplicateWindowMsDefault, clock = systemClock } = options;
  return {
    ...streamOf(options, subjects.mailStream, subjects.mailStreamSubjects, pools),
    description: `Troupe: mailboxes and timers of ${subjects.app}`,
    duplicate_window: duplicateWindowMs * nanosPerMs,
    first_seq: firstNumber(clock.now()), // Q1
    allow_msg_schedules: true,
  };
}

function streamOf(options: LayoutOptions, name: string, subjects: readonly string[], pools: Record<string, string>) {
  return {
    name,
    subjects,
    retention: "limits",
    storage: "file",
    discard: "old",
    num_replicas: options.replicas ?? 1,
    max_msgs: -1,
    max_bytes: -1,
    max_age: 0,
    max_consumers: -1,
    allow_direct: true,
    metadata: { "troupe.layout": layoutVersion, ...pools },
  };
}

async function standingStream(link: NatsLink, name: string): Promise<StreamConfig | undefined> {
  const answer = await readApi<StreamInfo>(link, `STREAM.INFO.${name}`, undefined);
  if (answer.kind === "refused" && answer.refusal.code === serverErrors.streamNotFound) return undefined;
  return granted(name, answer).config;
}

/** Y2: another's stream of the same name is no failure; the caller reads back what stands. */
async function makeStream(link: NatsLink, config: StreamConfig): Promise<void> {
  const answer = await createStream(link, config.name, config);
  if (answer.kind === "refused" && answer.refusal.code === serverErrors.streamNameInUse) return;
  granted(config.name, answer);
}

function granted<Value>(name: string, answer: ApiAnswer<Value>): Value {
  if (answer.kind === "ok") return answer.value;
  throw answer.kind === "refused" ? refusedError(name, answer.refusal) : answer.error;
}

function checkStanding(config: StreamConfig, name: string, subjects: readonly string[]): void {
  const version = config.metadata?.["troupe.layout"];
  if (version === undefined) throw mismatch(name, "is not one of Troupe's streams");
  if (version !== layoutVersion) {
    throw mismatch(name, `has layout version ${version}, this code knows ${layoutVersion}`);
  }
  const missing = subjects.filter((subject) => !config.subjects?.includes(subject));
  if (missing.length > 0) throw mismatch(name, `does not take in ${missing.join(", ")}`);
}

function agreedCount(stream: string, pool: string, text: string, wanted: number | undefined): number {
  const count = Number(text);
  if (!(Number.isInteger(count) && count >= 1 && count <= partitionCountMax)) {
    throw mismatch(stream, `says that ${pool} is ${JSON.stringify(text)}, which is no partition count`);
  }
  if (wanted === undefined || wanted === count) return count;
  throw mismatch(stream, `has ${count} partitions (${pool}), ${wanted} were asked for; a pool's count never changes`);
}

function mismatch(stream: string, text: string): TroupeError {
  return new TroupeError("LAYOUT_MISMATCH", `the stream ${stream} ${text}`);
}
