// How much of a scope is kept. What is pinned and the summary in force are kept whatever the policy says.

/** Each bound alone is reason enough to let an entry go. Without any, everything is kept. */
export interface RetentionPolicy {
  /** Older entries go. Unit: ms. */
  readonly ageMsMax?: number;
  /** Only the last so many entries are kept. */
  readonly entriesMax?: number;
  /** Only the last entries that are together no larger are kept. Unit: bytes of their stored JSON. */
  readonly bytesMax?: number;
}
