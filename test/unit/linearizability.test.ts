// The checker of linearizability, against histories whose verdict is known and against one that tries every order.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/runtime/simulated-clock.ts";
import { checkLinearizable } from "../cluster/linearizability.ts";
import type { RegisterOperation, RegisterStep } from "../cluster/register-history.ts";
import { registerModel, withoutUnseen } from "../cluster/register-history.ts";

const write = (value: string): RegisterStep => ({ kind: "write", value });
const read = (found?: string): RegisterStep => (found === undefined ? { kind: "read" } : { kind: "read", found });
const swap = (expected: string, value: string, found?: string): RegisterStep =>
  found === undefined ? { kind: "swap", expected, value } : { kind: "swap", expected, value, found };
const from = (startedAtMs: number, endedAtMs: number | undefined, what: RegisterStep): RegisterOperation =>
  endedAtMs === undefined ? { startedAtMs, what } : { startedAtMs, endedAtMs, what };

const verdictOf = (history: readonly RegisterOperation[]) => checkLinearizable(history, registerModel).kind;

/** Z1 word for word: tries every order of what ended and of each choice of what did not. */
function isLinearizable(history: readonly RegisterOperation[]): boolean {
  const place = (state: string, left: readonly RegisterOperation[]): boolean => {
    if (left.every(({ endedAtMs }) => endedAtMs === undefined)) return true;
    return left.some((operation) => {
      const others = left.filter((other) => other !== operation);
      if (others.some(({ endedAtMs }) => endedAtMs !== undefined && endedAtMs < operation.startedAtMs)) return false;
      const next = registerModel.next(state, operation.what);
      return next !== undefined && place(next, others);
    });
  };
  return place(registerModel.initial, history);
}

describe("histories that are known", () => {
  const good: Record<string, readonly RegisterOperation[]> = {
    "nothing at all": [],
    "one after the other": [
      from(0, 1, write("a")),
      from(2, 3, read("a")),
      from(4, 5, write("b")),
      from(6, 7, read("b")),
    ],
    "a read beside a write sees the old value": [from(0, 10, write("a")), from(1, 2, read(""))],
    "a read beside a write sees the new value": [from(0, 10, write("a")), from(1, 2, read("a"))],
    "two reads beside a write, old then new": [from(0, 10, write("a")), from(1, 2, read("")), from(3, 4, read("a"))],
    "writes beside each other in either order": [
      ...[from(0, 10, write("a")), from(0, 10, write("b"))],
      ...[from(11, 12, read("a")), from(13, 14, read("a"))],
    ],
    "an unknown write that is seen late": [
      ...[from(0, undefined, write("a")), from(5, 6, write("b")), from(7, 8, read("b"))],
      from(9, 10, read("a")),
    ],
    "an unknown write that never was": [from(0, undefined, write("a")), from(5, 6, read("")), from(7, 8, read(""))],
    "a swap that fails says what it found": [
      from(0, 1, write("a")),
      from(2, 3, swap("x", "b", "a")),
      from(4, 5, read("a")),
    ],
    "a swap of unknown outcome that took effect": [
      from(0, 1, write("a")),
      from(2, undefined, swap("a", "b")),
      from(4, 5, read("b")),
    ],
    "ends and starts at the same moment are beside each other": [from(0, 1, write("a")), from(1, 2, read(""))],
  };
  test.each(Object.entries(good))("accepted: %s (Z1)", (_name, history) => {
    expect(verdictOf(history)).toBe("linearizable");
  });

  const bad: Record<string, readonly RegisterOperation[]> = {
    "a stale read": [from(0, 1, write("a")), from(2, 3, write("b")), from(4, 5, read("a"))],
    "a lost write": [from(0, 1, write("a")), from(2, 3, read(""))],
    "a value out of nowhere": [from(0, 1, read("a"))],
    "new then old beside a write": [from(0, 10, write("a")), from(1, 2, read("a")), from(3, 4, read(""))],
    "a read before the write that it sees": [from(0, 1, read("a")), from(2, 3, write("a"))],
    "two swaps from one value": [
      ...[from(0, 1, write("a")), from(2, 9, swap("a", "b", "a")), from(2, 9, swap("a", "c", "a"))],
      from(10, 11, read("c")),
    ],
    "an unknown write seen, unseen and seen again": [
      ...[from(0, undefined, write("a")), from(1, 2, read("a")), from(3, 4, write("b"))],
      ...[from(5, 6, read("b")), from(7, 8, read("a"))],
    ],
  };
  test.each(Object.entries(bad))("refused: %s (Z2)", (_name, history) => {
    expect(verdictOf(history)).toBe("refused");
  });

  test("what is refused names the operation for which there is no place", () => {
    const stale = from(4, 5, read("a"));
    const history = [from(0, 1, write("a")), from(2, 3, write("b")), stale, from(6, 7, read("b"))];
    expect(checkLinearizable(history, registerModel)).toMatchObject({ kind: "refused", stuckAt: stale });
  });

  test("a search that takes too long is undecided, not refused (Z2)", () => {
    const history = Array.from({ length: 30 }, (_, n) => from(0, 10, write(`${n}`)));
    const verdict = checkLinearizable([...history, from(11, 12, read("x"))], registerModel, { stepsMax: 1_000 });
    expect(verdict).toMatchObject({ kind: "undecided" });
  });
});

