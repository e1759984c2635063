// The spans of what is remembered and of the central state store, by OpenTelemetry's database conventions. Names hold what is
// done and the bucket, never a key, a scope or a query: those are attributes, and of a query not even that, as it may be
// what somebody has confided to an agent.

import type { SpanRequest } from "../core/trace.ts";

const system = { "db.system.name": "nats.kv" };

/** `update bucket`: one state is changed, with all attempts. */
export function changeSpan(bucket: string, key: string): SpanRequest {
  const attributes = {
    ...system,
    "db.collection.name": bucket,
    "db.operation.name": "update",
    "troupe.state.key": key,
  };
  return { name: `update ${bucket}`, kind: "client", parent: "active", attributes };
}

/** `transact bucket`: several states are changed, all or none, with all attempts. */
export function transactionSpan(bucket: string, keys: readonly string[]): SpanRequest {
  const attributes = {
    ...system,
    "db.collection.name": bucket,
    "db.operation.name": "transact",
    "db.operation.batch.size": keys.length,
    "troupe.state.keys": [...keys],
  };
  return { name: `transact ${bucket}`, kind: "client", parent: "active", attributes };
}

/** `recall memory`: what the scopes' indexes find, and the store holds. */
export function recallSpan(scopes: readonly string[], most: number | undefined): SpanRequest {
  const attributes = {
    "db.operation.name": "recall",
    "troupe.memory.scopes": [...scopes],
    ...(most === undefined ? {} : { "troupe.recall.k": most }),
  };
  return { name: "recall memory", kind: "internal", parent: "active", attributes };
}

/** `bring memory`: what a turn is given of its memory before its handler runs. */
export function bringSpan(scopes: readonly string[]): SpanRequest {
  const attributes = { "db.operation.name": "bring", "troupe.memory.scopes": [...scopes] };
  return { name: "bring memory", kind: "internal", parent: "active", attributes };
}
