// Whether what clients saw of one object can be explained by operations that took effect one after the other, each at
// one moment between its start and its end.
//
//   Z1. Accepted only with an order that gives every operation that ended the result it had, and sets none before
//       another that had ended when it started. One without an end took effect at some time after its start, or never.
//   Z2. Refused only when there is no such order. Where the search would take too long the answer is `undecided`,
//       which is neither.
//
// The search is that of J. Wing and C. Gong, "Testing and Verifying Concurrent Objects" (Journal of Parallel and
// Distributed Computing 17, 1993), with the memory of G. Lowe, "Testing for Linearizability" (Concurrency and
// Computation: Practice and Experience 29(4), 2017): what was tried with the same operations placed and the same state
// is not tried again. Objects are independent of each other, so a history is checked for each of them alone
// (M. Herlihy and J. Wing, "Linearizability: A Correctness Condition for Concurrent Objects", 1990: locality).

/** One operation as its caller saw it. Times are of one clock. Unit: ms. */
export interface Operation<What> {
  readonly startedAtMs: number;
  /** Absent when the outcome is unknown: it may take effect at any time after its start, or never. */
  readonly endedAtMs?: number;
  /** What was asked for and, where it is known, what came of it. */
  readonly what: What;
}

/** The object as it would be without concurrency. States are compared as they are. */
export interface Model<State extends string | number, What> {
  readonly initial: State;
  /** The state afterwards; undefined when this cannot happen, with this result, in this state. */
  next(state: State, what: What): State | undefined;
  /** Whether it leaves every state in which it can happen as it is, as a read does. */
  isIdle(what: What): boolean;
}

export type Verdict<What> =
  | { readonly kind: "linearizable" }
  /** `stuckAt` ended before any order that explains the rest has room for it. */
  | { readonly kind: "refused"; readonly stuckAt: Operation<What>; readonly placed: number }
  | { readonly kind: "undecided"; readonly steps: number };

/** Operations tried in all, placed or not. A history without doubt takes about one for each of its operations. */
const stepsMax = 5_000_000;

/** The start or the end of an operation, in a list in the order of time from which placed operations are taken out. */
interface Mark<What> {
  readonly operation: Operation<What>;
  /** Place in the order of the starts. */
  readonly index: number;
  readonly atMs: number;
  /** Of a start: the operation's end, unless it has none. Of an end: undefined. */
  readonly isStart: boolean;
  end: Mark<What> | undefined;
  before: Mark<What> | undefined;
  after: Mark<What> | undefined;
}

interface Placed<State, What> {
  readonly mark: Mark<What>;
  /** Before it was placed. */
  readonly state: State;
  readonly high: number;
  /** To set it later would open no way that is not open now, so that is never tried. */
  readonly isIdle: boolean;
}

export function checkLinearizable<State extends string | number, What>(
  history: readonly Operation<What>[],
  model: Model<State, What>,
  limits: { readonly stepsMax?: number } = {},
): Verdict<What> {
  const most = limits.stepsMax ?? stepsMax;
  const head = markList(history);
  const tried = new Set<string>();
  const placed: Placed<State, What>[] = [];
  let state = model.initial;
  /** Operations with this index or a higher one are not placed. */
  let high = 0;
  let mark = head.after;
  let furthest: { readonly stuckAt: Operation<What>; readonly placed: number } | undefined;
  for (let steps = 0; mark !== undefined; steps += 1) {
    if (steps >= most) return { kind: "undecided", steps };
    if (mark.isStart) {
      const next = model.next(state, mark.operation.what);
      const highNext = Math.max(high, mark.index + 1);
      if (next !== undefined) takeOut(mark);
      if (next !== undefined && isNew(tried, head, highNext, next)) {
        placed.push({ mark, state, high, isIdle: model.isIdle(mark.operation.what) });
        state = next;
        high = highNext;
        mark = head.after;
      } else {
        if (next !== undefined) putBack(mark);
        mark = mark.after;
      }
      continue;
    }
    // Something has ended that is not placed: what was placed last was wrong.
    if (furthest === undefined || placed.length > furthest.placed) {
      furthest = { stuckAt: mark.operation, placed: placed.length };
    }
    let last = placed.pop();
    while (last?.isIdle === true) {
      putBack(last.mark);
      last = placed.pop();
    }
    if (last === undefined) return { kind: "refused", ...furthest };
    putBack(last.mark);
    state = last.state;
    high = last.high;
    mark = last.mark.after;
  }
  // Every end was passed: what is left has none.
  return { kind: "linearizable" };
}

/**
 * Remembers the operations that are placed, as those below the highest one that are not, and the state. Returns whether
 * they are new (Lowe).
 */
function isNew<What>(tried: Set<string>, head: Mark<What>, high: number, state: string | number): boolean {
  let key = `${high}`;
  for (let at = head.after; at !== undefined && at.index < high; at = at.after) if (at.isStart) key += `,${at.index}`;
  key += `:${state}`;
  const sizeBefore = tried.size;
  tried.add(key);
  return tried.size > sizeBefore;
}

/** Starts and ends in the order of time, behind a head that is none of them. At one time starts come first. */
function markList<What>(history: readonly Operation<What>[]): Mark<What> {
  const sorted = [...history].sort((a, b) => a.startedAtMs - b.startedAtMs);
  const none = { before: undefined, after: undefined, end: undefined };
  const starts = sorted.map((operation, index): Mark<What> => {
    const start: Mark<What> = { operation, index, atMs: operation.startedAtMs, isStart: true, ...none };
    const { endedAtMs } = operation;
    if (endedAtMs !== undefined) start.end = { operation, index, atMs: endedAtMs, isStart: false, ...none };
    return start;
  });
  const ends = starts.flatMap(({ end }) => end ?? []).sort((a, b) => a.atMs - b.atMs);
  const head: Mark<What> = {
    operation: { startedAtMs: 0, what: undefined as What },
    index: -1,
    atMs: 0,
    isStart: true,
    ...none,
  };
  let last = head;
  let nextEnd = 0;
  const add = (mark: Mark<What>) => {
    mark.before = last;
    last.after = mark;
    last = mark;
  };
  for (const start of starts) {
    for (let end = ends[nextEnd]; end !== undefined && end.atMs < start.atMs; end = ends[nextEnd]) {
      add(end);
      nextEnd += 1;
    }
    add(start);
  }
  for (const end of ends.slice(nextEnd)) add(end);
  return head;
}

function takeOut<What>(start: Mark<What>): void {
  unlink(start);
  if (start.end !== undefined) unlink(start.end);
}

/** In the opposite order of `takeOut`, so that neighbours which were taken out together find each other again. */
function putBack<What>(start: Mark<What>): void {
  if (start.end !== undefined) link(start.end);
  link(start);
}

function unlink<What>(mark: Mark<What>): void {
  if (mark.before !== undefined) mark.before.after = mark.after;
  if (mark.after !== undefined) mark.after.before = mark.before;
}

function link<What>(mark: Mark<What>): void {
  if (mark.before !== undefined) mark.before.after = mark;
  if (mark.after !== undefined) mark.after.before = mark;
}
