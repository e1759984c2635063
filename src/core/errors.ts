// Every failure that a caller can meet, by code. Branch on `code` or `retry`, never on the message.
//
// Three kinds of failure are told apart throughout: an outcome that the caller must branch on is a value; a broken
// world rejects with a TroupeError; a bug in Troupe itself is an `invariant()`.

/** What a caller may do about an error: give up, wait, or ask whoever owns the actor now. */
export type RetryVerdict = "never" | "later" | "elsewhere";

interface CatalogEntry {
  readonly retry: RetryVerdict;
  readonly remedy: string;
}

export const errorCatalog = {
  ID_INVALID: { retry: "never", remedy: "Use a non-empty string of at most 256 bytes in UTF-8." },
  NAME_INVALID: {
    retry: "never",
    remedy: "Names start with a letter and hold letters, digits, `_` and `-`, at most 64.",
  },
  DEFINITION_INVALID: { retry: "never", remedy: "Correct the definition; the message says which part." },
  OPTION_INVALID: { retry: "never", remedy: "Correct the option; the message says what it takes." },
  INPUT_INVALID: { retry: "never", remedy: "Send an argument that the handler's schema accepts." },
  INPUT_NOT_JSON: { retry: "never", remedy: "Send values that JSON can carry: no functions, bigints or cycles." },
  RESULT_INVALID: { retry: "never", remedy: "Return a value that JSON can carry from the handler, or nothing." },
  STATE_INVALID: { retry: "never", remedy: "Keep the state as its schema says, in values that JSON can carry." },
  STATE_TOO_NEW: { retry: "elsewhere", remedy: "This state was written by newer code; deploy that code here too." },
  STATE_TOO_OLD: {
    retry: "never",
    remedy: "Put back the upcasters that lead on from its schema number; `troupe migrate --check FILE` finds all such.",
  },
  UPCAST_FAILED: {
    retry: "never",
    remedy: "Correct the upcaster that the message names; `troupe migrate --check FILE` tries it on all stored states.",
  },
  STATE_UNREADABLE: {
    retry: "never",
    remedy: "The stored value is not one of Troupe's; look with `nats kv get BUCKET KEY --raw` and repair it.",
  },
  PAYLOAD_TOO_LARGE: { retry: "never", remedy: "Send less, or raise `max_payload` on the server." },
  QUERY_CHANGED_STATE: {
    retry: "never",
    remedy: "A query only reads; declare it with `handler` if it is to change state.",
  },
  TYPE_UNKNOWN: { retry: "never", remedy: "Start a worker that has this actor type, or correct the type's name." },
  TYPE_UNSERVED: {
    retry: "elsewhere",
    remedy: "Start a worker of this pool that has this actor type, or look with `troupe ps`.",
  },
  METHOD_UNKNOWN: { retry: "never", remedy: "Call one of the methods that the actor defines." },
  METHOD_NOT_TELLABLE: { retry: "never", remedy: "A query answers a question: use ask." },
  HANDLER_FAILED: { retry: "never", remedy: "The handler threw; its error's name and message are in `data`." },
  TURN_TIMEOUT: { retry: "later", remedy: "Make the handler heed `ctx.signal`, or raise its `timeoutMs`." },
  TURN_OVER: { retry: "never", remedy: "The turn has ended; do not use its context after the handler returned." },
  STEP_REPEATED: { retry: "never", remedy: "Give each `ctx.step` of a turn a name of its own." },
  TIMER_INVALID: { retry: "never", remedy: "Correct the timer; the message says which part." },
  TIMERS_FULL: { retry: "never", remedy: "Cancel timers that are not needed, or share the work among more actors." },
  ASK_CYCLE: {
    retry: "never",
    remedy: "Break the circle: tell instead of ask, ask a query, or define the actor as `reentrant` and ask first.",
  },
  ASK_TIMEOUT: { retry: "later", remedy: "It may have taken effect; repeat it with the same idempotency key." },
  ASK_WITHDRAWN: {
    retry: "never",
    remedy: "Nobody waits for the answer any more: it was aborted, or its time was over.",
  },
  ASK_UNREACHABLE: { retry: "later", remedy: "No worker serves this actor; start one, or look with `troupe ps`." },
  TELL_REFUSED: { retry: "later", remedy: "The server did not store the message; the text says why." },
  OUTCOME_UNKNOWN: {
    retry: "later",
    remedy: "The message may or may not be stored; look, or repeat it with an idempotent handler.",
  },
  COMMIT_REFUSED: {
    retry: "later",
    remedy: "The server did not store the state; the text says why (disk, limits, size).",
  },
  FENCED: { retry: "elsewhere", remedy: "Another worker owns this actor now; ask again." },
  ACTOR_STOPPED: {
    retry: "later",
    remedy: "It failed and was stopped; remove the cause, then start it again with `troupe resume TYPE ID`.",
  },
  MAILBOX_FULL: { retry: "later", remedy: "Back off: more asks wait for this actor than it may hold." },
  DRAINING: { retry: "elsewhere", remedy: "The worker is shutting down; ask again." },
  CLOSED: { retry: "never", remedy: "This client or worker is closed; open another." },
  SERVER_UNREACHABLE: { retry: "later", remedy: "Check that nats-server runs at this address (`troupe doctor`)." },
  SERVER_TOO_OLD: { retry: "never", remedy: "Install nats-server 2.14 or newer." },
  SERVER_UNSUITABLE: { retry: "never", remedy: "Start nats-server with JetStream (`-js`) and a store folder." },
  SERVER_NOT_FOUND: { retry: "never", remedy: "Install nats-server, set NATS_SERVER to its path, or use --memory." },
  PORT_TAKEN: { retry: "later", remedy: "Name another port, or 0 for any that is free." },
  LAYOUT_MISMATCH: { retry: "never", remedy: "The server holds another layout for this app; use another `app` name." },
  STORE_FAILED: { retry: "later", remedy: "The store could not do it; the text says why." },
  KEY_INVALID: { retry: "never", remedy: "Keys are tokens of `[-/_=A-Za-z0-9]` joined by single dots." },
  WATCH_LOST: { retry: "later", remedy: "Start the watch again." },
  SCOPE_INVALID: {
    retry: "never",
    remedy: "Give a scope at least one of `shared`, `user`, `agent: { type, id }`, `session`, each with an id.",
  },
  SCOPE_ERASED: {
    retry: "later",
    remedy: "The scope was erased since this was formed. Write again only what is not to be forgotten.",
  },
  ENTRY_INVALID: { retry: "never", remedy: "Correct the entry; the message says which part." },
  FACT_INVALID: { retry: "never", remedy: "Correct the fact; the message says which part." },
  MEMORY_UNREADABLE: {
    retry: "never",
    remedy: "The stored value is not one of Troupe's; look with `nats kv get BUCKET KEY --raw` and repair it.",
  },
  HISTORY_GONE: { retry: "never", remedy: "So old a value is not kept; raise the history of the bucket." },
  REPLICA_BEHIND: {
    retry: "later",
    remedy: "Wait longer, or read from the store; `lag` and `isCurrent` of the replica say how it fares.",
  },
  WRITE_CONTENDED: { retry: "later", remedy: "Too many write to the same place at once; back off and try again." },
  LOCK_HELD: {
    retry: "later",
    remedy: "Wait longer (`waitMs`), or look who holds it: `nats kv get BUCKET _lock.NAME`.",
  },
  LOCK_LOST: { retry: "later", remedy: "Another may hold the lock now: take it again, and look again at what stands." },
  MEMORY_MISSING: { retry: "never", remedy: "Give the actor's definition a `memory`, `{}` for all defaults." },
  WORKFLOW_CHANGED: {
    retry: "elsewhere",
    remedy: "Deploy the code that this run began with, or give the new version a migration from the run's version.",
  },
  TASK_TIMEOUT: { retry: "later", remedy: "Make the task heed `ctx.signal`, or raise its `timeoutMs`." },
  RUN_PHASE: { retry: "never", remedy: "Look at the run with `status`; the message says what it is doing." },
  SIGNAL_UNKNOWN: { retry: "never", remedy: "Send one of the signals that the workflow waits for." },
  SIGNALS_FULL: { retry: "later", remedy: "Too many signals that nothing waits for yet are kept; send it later." },
  CODEC_UNKNOWN: { retry: "never", remedy: "Open the memory with the codec that wrote this value." },
} as const satisfies Record<string, CatalogEntry>;

