// What may go wrong in a world in memory, decided operation by operation, so that a seed decides it all.

/** One thing that a client does, or that is done to it. */
export interface MemoryOperation {
  readonly kind:
    | "append"
    | "bury"
    | "schedule"
    | "cancel"
    | "trim"
    | "read"
    | "read-mailbox"
    | "serve"
    | "ping"
    | "feed"
    | "kv-read"
    | "kv-write"
    | "request"
    | "withdraw"
    /** The answer of whoever serves; `client` is the one that replies. */
    | "reply"
    /** Letters on their way to a reader. Losing them delays them until the reader notices. */
    | "deliver";
  /** Name of the client. */
  readonly client: string;
  /** Counts the operations of this world from 1. */
  readonly number: number;
  /** `A.mail.main.3.counter.c1.add` and the like; for a store its bucket and key, `A_state.counter.c1`. */
  readonly subject: string;
}

export interface MemoryFault {
  /** "request": it never arrives, nothing happens. "answer": it happens, and the answer never arrives. */
  readonly lose?: "request" | "answer";
  /** The server says no, with this reason; nothing happens. */
  readonly refuse?: string;
  /** On the way there. What the same client sends later waits behind it, as on one TCP connection. Unit: ms. */
  readonly delayMs?: number;
  /** On the way back. Unit: ms. */
  readonly answerDelayMs?: number;
  /**
   * The client's connection breaks when the server has done it, or with a lost request when it should have: everything in
   * flight is lost. Back after this. Unit: ms.
   */
  readonly cutForMs?: number;
  /**
   * With a broken connection: what the client had sent is not lost with it but arrives this much later, when the client may
   * have said more on its next connection. Unit: ms.
   */
  readonly lingerMs?: number;
}

/** What a server with a full disk says no to. */
const refusable: ReadonlySet<MemoryOperation["kind"]> = new Set(["append", "bury", "schedule", "kv-write"]);

/** Asked once for each operation, in order. */
export type FaultPlan = (operation: MemoryOperation) => MemoryFault | undefined;

/** How likely each fault is, from 0 to 1; what is left out never happens. */
export interface FaultRates {
  readonly loseRequest?: number;
  readonly loseAnswer?: number;
  readonly refuse?: number;
  readonly delay?: number;
  readonly cut?: number;
  /** Of the breaks: how many let what was under way arrive later. */
  readonly linger?: number;
  /** Longest delay, and longest break of a connection. Unit: ms. Default 500. */
  readonly delayMsMax?: number;
}

/** A plan drawn from `random`, a source of its own: the same seed and the same operations give the same faults. */
export function randomFaults(random: () => number, rates: FaultRates): FaultPlan {
  const { loseRequest = 0, loseAnswer = 0, refuse = 0, delay = 0, cut = 0, linger = 0, delayMsMax = 500 } = rates;
  return ({ kind }) => {
    // Always as many draws, so that changing one rate does not shift every other fault.
    const [loss, refusal, lateness, breaks, lingers] = [random(), random(), random(), random(), random()];
    const [delayMs = 0, answerDelayMs = 0, cutForMs = 0, lingerMs = 0] = [random(), random(), random(), random()].map(
      (share) => Math.floor(share * delayMsMax),
    );
    if (breaks < cut) return lingers < linger ? { cutForMs, lingerMs } : { cutForMs };
    if (loss < loseRequest) return { lose: "request" };
    if (loss < loseRequest + loseAnswer) return { lose: "answer" };
    if (refusal < refuse && refusable.has(kind)) {
      return { refuse: "no space left on device (10077)" };
    }
    return lateness < delay ? { delayMs, answerDelayMs } : undefined;
  };
}
