// What is recalled: an entry of a log, or a fact, as the index sees it.

/** Immutable: what has changed is added anew under the same `id`. */
export interface RecallDocument {
  /** Unlike any other in the index; a record of several entries gives each an id of its own, e.g. `${key}#${index}`. */
  readonly id: string;
  /** Where it stands in the store, and the write that it is from: a hit can be looked up there. */
  readonly key: string;
  readonly revision: number;
  /** The text of its scope's key, e.g. `user.anna.session.s1`. */
  readonly scope: string;
  /** "turn", "observation", "tool", "summary", "fact". */
  readonly kind: string;
  readonly text: string;
  /** Who said it, by name. */
  readonly speaker?: string;
  readonly role?: string;
  /** When it was said or began to hold. Unit: ms since the Unix epoch. */
  readonly atMs: number;
  /** Its place within its scope: what was said before has a smaller one. */
  readonly position: number;
}
