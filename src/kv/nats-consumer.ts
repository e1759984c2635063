// The server's side of a reader: what a stream holds, and the short-lived pull consumer that reads it.

import type { Msg } from "@nats-io/transport-node";
import { type ApiAnswer, apiTimeoutMs, callApi, readApi } from "./nats-api.ts";
import type { NatsLink } from "./nats-link.ts";

export interface StreamState {
  /** When the stream was made, as the server writes it: another text means another stream of the same name. */
  readonly created: string;
  readonly lastSequence: number;
  readonly replicas: number;
}

interface StreamInfoResponse {
  readonly created: string;
  readonly config: { readonly num_replicas?: number };
  readonly state: { readonly last_seq: number };
}

/** Asks the stream's leader. */
export async function describeStream(link: NatsLink, stream: string): Promise<ApiAnswer<StreamState>> {
  const answer = await readApi<StreamInfoResponse>(link, `STREAM.INFO.${stream}`, undefined);
  if (answer.kind !== "ok") return answer;
  const { created, config, state } = answer.value;
  return { kind: "ok", value: { created, lastSequence: state.last_seq, replicas: config.num_replicas ?? 1 } };
}

export interface ConsumerRequest {
  readonly stream: string;
  readonly name: string;
  readonly filters: readonly string[];
  /** A sequence, or the last message of each subject. */
  readonly from: number | "last";
  readonly headersOnly: boolean;
}

/** A consumer that nobody pulls from is removed by the server after this. Unit: ms. */
export const consumerIdleMsMax = 30_000;

/** How long that may take: the cluster's leader makes it, and without one nobody answers. Unit: ms. */
const createMsMax = 2_000;

/** Makes the consumer; answers with the messages that wait for it. */
export async function createConsumer(link: NatsLink, request: ConsumerRequest): Promise<ApiAnswer<number>> {
  const { stream, name, filters, from } = request;
  const [only] = filters;
  const isSingle = filters.length === 1 && only !== undefined;
  const config = {
    name,
    deliver_policy: from === "last" ? "last_per_subject" : "by_start_sequence",
    ...(from === "last" ? {} : { opt_start_seq: from }),
    ...(isSingle ? { filter_subject: only } : filters.length === 0 ? {} : { filter_subjects: filters }),
    ...(request.headersOnly ? { headers_only: true } : {}),
    ack_policy: "none",
    max_deliver: 1,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: consumerIdleMsMax * 1_000_000,
  };
  // With one filter it stands in the subject too: permissions can then be given for single keys.
  const verb = `CONSUMER.CREATE.${stream}.${name}${isSingle ? `.${only}` : ""}`;
  const body = { stream_name: stream, config, action: "create" };
  const answer = await callApi<{ num_pending?: number }>(link, verb, body, createMsMax);
  return answer.kind === "ok" ? { kind: "ok", value: answer.value.num_pending ?? 0 } : answer;
}

const nothing = new Uint8Array(0);

/** Does not wait: what is left behind goes by itself after `consumerIdleMsMax`. */
export function deleteConsumer(link: NatsLink, stream: string, name: string): void {
  link.send(`$JS.API.CONSUMER.DELETE.${stream}.${name}`, nothing, undefined, apiTimeoutMs, () => {});
}

interface PullTimesWanted {
  readonly heartbeatMs?: number;
  readonly pullExpiresMs?: number;
}

export interface PullTimes {
  readonly expiresMs: number;
  readonly heartbeatMs: number;
}

/** While a replicated stream is caught up with, heartbeats come fast: only they show how far the replica has come. */
export const quickPull: PullTimes = { expiresMs: 1_000, heartbeatMs: 100 };

/** What is wanted, or the defaults (see `ReaderOptions`). */
export function pullTimes(wanted: PullTimesWanted, replicas = 1): PullTimes {
  const { heartbeatMs = replicas > 1 ? 1_000 : 5_000, pullExpiresMs = 30_000 } = wanted;
  return { expiresMs: Math.max(pullExpiresMs, heartbeatMs * 2), heartbeatMs };
}

/** The body of a request for `batch` messages. */
export function pullRequest(batch: number, times: PullTimes): string {
  const nanos = 1_000_000;
  return `{"batch":${batch},"expires":${times.expiresMs * nanos},"idle_heartbeat":${times.heartbeatMs * nanos}}`;
}

/** What a message without an acknowledgement subject says about a pull. */
export type PullStatus =
  | { readonly kind: "heartbeat"; readonly consumerSequence: number; readonly streamSequence: number }
  /** The pull is over; so many of its messages were not delivered. */
  | { readonly kind: "over"; readonly undelivered: number }
  | { readonly kind: "gone"; readonly reason: string };

export function statusOf(message: Msg): PullStatus {
  const { headers } = message;
  if (headers === undefined) return { kind: "gone", reason: "a message without status or place" };
  if (headers.code === 100) {
    const consumerSequence = Number(headers.get("Nats-Last-Consumer") || 0);
    return { kind: "heartbeat", consumerSequence, streamSequence: Number(headers.get("Nats-Last-Stream") || 0) };
  }
  const undelivered = headers.get("Nats-Pending-Messages");
  if (headers.code === 408 && undelivered !== "") return { kind: "over", undelivered: Number(undelivered) };
  if (headers.code === 503) return { kind: "gone", reason: "the consumer is gone" };
  return { kind: "gone", reason: `${headers.code} ${headers.description}` };
}
