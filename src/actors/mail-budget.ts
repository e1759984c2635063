// What the mailboxes of one worker may hold together, so that many slow actors cost it no more than a few busy ones.
//
//   G1. A mailbox may hold a part of what is still free, so that the first ones that are slow leave room for those that
//       come later, and one that has little is not starved by those that have much.
//   G2. Below `shareBytesMin` nobody is held back: every mailbox always goes on. So the bound on all is `bytesMax`, and
//       that little (or one message) for each mailbox.

/** What one mailbox may hold at most. Unit: bytes of payload, with 128 for each message. */
export const tellBytesMax = 1_048_576;
/** What it may always hold. */
export const shareBytesMin = 4_096;
/** One mailbox may hold one in so many of the bytes that are free. */
const shareDivisor = 16;

export class MailBudget {
  readonly bytesMax: number;
  #used = 0;

  /** `bytesMax`: of payload, with 128 for each message. Without it mailboxes are bounded one by one only. */
  constructor(bytesMax = Infinity) {
    this.bytesMax = bytesMax;
  }

  get usedBytes(): number {
    return this.#used;
  }

  /** What one mailbox may hold now (G1, G2). */
  get shareBytes(): number {
    const share = (this.bytesMax - this.#used) / shareDivisor;
    return Math.max(shareBytesMin, Math.min(tellBytesMax, share));
  }

  /** A mailbox holds so much more, or less. */
  add(bytes: number): void {
    this.#used += bytes;
  }
}
