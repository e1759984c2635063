// A bucket's stream on the server: the layout of `nats kv add`, and what Troupe needs besides (atomic batches, time to
// live for single keys with markers that watchers see).

import { TroupeError } from "../core/errors.ts";
import { callApi, createStream, readApi, refusedError, serverErrors } from "./nats-api.ts";
import type { NatsLink } from "./nats-link.ts";
import { untilReached } from "./nats-reach.ts";

export interface BucketRequest {
  readonly link: NatsLink;
  readonly bucket: string;
  readonly history: number;
  readonly replicas: number;
  readonly markerTtlMs: number;
  readonly storage: "file" | "memory";
  readonly description: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The bucket as it is: one that was there before keeps its own settings. */
export interface Bucket {
  readonly stream: string;
  /** Before the key in a subject. */
  readonly prefix: string;
  readonly history: number;
  /** As they were when the bucket was opened: whoever gives it more opens it anew, since reads go by it. */
  readonly replicas: number;
  readonly markerTtlMs: number;
}

interface StreamInfo {
  readonly config: StreamConfig;
  /** A server that stands alone has no name of a cluster. */
  readonly cluster?: { readonly name?: string };
}

interface StreamConfig {
  readonly subjects?: readonly string[];
  readonly num_replicas?: number;
  readonly max_msgs_per_subject?: number;
  readonly max_age?: number;
  readonly discard?: string;
  readonly retention?: string;
  readonly mirror?: unknown;
  readonly allow_rollup_hdrs?: boolean;
  readonly allow_direct?: boolean;
  readonly allow_atomic?: boolean;
  readonly allow_msg_ttl?: boolean;
  readonly subject_delete_marker_ttl?: number;
}

const nanosPerMs = 1_000_000;

export async function openBucket(request: BucketRequest): Promise<Bucket> {
  const { link, bucket } = request;
  const stream = `KV_${bucket}`;
  let found = await readApi<StreamInfo>(link, `STREAM.INFO.${stream}`, undefined);
  if (found.kind === "refused" && found.refusal.code === serverErrors.streamNotFound) {
    found = await createStream<StreamInfo>(link, stream, configOf(request, stream));
    if (found.kind === "refused" && found.refusal.code === serverErrors.streamNameInUse) {
      // Somebody else made it meanwhile, with other settings.
      found = await readApi<StreamInfo>(link, `STREAM.INFO.${stream}`, undefined);
    }
  }
  if (found.kind === "ok" && isEdited(bucket, found.value.config)) {
    const config = { ...found.value.config, allow_atomic: true };
    found = await callApi<StreamInfo>(link, `STREAM.UPDATE.${stream}`, config);
  }
  if (found.kind === "failed") throw found.error;
  if (found.kind === "refused") throw refusedError(`bucket ${bucket}`, found.refusal);
  const opened = bucketOf(bucket, found.value.config);
  const isOneOfMany = found.value.cluster?.name !== undefined;
  if (isOneOfMany) await untilReached(link, { stream, subject: `${opened.prefix}_` });
  return opened;
}

/** `nats kv edit` (0.5.1), whatever it changes, takes the permission of atomic batches away, which is then given back. */
function isEdited(bucket: string, config: StreamConfig): boolean {
  return config.allow_atomic !== true && faultsOf(bucket, { ...config, allow_atomic: true }).length === 0;
}

function configOf(request: BucketRequest, stream: string): object {
  return {
    name: stream,
    subjects: [`$KV.${request.bucket}.>`],
    ...(request.description === undefined ? {} : { description: request.description }),
    metadata: request.metadata,
    retention: "limits",
    storage: request.storage,
    num_replicas: request.replicas,
    max_msgs_per_subject: request.history,
    max_msgs: -1,
    max_bytes: -1,
    max_msg_size: -1,
    max_consumers: -1,
    discard: "new",
    duplicate_window: 120_000 * nanosPerMs,
    deny_delete: true,
    allow_rollup_hdrs: true,
    allow_direct: true,
    allow_atomic: true,
    allow_msg_ttl: true,
    subject_delete_marker_ttl: request.markerTtlMs * nanosPerMs,
  };
}

/** Throws LAYOUT_MISMATCH when the stream cannot hold what the port promises. */
function bucketOf(bucket: string, config: StreamConfig): Bucket {
  const faults = faultsOf(bucket, config);
  if (faults.length > 0) {
    throw new TroupeError("LAYOUT_MISMATCH", `the bucket ${bucket} was made by something else: ${faults.join("; ")}`);
  }
  return {
    stream: `KV_${bucket}`,
    prefix: `$KV.${bucket}.`,
    history: config.max_msgs_per_subject ?? 1,
    replicas: config.num_replicas ?? 1,
    markerTtlMs: markerTtlMsOf(config),
  };
}

const markerTtlMsOf = (config: StreamConfig): number => (config.subject_delete_marker_ttl ?? 0) / nanosPerMs;

function faultsOf(bucket: string, config: StreamConfig): readonly string[] {
  const prefix = `$KV.${bucket}.`;
  const subjects = config.subjects ?? [];
  const wrong: string[] = [];
  if (subjects.length !== 1 || subjects[0] !== `${prefix}>`)
    wrong.push(`its subjects are ${subjects.join(", ") || "none"}`);
  if (config.mirror !== undefined && config.mirror !== null) wrong.push("it is a mirror");
  if (config.retention !== undefined && config.retention !== "limits")
    wrong.push(`its retention is ${config.retention}`);
  if ((config.max_msgs_per_subject ?? -1) < 1) wrong.push("it has no bound of messages for each subject");
  for (const flag of ["allow_rollup_hdrs", "allow_direct", "allow_atomic", "allow_msg_ttl"] as const) {
    if (config[flag] !== true) wrong.push(`it lacks \`${flag}\``);
  }
  if (markerTtlMsOf(config) < 1_000) wrong.push("it has no `subject_delete_marker_ttl`");
  return wrong;
}
