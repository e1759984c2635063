// A look at a server from outside: what it is, what lies on it, and how durable that is. Makes nothing there, so that
// a mistyped name of an app leaves no streams behind.

import { credsAuthenticator } from "@nats-io/transport-node";
import type { Clock } from "../core/clock.ts";
import { systemClock } from "../core/clock.ts";
import { decodeText } from "../core/codec.ts";
import { TroupeError } from "../core/errors.ts";
import { readApi, refusedError, serverErrors } from "../kv/nats-api.ts";
import type { LinkOptions, NatsLink } from "../kv/nats-link.ts";
import { openLink } from "../kv/nats-link.ts";
import { clockAheadOf } from "./clock-ahead.ts";
import type { Lag } from "./inspect-lag.ts";
import { readLag } from "./inspect-lag.ts";
import type { StreamFacts, StreamInfo, StreamRole } from "./inspect-stream.ts";
import { poolsOf, streamFactsOf } from "./inspect-stream.ts";
import { checkServer } from "./layout.ts";
import { openPortsOver } from "./nats-ports.ts";
import type { OpenPorts } from "./ports.ts";
import type { Subjects } from "./subjects.ts";
import { subjectsOf } from "./subjects.ts";

export interface InspectOptions {
  readonly nats: LinkOptions;
  readonly app: string;
}

export interface ServerFacts {
  readonly name: string;
  readonly version: string;
  /** Name of the NATS cluster that it is part of. */
  readonly cluster: string | undefined;
  readonly address: string;
  /** Largest message. Unit: bytes. */
  readonly payloadBytesMax: number;
}

/** Who we are there, and what time it is there. */
export interface UserFacts {
  readonly account: string;
  readonly user: string;
  /** The server's time less ours, the least that the round trip leaves possible. Unit: ms. */
  readonly clockAheadMs: number;
  readonly roundTripMs: number;
}

/** What JetStream allows this account, and what is used of it. A bound of -1 is none. */
export interface AccountFacts {
  readonly storageBytes: number;
  readonly storageBytesMax: number;
  readonly memoryBytes: number;
  readonly memoryBytesMax: number;
  readonly streams: number;
  readonly streamsMax: number;
  readonly consumers: number;
  readonly consumersMax: number;
}

/** How often the server brings what it has written onto its disk. */
export interface SyncFacts {
  readonly isAlways: boolean;
  /** Unit: ms. */
  readonly intervalMs: number;
}

export interface AppFacts {
  /** Partitions by pool. */
  readonly pools: Readonly<Record<string, number>>;
  readonly streams: readonly StreamFacts[];
}

interface AccountInfo {
  readonly storage?: number;
  readonly memory?: number;
  readonly streams?: number;
  readonly consumers?: number;
  readonly limits?: Readonly<Record<"max_storage" | "max_memory" | "max_streams" | "max_consumers", number>>;
}

const nothing = new Uint8Array(0);
/** A server that does not know the question does not answer. Unit: ms. */
const askMsMax = 1_000;
/** Streams that one call lists. */
const listedMax = 1_024;

/** Credentials as `nsc` writes them (`.creds`), for `nats.authenticator`. */
export function credentialsOf(text: string): LinkOptions {
  return { authenticator: credsAuthenticator(new TextEncoder().encode(text)) };
}

/** Connects. Rejects with SERVER_UNREACHABLE, NAME_INVALID. */
export async function openInspector(options: InspectOptions, clock: Clock = systemClock): Promise<Inspector> {
  const subjects = subjectsOf(options.app, "main"); // What is of no pool is the same in all.
  return new Inspector(await openLink(options.nats), subjects, clock);
}

export class Inspector implements AsyncDisposable {
  readonly link: NatsLink;
  readonly subjects: Subjects;
  readonly #clock: Clock;

  constructor(link: NatsLink, subjects: Subjects, clock: Clock) {
    this.link = link;
    this.subjects = subjects;
    this.#clock = clock;
  }

