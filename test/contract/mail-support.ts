// What the tests of the Mail port share: a server (real or in memory) seen from outside, and letters that are awaited
// with a deadline.

import fc from "fast-check";
import { isTraceparent, unseen } from "../../src/core/trace.ts";
import type {
  AskAddress,
  Letter,
  Mail,
  MailAddress,
  MailMeta,
  MailTimer,
  RequestOutcome,
} from "../../src/runtime/mail.ts";
import { noMeta } from "../../src/runtime/mail.ts";
import type { Subjects } from "../../src/runtime/subjects.ts";

/** One client's mail, and what can happen to its connection. */
export interface ClientUnderTest {
  readonly mail: Mail;
  /** Breaks the connection and keeps it broken until `restore`. */
  cut(): void;
  restore(): void;
}

export interface Buried {
  readonly subject: string;
  readonly payload: Uint8Array;
  /** As `Name: value`. */
  readonly lines: readonly string[];
}

/** An app of its own on a server. Closes what was opened through it. */
export interface MailUnderTest extends AsyncDisposable {
  readonly subjects: Subjects;
  open(): Promise<ClientUnderTest>;
  /** What another program of any language does: a core request. */
  ask(subject: string, payload: Uint8Array): Promise<RequestOutcome>;
  /** The same without waiting for a reply. */
  publish(subject: string, payload: Uint8Array): void;
  buried(): Promise<readonly Buried[]>;
}

export interface UnderTestOptions {
  readonly duplicateWindowMs?: number;
  /** Default: 64. */
  readonly partitionCount?: number;
}

export type OpenMail = (options?: UnderTestOptions) => Promise<MailUnderTest>;

/** Long enough for any answer on a busy machine. Unit: ms. */
export const patienceMs = 20_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
export const bytes = (text: string): Uint8Array => encoder.encode(text);
export const textOf = ({ payload }: { readonly payload: Uint8Array }): string => decoder.decode(payload);

export const toC1: AskAddress = { partition: 3, epoch: 1, key: "counter.c1", method: "add" };

/** A timer that fires once. */
export const onceAt = (name: string, atMs: number, number = 1): MailTimer => ({
  name,
  number,
  when: { kind: "at", atMs },
});

/** Rejects with what was waited for when `promise` takes longer. */
export async function within<Value>(what: string, promise: Promise<Value>, deadlineMs = patienceMs): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${deadlineMs} ms: ${what}`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** Letters as they come in. */
export class Letters {
  readonly all: Letter[] = [];
  readonly #waiting = new Set<() => void>();

  /** Give this to `read`. */
  readonly take = (letter: Letter): void => {
    this.all.push(letter);
    for (const look of [...this.#waiting]) look();
  };

  get texts(): string[] {
    return this.all.map(textOf);
  }

  /** Resolves with all letters so far once `isThere` holds. */
  until(what: string, isThere: (letters: readonly Letter[]) => boolean, deadlineMs?: number): Promise<Letter[]> {
    const seen = new Promise<Letter[]>((resolve) => {
      const look = () => {
        if (!isThere(this.all)) return;
        this.#waiting.delete(look);
        resolve([...this.all]);
      };
      this.#waiting.add(look);
      look();
    });
    return within(what, seen, deadlineMs).catch((thrown: unknown) => {
      throw new Error(`${String(thrown)}; seen: ${this.all.map(({ sequence }) => sequence).join(",")}`);
    });
  }

  untilCount(count: number): Promise<Letter[]> {
    return this.until(`${count} letters`, (letters) => letters.length >= count);
  }

  untilText(text: string): Promise<Letter[]> {
    return this.until(`the letter ${text}`, (letters) => letters.some((letter) => textOf(letter) === text));
  }
}

/** Appends and returns the sequence; anything but `accepted` fails the test. */
export async function store(mail: Mail, text: string, to: MailAddress = toC1, meta: MailMeta = noMeta) {
  const outcome = await mail.append(to, bytes(text), meta, patienceMs);
  if (outcome.kind !== "accepted") throw new Error(`not accepted: ${outcome.kind}: ${outcome.reason}`);
  return outcome.sequence;
}

/** Resolves when the client is told so. Arm it before the cause. */
export function toldOf(mail: Mail, state: "lost" | "restored"): Promise<void> {
  const told = new Promise<void>((resolve) => {
    const stop = mail.onConnection((now) => {
      if (now !== state) return;
      stop();
      resolve();
    });
  });
  return within(`the connection is ${state}`, told);
}

/** Tries until `attempt` gives something. */
export async function eventually<Value>(what: string, attempt: () => Promise<Value | undefined>): Promise<Value> {
  const untilMs = performance.now() + patienceMs;
  while (performance.now() < untilMs) {
    const value = await attempt();
    if (value !== undefined) return value;
    await new Promise(setImmediate); // An attempt that asks nobody takes no turn, and what it waits for would never come.
  }
  throw new Error(`not within ${patienceMs} ms: ${what}`);
}

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });

/** Any id that an actor may have. */
export const anyId = fc
  .string({ unit: "binary", minLength: 1, maxLength: 60 })
  .filter((id) => id.isWellFormed() && encoder.encode(id).length <= 256);
export const anyName = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,20}$/);
const anyToken = fc.stringMatching(/^[A-Za-z0-9_=-]{1,40}$/);
export const anyKey = fc.tuple(anyName, anyToken).map(([type, id]) => `${type}.${id}`);
export const anyTrace = fc
  .tuple(hex(32), hex(16), hex(2))
  .map(([trace, span, flags]) => `00-${trace}-${span}-${flags}`)
  .filter(isTraceparent);

/** Everything that can go along with a request, and without the message id also with an append. */
export const anyMeta: fc.Arbitrary<MailMeta> = fc.record(
  {
    messageId: fc.stringMatching(/^[\x21-\x7e]{1,80}$/),
    from: anyKey,
    number: fc.nat(),
    chain: fc.array(anyKey, { minLength: 1, maxLength: 5 }),
    idempotencyKey: anyToken,
    trace: fc.oneof(anyTrace, fc.constant(unseen)),
  },
  { requiredKeys: [] },
);