export type ErrorCode = keyof typeof errorCatalog;

const brand = Symbol.for("troupe.error");

export interface TroupeErrorOptions {
  /** Machine-readable detail that crosses the wire, e.g. the schema's issues or a handler's own data. */
  readonly data?: unknown;
  readonly cause?: unknown;
}

/** The one error class. Crosses the wire with `code`, `message`, `remedy` and `data`. */
export class TroupeError extends Error {
  readonly [brand] = true;
  readonly code: ErrorCode;
  readonly remedy: string;
  readonly data: unknown;

  constructor(code: ErrorCode, message: string, options: TroupeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "TroupeError";
    this.code = code;
    this.remedy = errorCatalog[code].remedy;
    this.data = options.data;
  }

  get retry(): RetryVerdict {
    return errorCatalog[this.code].retry;
  }
}

/** True for a TroupeError, also for one made by another copy of this package. */
export function isTroupeError(value: unknown): value is TroupeError {
  return typeof value === "object" && value !== null && (value as { [brand]?: unknown })[brand] === true;
}

/** The message of anything that was thrown. Never throws itself, whatever that is. */
export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : String(thrown);
  } catch {
    // An object without a prototype, or one that fails when it is looked at.
    return `something that cannot be shown as text (${typeof thrown})`;
  }
}

/** A bug in Troupe, not in its use: says so, and what was expected. */
export function invariant(condition: unknown, law: string): asserts condition {
  if (!condition) throw new Error(`bug in troupe, please report it: ${law}`);
}