  get server(): ServerFacts {
    const { connection } = this.link;
    const { info } = connection;
    return {
      name: info?.server_name ?? "unknown",
      version: info?.version ?? "unknown",
      cluster: info?.cluster,
      address: connection.getServer(),
      payloadBytesMax: this.link.payloadBytesMax,
    };
  }

  /** Rejects with SERVER_TOO_OLD, SERVER_UNSUITABLE (JetStream is off for this user), SERVER_UNREACHABLE. */
  check(): Promise<void> {
    return checkServer(this.link);
  }

  async account(): Promise<AccountFacts> {
    const answer = await readApi<AccountInfo>(this.link, "INFO", undefined);
    if (answer.kind === "failed") throw answer.error;
    if (answer.kind === "refused") throw refusedError("the account's limits", answer.refusal);
    const { limits, storage = 0, memory = 0, streams = 0, consumers = 0 } = answer.value;
    return {
      storageBytes: storage,
      storageBytesMax: limits?.max_storage ?? -1,
      memoryBytes: memory,
      memoryBytesMax: limits?.max_memory ?? -1,
      streams,
      streamsMax: limits?.max_streams ?? -1,
      consumers,
      consumersMax: limits?.max_consumers ?? -1,
    };
  }

  /** Undefined when the server does not say, within `timeoutMs`. Unit: ms. Default 1,000. */
  async user(timeoutMs = askMsMax): Promise<UserFacts | undefined> {
    const askedAtMs = this.#clock.now();
    const startMs = this.#clock.monotonicMs();
    const answer = await this.#ask<{ server?: { time?: string }; data?: { account?: string; user?: string } }>(
      "$SYS.REQ.USER.INFO",
      timeoutMs,
    );
    const roundTripMs = this.#clock.monotonicMs() - startMs;
    const serverMs = Date.parse(answer?.server?.time ?? "");
    if (answer === undefined || Number.isNaN(serverMs)) return undefined;
    return {
      account: answer.data?.account ?? "",
      user: answer.data?.user ?? "",
      clockAheadMs: clockAheadOf({ askedAtMs, roundTripMs, serverMs }),
      roundTripMs,
    };
  }

  /** Undefined when this user may not read it: only users of the system account may. */
  async sync(): Promise<SyncFacts | undefined> {
    const answer = await this.#ask<{ data?: unknown }>("$SYS.REQ.SERVER.PING.VARZ");
    return answer === undefined ? undefined : syncOfVarz(answer.data);
  }

  /** Undefined when there is no such app: it has its streams once a worker has started. */
  async app(): Promise<AppFacts | undefined> {
    const { mailStream, deadStream, stateBucket, clusterBucket, memoryBucket, factsBucket, centralBucket } =
      this.subjects;
    const named: readonly (readonly [StreamRole, string])[] = [
      ["mail", mailStream],
      ["state", `KV_${stateBucket}`],
      ["cluster", `KV_${clusterBucket}`],
      ["dead", deadStream],
      ["memory", `KV_${memoryBucket}`],
      ["facts", `KV_${factsBucket}`],
      ["central", `KV_${centralBucket}`],
    ];
    const infos = await Promise.all(named.map(async ([role, name]) => ({ role, info: await this.#stream(name) })));
    const found = infos.flatMap(({ role, info }) => (info === undefined ? [] : [{ role, info }]));
    const mail = found.find(({ role }) => role === "mail");
    const isComplete = ["mail", "state", "cluster"].every((wanted) => found.some(({ role }) => role === wanted));
    if (mail === undefined || !isComplete) return undefined;
    return { pools: poolsOf(mail.info), streams: found.map(({ role, info }) => streamFactsOf(role, info)) };
  }

  /** Whether a bucket of the app is there: memory, facts and central are made by whoever needs them first. Rejects as reading does. */
  async hasBucket(bucket: "memory" | "facts" | "central"): Promise<boolean> {
    const { memoryBucket, factsBucket, centralBucket } = this.subjects;
    const names = { memory: memoryBucket, facts: factsBucket, central: centralBucket };
    return (await this.#stream(`KV_${names[bucket]}`)) !== undefined;
  }

  /** The apps that lie on the server, sorted; of many streams only those that one call lists. */
  async apps(): Promise<readonly string[]> {
    const answer = await readApi<{ streams?: readonly string[] | null }>(this.link, "STREAM.NAMES", { offset: 0 });
    const names = answer.kind === "ok" ? (answer.value.streams ?? []).slice(0, listedMax) : [];
    const apps = names.flatMap((name) => /^KV_(.+)_state$/.exec(name)?.[1] ?? []);
    return apps.filter((app) => names.includes(`${app}_mail`)).sort();
  }

  /** The ports of the app over this connection, which closes with them. Makes what is missing. */
  get openPorts(): OpenPorts {
    return (request) => openPortsOver(this.link, {}, request);
  }

  /** What waits in a partition behind its cursor; with `key` only what is for that actor. */
  lagOf(pool: string, partition: number, cursor: number, key?: string): Promise<Lag> {
    const { mailStream: stream, app } = this.subjects;
    const filter = `${subjectsOf(app, pool).mailPrefix(partition)}${key === undefined ? ">" : `${key}.*`}`;
    return readLag({ link: this.link, stream, filter, cursor });
  }

  /** How many dead letters lie there, and the highest sequence that one ever had. Rejects as reading does. */
  async deadLetters(): Promise<{ readonly messages: number; readonly lastSequence: number }> {
    const info = await this.#stream(this.subjects.deadStream);
    return { messages: info?.state.messages ?? 0, lastSequence: info?.state.last_seq ?? 0 };
  }

  /** Timers that are set. */
  async timers(): Promise<number> {
    const request = { subjects_filter: `${this.subjects.app}.timer.>` };
    const answer = await readApi<StreamInfo>(this.link, `STREAM.INFO.${this.subjects.mailStream}`, request);
    if (answer.kind !== "ok") return 0;
    return Object.values(answer.value.state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
  }

  close(): Promise<void> {
    return this.link.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Rejects with LAYOUT_MISMATCH when the app has no such pool: a client that connects would make it. */
  checkPool({ pools }: AppFacts, pool: string): void {
    if (Object.hasOwn(pools, pool)) return;
    const known = Object.keys(pools).join(", ") || "none";
    const text = `the app ${this.subjects.app} has no pool named ${pool}; it has: ${known}`;
    throw new TroupeError("LAYOUT_MISMATCH", text);
  }

  async #stream(name: string): Promise<StreamInfo | undefined> {
    const answer = await readApi<StreamInfo>(this.link, `STREAM.INFO.${name}`, undefined);
    if (answer.kind === "ok") return answer.value;
    if (answer.kind === "refused" && answer.refusal.code === serverErrors.streamNotFound) return undefined;
    throw answer.kind === "failed" ? answer.error : refusedError(name, answer.refusal);
  }

  async #ask<Value>(subject: string, timeoutMs = askMsMax): Promise<Value | undefined> {
    const answer = await this.link.request(subject, nothing, timeoutMs);
    if (answer.kind !== "reply") return undefined;
    try {
      return JSON.parse(decodeText(answer.message.data)) as Value;
    } catch {
      // Somebody else answers there: the server says JSON.
      return undefined;
    }
  }
}

/** What `/varz` of a server's monitoring says of its disk; undefined when it says nothing of it. */
export function syncOfVarz(varz: unknown): SyncFacts | undefined {
  const config = (varz as { jetstream?: { config?: { sync_interval?: unknown; sync_always?: unknown } } } | undefined)
    ?.jetstream?.config;
  const nanos = config?.sync_interval;
  if (typeof nanos !== "number") return undefined;
  return { isAlways: config?.sync_always === true, intervalMs: nanos / 1_000_000 };
}
