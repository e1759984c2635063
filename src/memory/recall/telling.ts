// How much a turn tells, whatever is asked: people look for what somebody said of their own life, and when, more often than
// for greetings and praise. Read from the words once, when a document is added. English words are known; in other
// languages a turn counts by its length and by its place alone.

/** Bits: what a text has. */
export const telling = { ofOneself: 1, ofTime: 2, asks: 4 } as const;

const oneself = new Set("i me my we our i'm i've i'd i'll we've we're we'd we'll".split(" "));
const times = new Set(
  `yesterday tomorrow last next ago recently since week weeks weekend month months year years monday tuesday wednesday
  thursday friday saturday sunday january february april june july august september october november december`.split(
    /\s+/,
  ),
);
const yearForm = /^(?:19|20)\d\d$/;

/** The bits of a text. `words`: as they stand in it. */
export function tellingOf(text: string, words: Iterable<string>): number {
  let bits = /[?？؟]/.test(text) ? telling.asks : 0;
  for (const word of words) {
    const plain = word.toLowerCase().replace("’", "'");
    if (oneself.has(plain)) bits |= telling.ofOneself;
    if (times.has(plain) || yearForm.test(plain)) bits |= telling.ofTime;
  }
  return bits;
}

/** Where a turn stands, and how long it is. */
export interface Standing {
  readonly bits: number;
  readonly length: number;
  /** Of all documents. */
  readonly averageLength: number;
  /** It is the first after a pause. */
  readonly opens: boolean;
  /** The turn before it asks. */
  readonly answers: boolean;
}

/** What the score of a turn is multiplied by. About 1 for a plain sentence. */
export function tellingFactor({ bits, length, averageLength, opens, answers }: Standing): number {
  let factor = Math.min(1, (length + 1) / (averageLength + 1)) ** 0.25;
  if (bits & telling.ofOneself) factor *= 1.1;
  if (bits & telling.ofTime) factor *= 1.1;
  if (opens) factor *= 1.1;
  if (answers) factor *= 1.1;
  return factor;
}
