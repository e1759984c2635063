// How a state is changed: look, decide, compare and set, and again on what stands then when somebody else was quicker.
//
//   W1. A change is written over the revision that it was decided on, or not at all (K2).
//   W2. A change takes effect once. An answer that was lost is found out: every value names the write that it comes from
//       and how many changes led to it, so the history of the key tells whether ours is among them. Where history does
//       not reach back so far it rejects with OUTCOME_UNKNOWN and does not guess.
//   W3. A key that has existed does not go back to revision 0 while a write that expects 0 may still be under way: what is
//       deleted leaves a value that says so, and `sweep` takes it away much later.
//   W4. Attempts are bounded; whoever gives up is told the last conflict (WRITE_CONTENDED).

import type { Span } from "@opentelemetry/api";
import type { Clock } from "../core/clock.ts";
import { contentionDelay, delay } from "../core/clock.ts";
import { isTroupeError, TroupeError } from "../core/errors.ts";
import { activeTraceparent, traced, traceIdOf } from "../core/trace.ts";
import type { KvStore, KvWrite, Revision } from "../kv/store.ts";
import { changeSpan } from "./memory-spans.ts";
import type { Decide, Stamp } from "./state-change.ts";
import { stampedState } from "./state-change.ts";
import type { Seen, StateDoor } from "./state-door.ts";
import { PlainDoor } from "./state-door.ts";
import { StateLanes } from "./state-lanes.ts";
import { readWrites } from "./state-past.ts";
import type { Origin } from "./state-value.ts";
import { checkOrigin, printState, standingOf } from "./state-value.ts";

export interface WriteOptions extends Origin {
  /** Looks and writes before it gives up with WRITE_CONTENDED. 1 to 10,000. Default 100. */
  readonly attemptsMax?: number;
  /** Stops the attempts: rejects with the signal's reason. What is under way may still take effect. */
  readonly signal?: AbortSignal;
}

/** Between two attempts: at random up to 2, 4, 8, … ms and at most so long. */
const waitMsMax = 50;
const attemptsMaxDefault = 100;
/** How long the fate of a write whose answer was lost is looked for. Unit: ms. */
const doubtMsMax = 15_000;
const doubtWaitMs = 100;
/** What a write in doubt waits for: the answer may be found when it has passed. */
const passing: ReadonlySet<string> = new Set(["SERVER_UNREACHABLE", "STORE_FAILED"]);
const writeIdLength = 10;

export class StateWriter {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly lanes: StateLanes;
  readonly #actor: string | undefined;
  readonly #door: StateDoor;

  constructor(
    kv: KvStore,
    clock: Clock,
    actor: string | undefined,
    lanes = new StateLanes(),
    door: StateDoor = new PlainDoor(kv),
  ) {
    this.kv = kv;
    this.clock = clock;
    this.lanes = lanes;
    this.#actor = actor;
    this.#door = door;
  }

