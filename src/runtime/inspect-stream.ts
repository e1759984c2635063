// A stream as the server describes it, in our words.

/** What the stream is to its app. */
export type StreamRole = "mail" | "state" | "cluster" | "dead" | "memory" | "facts" | "central";

export interface PeerFacts {
  readonly name: string;
  /** False: it lacks messages that the leader has. */
  readonly isCurrent: boolean;
  readonly isOffline: boolean;
}

export interface StreamFacts {
  readonly role: StreamRole;
  readonly name: string;
  readonly storage: "file" | "memory";
  readonly replicas: number;
  /** The copies besides the leader's. */
  readonly peers: readonly PeerFacts[];
  /** Writes are acknowledged before the server has handed them to its operating system. */
  readonly isAcknowledgedEarly: boolean;
  readonly messages: number;
  readonly bytes: number;
  /** -1: without bound. */
  readonly bytesMax: number;
  readonly messagesMax: number;
  /** True: at its bound it drops its oldest messages instead of refusing new ones. */
  readonly dropsOldest: boolean;
  /** Longest that a message is kept; 0: for ever. Unit: ms. */
  readonly ageMsMax: number;
  /** Values kept of each key; -1 when there is no bound. */
  readonly history: number;
  /** How long a message id is known. Unit: ms. */
  readonly duplicateWindowMs: number;
  readonly lastSequence: number;
  /** When the last message was stored, as the server's clock said. Unit: ms since the epoch; absent when none ever was. */
  readonly lastAtMs?: number;
}

/** The server's answer to `STREAM.INFO`, as far as it is used. */
export interface StreamInfo {
  readonly config: {
    readonly name: string;
    readonly storage?: string;
    readonly num_replicas?: number;
    readonly persist_mode?: string;
    readonly max_bytes?: number;
    readonly max_msgs?: number;
    readonly max_msgs_per_subject?: number;
    readonly discard?: string;
    readonly max_age?: number;
    readonly duplicate_window?: number;
    readonly metadata?: Readonly<Record<string, string>>;
  };
  readonly state: {
    readonly messages: number;
    readonly bytes: number;
    readonly last_seq: number;
    readonly last_ts?: string;
    readonly subjects?: Readonly<Record<string, number>>;
  };
  readonly cluster?: {
    readonly replicas?: readonly { readonly name: string; readonly current?: boolean; readonly offline?: boolean }[];
  };
}

const nanosPerMs = 1_000_000;
const poolPrefix = "troupe.pool.";

export function streamFactsOf(role: StreamRole, { config, state, cluster }: StreamInfo): StreamFacts {
  return {
    role,
    name: config.name,
    storage: config.storage === "memory" ? "memory" : "file",
    replicas: config.num_replicas ?? 1,
    peers: (cluster?.replicas ?? []).map(({ name, current, offline }) => ({
      name,
      isCurrent: current === true,
      isOffline: offline === true,
    })),
    isAcknowledgedEarly: config.persist_mode === "async",
    messages: state.messages,
    bytes: state.bytes,
    bytesMax: config.max_bytes ?? -1,
    messagesMax: config.max_msgs ?? -1,
    dropsOldest: config.discard !== "new",
    ageMsMax: (config.max_age ?? 0) / nanosPerMs,
    history: config.max_msgs_per_subject ?? -1,
    duplicateWindowMs: (config.duplicate_window ?? 0) / nanosPerMs,
    lastSequence: state.last_seq,
    ...(state.last_seq > 0 && state.last_ts !== undefined ? { lastAtMs: Date.parse(state.last_ts) } : {}),
  };
}

/** Partitions by pool, as they stand in the mail stream's metadata. */
export function poolsOf({ config }: StreamInfo): Readonly<Record<string, number>> {
  const pools = Object.entries(config.metadata ?? {}).flatMap(([name, text]) =>
    name.startsWith(poolPrefix) ? [[name.slice(poolPrefix.length), Number(text)] as const] : [],
  );
  return Object.fromEntries(pools);
}
