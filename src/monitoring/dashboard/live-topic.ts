// What a topic of the live stream is to the hub that hands it out.

/** One event for one that was not taken yet and one that came after it. */
export type Merge<Data> = (older: Data, newer: Data) => Data;

export interface LiveTopic<Data> {
  readonly merge: Merge<Data>;
  /**
   * Begins to publish: called when the first client listens, and what it returns when the last has gone. `pattern`: what
   * the clients asked for, `undefined` for everything; each pattern is opened by itself.
   */
  open(publish: (data: Data) => void, pattern: string | undefined): () => void;
  /** What a client gets at once. */
  first?(pattern: string | undefined): Data | undefined;
}

/** The later one says all. */
export const latest = <Data>(_older: Data, newer: Data): Data => newer;