  /** For somebody else, who takes turns with those who use this one. */
  by(actor: string): StateWriter {
    return new StateWriter(this.kv, this.clock, actor, this.lanes, this.#door);
  }

  /** Changes what stands at a key. `version`: the model's. */
  change<Answer>(
    key: string,
    version: number,
    decide: Decide<Answer>,
    options: WriteOptions,
    door: StateDoor = this.#door,
    /** What is taken to stand, until a write over it is refused (R1). */
    supposed?: Seen,
  ): Promise<Answer> {
    return traced(
      () => changeSpan(this.kv.bucket, key),
      (span) => this.#changeIn(span, key, version, decide, options, door, supposed),
    );
  }

  #changeIn<Answer>(
    span: Span | undefined,
    key: string,
    version: number,
    decide: Decide<Answer>,
    options: WriteOptions,
    door: StateDoor,
    supposed: Seen | undefined,
  ): Promise<Answer> {
    const stamp = this.stampOf(options);
    const attemptsMax = checkAttempts(options.attemptsMax);
    return this.lanes.run(key, async () => {
      let conflict: Revision = 0;
      for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
        options.signal?.throwIfAborted();
        span?.setAttribute("troupe.attempts", attempt + 1);
        const seen = (attempt === 0 ? supposed : undefined) ?? (await door.look(key));
        const standing = standingOf(key, seen.value === undefined ? undefined : { ...seen, value: seen.value });
        const decision = await decide(standing).catch((thrown: unknown) => {
          if (seen.isFresh) throw thrown;
          return undefined; // R1
        });
        if (decision?.kind === "keep" && seen.isFresh) return decision.answer;
        if (decision?.kind !== "write") {
          door.forget(key); // R1
          continue;
        }
        const stored = stampedState(decision.form, { ...stamp, at: this.clock.now() }, standing, version);
        const value = printState(stored);
        door.forget(key);
        const write = await this.settled(key, stored, () => door.write(key, value, seen));
        if (write.kind === "written") {
          door.remember(key, value, write.revision);
          span?.setAttribute("troupe.revision", write.revision);
          return decision.answer(stored, write.revision);
        }
        conflict = write.revision;
        // Without a wait when what was remembered was old: that is no contention.
        if (seen.isFresh) await this.waitALittle(attempt, options.signal);
      }
      throw contended(key, attemptsMax, conflict);
    });
  }

  /** Rejects with OPTION_INVALID. */
  stampOf(origin: Origin): Stamp {
    checkOrigin(origin);
    const { cause, actor = this.#actor, trace = traceIdOf(activeTraceparent()) } = origin;
    return { cause, actor, trace, at: this.clock.now(), id: this.clock.uniqueId().slice(0, writeIdLength) };
  }

  waitALittle(attempt: number, signal?: AbortSignal): Promise<void> {
    return contentionDelay(this.clock, attempt + 1, waitMsMax, signal);
  }

  /** The outcome of a write, also when its answer is lost (W2). `write` may run again: each time the same write. */
  async settled<
    Write extends KvWrite | { readonly kind: "conflict"; readonly key: string; readonly revision: Revision },
  >(
    key: string,
    written: { readonly id: string; readonly n: number },
    write: () => Promise<Write>,
  ): Promise<Write | { readonly kind: "written"; readonly revision: Revision }> {
    let doubt: TroupeError | undefined;
    const deadlineMs = this.clock.monotonicMs() + doubtMsMax;
    for (;;) {
      try {
        if (doubt !== undefined) {
          const found = await this.#find(key, written, doubt);
          if (found !== undefined) return found;
        }
        const outcome = await write();
        if (doubt === undefined || outcome.kind === "written") return outcome;
        // Ours may be what it conflicts with.
        return (await this.#find(key, written, doubt)) ?? outcome;
      } catch (thrown) {
        if (!isTroupeError(thrown) || thrown === doubt) throw thrown;
        if (thrown.code === "OUTCOME_UNKNOWN") doubt ??= thrown;
        else if (doubt === undefined || !passing.has(thrown.code)) throw doubt ?? thrown;
        if (this.clock.monotonicMs() >= deadlineMs) throw doubt;
        await delay(this.clock, doubtWaitMs * (0.5 + this.clock.random()));
      }
    }
  }

  /** Our write, when it stands or has stood; undefined when it has not taken effect. Rejects with `doubt` when none can say. */
  async #find(
    key: string,
    { id, n }: { readonly id: string; readonly n: number },
    doubt: TroupeError,
  ): Promise<{ readonly kind: "written"; readonly revision: Revision } | undefined> {
    const writes = await readWrites(this.kv, key);
    const ours = writes.findLast((write) => write.id === id);
    if (ours !== undefined) return { kind: "written", revision: ours.revision };
    const last = writes.at(-1);
    if (last === undefined || last.n < n) return undefined;
    if (writes.some((write) => write.n === n)) return undefined;
    throw doubt;
  }
}

export function checkAttempts(attemptsMax = attemptsMaxDefault): number {
  if (Number.isSafeInteger(attemptsMax) && attemptsMax >= 1 && attemptsMax <= 10_000) return attemptsMax;
  throw new TroupeError(
    "OPTION_INVALID",
    `\`attemptsMax\` must be a whole number from 1 to 10,000, got ${attemptsMax}`,
  );
}

export function contended(key: string, attempts: number, revision: Revision): TroupeError {
  const text = `${key} was changed by others ${attempts} times in a row, last at revision ${revision}`;
  return new TroupeError("WRITE_CONTENDED", text, { data: { key, attempts, revision } });
}
