// Reads a stream in order, for ever. (Interface; the body is being written.)

import type { Msg } from "@nats-io/transport-node";
import type { NatsLink } from "./nats-link.ts";

export interface StoredMessage {
  readonly subject: string;
  readonly sequence: number;
  /** Messages of the stream that match and come after this one, as the server knew when it sent this. */
  readonly pending: number;
  readonly writtenAtMs: number;
  /** `data`, `headers`: as the client gives them. */
  readonly message: Msg;
}

export interface ReaderOptions {
  readonly link: NatsLink;
  readonly stream: string;
  /** Subjects to read; NATS wildcards. */
  readonly filters: readonly string[];
  /** A sequence: this one and later. "last": the last of each subject first, then what comes. "new": what comes. */
  readonly from: number | "last" | "new";
  /** Runs for each message, in order of sequence, each once. */
  readonly onMessage: (message: StoredMessage) => void;
  /** Everything that was stored when the reader (re)started has been handed over. `sequence`: the stream's position. */
  readonly onCurrent?: (sequence: number) => void;
  /** The stream no longer holds the place where the reader was (made anew): it starts over as at first. */
  readonly onRestarted?: (reason: string) => void;
  /** Messages asked for at a time: at most so many are under way. Default 256. */
  readonly batch?: number;
  /** The server says that it is alive each so often; after two misses the reader starts again. Unit: ms. Default 5,000. */
  readonly heartbeatMs?: number;
}

export interface StreamReader extends AsyncDisposable {
  /** Sequence of the last message handed over; 0 before the first. */
  readonly position: number;
  /** Asks for no more until `resume`: at most `batch` messages still come. Idempotent. */
  pause(): void;
  resume(): void;
  close(): Promise<void>;
}

export declare function openReader(options: ReaderOptions): Promise<StreamReader>;