const values = ["a", "b", "c"];
const anyValue = fc.constantFrom("", ...values);
const found = fc.option(anyValue, { nil: undefined });
/** Small histories, most of them impossible. Each value is written at most once. */
const anyHistory = fc
  .array(
    fc.record({
      start: fc.integer({ min: 0, max: 12 }),
      length: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined, freq: 4 }),
      kind: fc.constantFrom("write", "read", "read", "swap"),
      expected: anyValue,
      found,
    }),
    { maxLength: 6 },
  )
  .map((drafts) => {
    const left = [...values];
    return drafts.flatMap((draft): RegisterOperation[] => {
      const { start, length, kind, expected } = draft;
      const end = length === undefined ? undefined : start + length;
      // What ended has a result, what did not has none.
      const result = end === undefined ? undefined : (draft.found ?? "");
      if (kind === "read") return [from(start, end, read(result))];
      const value = left.pop();
      if (value === undefined) return [];
      return [from(start, end, kind === "write" ? write(value) : swap(expected, value, result))];
    });
  });

test("Z1, Z2: on small histories it says what trying every order says", () => {
  const verdicts = { linearizable: 0, refused: 0 };
  fc.assert(
    fc.property(anyHistory, (history) => {
      const verdict = verdictOf(history);
      expect(verdict).toBe(isLinearizable(history) ? "linearizable" : "refused");
      if (verdict !== "undecided") verdicts[verdict] += 1;
    }),
    { numRuns: 5_000 },
  );
  expect(Math.min(verdicts.linearizable, verdicts.refused)).toBeGreaterThan(200);
});

test("leaving out what nobody saw changes no verdict", () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      expect(isLinearizable(withoutUnseen(history))).toBe(isLinearizable(history));
    }),
    { numRuns: 5_000 },
  );
});

/** What clients would see of a register that is right: each operation takes effect at a moment between its ends. */
function playedHistory(count: number, clients: number, random: () => number): RegisterOperation[] {
  const drafts = Array.from({ length: count }, (_, n) => {
    const start = Math.floor(n / clients) * 10 + random() * 5;
    const isUnknown = random() < 0.02;
    return { n, start, effect: start + random() * (isUnknown ? 500 : 8), isUnknown, isLate: random() < 0.01 };
  });
  let state = "";
  const played = [...drafts].sort((a, b) => a.effect - b.effect);
  return played.map(({ n, start, effect, isUnknown, isLate }) => {
    const before = state;
    const end = isUnknown ? undefined : effect + random() * (isLate ? 300 : 2);
    const result = isUnknown ? undefined : before;
    const kind = n % 3;
    if (kind === 0) return from(start, end, read(result));
    const value = `v${n}`;
    if (kind === 1) {
      state = value;
      return from(start, end, write(value));
    }
    if (n % 2 === 0) state = value;
    return from(start, end, swap(n % 2 === 0 ? before : "other", value, result));
  });
}

test("thousands of operations, some of them unknown or late, are decided within seconds", () => {
  const limits = { stepsMax: 2_000_000 };
  const history = playedHistory(8_000, 6, seededRandom(7));
  expect(checkLinearizable(withoutUnseen(history), registerModel, limits).kind).toBe("linearizable");
  const at = history.findIndex(
    ({ what, endedAtMs }, n) => n > 7_500 && what.kind === "read" && endedAtMs !== undefined,
  );
  const spoiled = history.with(at, { ...(history[at] as RegisterOperation), what: read("v1") });
  expect(checkLinearizable(withoutUnseen(spoiled), registerModel, limits).kind).toBe("refused");
});
