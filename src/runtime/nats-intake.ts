// Reads partitions of the mail stream. Partitions that are opened together share one consumer: with a consumer for each
// of 64 partitions the server searches for every consumer's next match among all messages (docs/decisions/0002).
//
//   N1. Each partition has its own place: what is before it is skipped, whatever the shared consumer hands over.
//   N2. The shared consumer ends when the last of its partitions is closed.
//   N3. A place that the stream does not reach is no place: what comes next would be skipped up to there (N1). Its reader is told
//       so, and the stream's numbers are put right (Q2 of `mail-numbers.ts`).

import type { Clock } from "../core/clock.ts";
import { TroupeError } from "../core/errors.ts";
import type { NatsLink } from "../kv/nats-link.ts";
import type { StoredMessage } from "../kv/nats-reader.ts";
import { openReader } from "../kv/nats-reader.ts";
import { guarded } from "./guarded.ts";
import type { Letter, MailReader } from "./mail.ts";
import { fillUp } from "./mail-numbers.ts";
import { targetOf } from "./mail-subject.ts";
import { letterOf } from "./mail-timer.ts";
import { metaOfMessage } from "./nats-request.ts";
import type { Subjects } from "./subjects.ts";

/** Messages of a shared consumer that are under way at most. */
const sharedBatch = 1_024;
/** Partitions share a consumer when they are at least this part of the pool: one in so many. */
const shareMin = 4;

interface Opening {
  readonly partition: number;
  readonly from: number;
  readonly onLetter: (letter: Letter) => void;
  readonly onLost: (error: TroupeError) => void;
  readonly resolve: (reader: MailReader) => void;
  readonly reject: (thrown: unknown) => void;
}

/**
 * Partitions of one worker are taken at once, and come here one after the other as the server answers: an opening waits so
 * long for the next one, and so long for all. Unit: ms.
 */
const openTogetherMs = 5;
const openTogetherMsMax = 25;

/** One partition that is being read. */
interface Place {
  position: number;
  readonly skip: number;
  readonly onLetter: (letter: Letter) => void;
  readonly onLost: (error: TroupeError) => void;
}

export class NatsIntake {
  readonly #link: NatsLink;
  readonly #subjects: Subjects;
  readonly #partitionCount: number | undefined;
  readonly #clock: Clock;
  #openings: Opening[] = [];
  #firstAtMs = 0;
  #cancelWait: (() => void) | undefined;

  constructor(link: NatsLink, clock: Clock, subjects: Subjects, partitionCount: number | undefined) {
    this.#link = link;
    this.#clock = clock;
    this.#subjects = subjects;
    this.#partitionCount = partitionCount;
  }

  /** Opens together with all that are asked for at about the same time. */
  open(
    partition: number,
    from: number,
    onLetter: (letter: Letter) => void,
    onLost: (error: TroupeError) => void,
  ): Promise<MailReader> {
    return new Promise((resolve, reject) => {
      this.#openings.push({ partition, from, onLetter, onLost, resolve, reject });
      const nowMs = this.#clock.monotonicMs();
      if (this.#openings.length === 1) this.#firstAtMs = nowMs;
      const leftMs = Math.max(0, this.#firstAtMs + openTogetherMsMax - nowMs);
      this.#cancelWait?.();
      this.#cancelWait = this.#clock.after(Math.min(openTogetherMs, leftMs), () => void this.#openAll());
    });
  }

  async #openAll(): Promise<void> {
    const openings = this.#openings;
    this.#openings = [];
    const first = openings.filter(
      (opening, at) => openings.findIndex((other) => other.partition === opening.partition) === at,
    );
    for (const twice of openings.filter((opening) => !first.includes(opening))) {
      twice.reject(new TroupeError("OPTION_INVALID", `partition ${twice.partition} is being opened twice`));
    }
    // Never several filters on one consumer: looking for the next match of a list takes the server a search over all
    // subjects of a block for each message (measured: 1,971 messages a second against 22,700 with one consumer each).
    const isWorthSharing = first.length * shareMin >= (this.#partitionCount ?? Infinity);
    const groups = isWorthSharing ? [first] : first.map((opening) => [opening]);
    await Promise.all(
      groups.map((group) =>
        this.#openGroup(group).catch((thrown: unknown) => {
          for (const opening of group) opening.reject(thrown);
        }),
      ),
    );
  }

  async #openGroup(openings: readonly Opening[]): Promise<void> {
    const places = new Map<string, Place>();
    const prefixes = openings.map(({ partition }) => this.#subjects.mailPrefix(partition));
    // `A.mail.<pool>.`: all prefixes share it, and the partition's number follows.
    const poolPrefix = this.#subjects.mailPoolPrefix;
    const poolSkip = poolPrefix.length;
    for (const [at, { partition, from, onLetter, onLost }] of openings.entries()) {
      places.set(String(partition), { position: from - 1, skip: prefixes[at]?.length ?? 0, onLetter, onLost });
    }
    const onMessage = (stored: StoredMessage) => {
      const { subject, sequence, message } = stored;
      if (!subject.startsWith(poolPrefix)) return;
      const place = places.get(subject.slice(poolSkip, subject.indexOf(".", poolSkip)));
      if (place === undefined || sequence <= place.position) return; // N1
      place.position = sequence;
      const target = targetOf(subject, place.skip);
      guarded(place.onLetter, letterOf(target, message.data, metaOfMessage(message), sequence));
    };
    const isShared = openings.length > 1;
    const reader = await openReader({
      link: this.#link,
      stream: this.#subjects.mailStream,
      // Without a filter the server hands over what comes next; what is not wanted is skipped here.
      filters: isShared ? [] : prefixes.map((prefix) => `${prefix}>`),
      from: Math.max(1, Math.min(...openings.map((opening) => opening.from))),
      batch: isShared ? sharedBatch : 256,
      onMessage,
      onCurrent: (sequence) => this.#giveUpBeyond(places, sequence),
    });
    for (const { partition, resolve } of openings) {
      const name = String(partition);
      const place = places.get(name);
      const close = async () => {
        places.delete(name);
        if (places.size === 0) await reader.close(); // N2
      };
      resolve({
        get position() {
          return place?.position ?? 0;
        },
        close,
        [Symbol.asyncDispose]: close,
      });
    }
  }

  /** N3. */
  #giveUpBeyond(places: Map<string, Place>, endsAt: number): void {
    const beyond = [...places].filter(([, { position }]) => position > endsAt);
    const [first] = beyond;
    if (first === undefined) return;
    for (const [name] of beyond) places.delete(name);
    const upTo = Math.max(...beyond.map(([, { position }]) => position));
    const gap = { link: this.#link, subjects: this.#subjects, partition: Number(first[0]), endsAt, upTo };
    void fillUp(gap).then((error) => {
      for (const [, { onLost }] of beyond) guarded(onLost, error);
    });
  }
}
