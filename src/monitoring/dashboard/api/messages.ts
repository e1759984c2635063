// Messages: what happens now, and what was given up on.
//
//   GET  /api/dead?type=&code=&limit=&cursor=   Page<DeadRow>
//   POST /api/dead/:sequence/replay             Done
//   POST /api/dead/:sequence/drop               Done
//   POST /api/workers/:worker/drain             Done
// The live feed comes as the topic `feed` of live.ts.

/** Something that happened in a worker. */
export interface FeedItem {
  /** The event's kind: "turn-ended", "turn-retried", "dead-lettered", "partition-taken", … */
  readonly kind: string;
  readonly atMs: number;
  readonly worker: string;
  readonly level: "info" | "warn" | "error";
  /** `type/id`; null when it is about no actor. */
  readonly actor: string | null;
  readonly method: string | null;
  readonly turn: "tell" | "ask" | "query" | null;
  readonly durationMs: number | null;
  readonly code: string | null;
  /** One line for a person. */
  readonly text: string;
  readonly trace: string | null;
}

export interface DeadRow {
  /** Its place in the dead stream. */
  readonly sequence: number;
  readonly type: string | null;
  readonly id: string | null;
  readonly method: string;
  readonly code: string;
  readonly reason: string;
  readonly attempts: number;
  readonly from: string | null;
  readonly trace: string | null;
  readonly buriedAtMs: number;
  /** The argument as JSON, at most 2,000 characters; null when it was too large to be kept. */
  readonly input: string | null;
}
