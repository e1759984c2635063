// What held when, against a forward account of the same: what was claimed, what a deletion or an expiry took away.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Fact } from "../../src/memory/fact.ts";
import { type FactHistory, type FactVersion, versionAt, versionHeldAt } from "../../src/memory/fact-history.ts";

interface Written {
  readonly afterMs: number;
  readonly from: number | undefined;
  readonly until: number | undefined;
  readonly livesMs: number | undefined;
  readonly isDeletion: boolean;
}

const maybe = (max: number) => fc.option(fc.nat(max), { nil: undefined });
const written: fc.Arbitrary<Written> = fc.record({
  afterMs: fc.nat(3),
  from: maybe(12),
  until: maybe(12),
  livesMs: maybe(8),
  isDeletion: fc.nat(6).map((n) => n === 0),
});

function versionsOf(list: readonly Written[]): readonly FactVersion[] {
  let atMs = 0;
  return list.map(({ afterMs, from, until, livesMs, isDeletion }, at) => {
    atMs += afterMs;
    const fact = {
      value: at,
      validFromMs: from,
      validUntilMs: until,
      expiresAtMs: livesMs === undefined ? undefined : atMs + livesMs + 1,
    } as unknown as Fact;
    return { revision: at + 1, writtenAtMs: atMs, fact: isDeletion ? undefined : fact };
  });
}

/** Forward: what is claimed grows with each version, and ends with a deletion or when the last one expires. */
function heldByAccount(versions: readonly FactVersion[], timeMs: number, askedAtMs: number): unknown {
  let claims: Fact[] = [];
  const forget = (nowMs: number) => {
    const dies = claims.at(-1)?.expiresAtMs;
    if (dies !== undefined && dies <= nowMs) claims = [];
  };
  for (const { fact, writtenAtMs } of versions) {
    forget(writtenAtMs);
    claims = fact === undefined ? [] : [...claims, fact];
  }
  forget(askedAtMs);
  const says = claims.filter(
    ({ validFromMs = -1, validUntilMs = 99 }) => validFromMs <= timeMs && timeMs < validUntilMs,
  );
  const last = says.at(-1);
  return last?.expiresAtMs !== undefined && last.expiresAtMs <= askedAtMs ? undefined : last?.value;
}

const historyOf = (versions: readonly FactVersion[], isComplete = true): FactHistory => ({
  name: "a",
  versions,
  isComplete,
});

test("what held when is what a forward account of all claims says, as of now and as of any time (V2)", () => {
  fc.assert(
    fc.property(fc.array(written, { maxLength: 8 }), fc.nat(14), fc.nat(40), (list, timeMs, askedAtMs) => {
      const versions = versionsOf(list);
      const nowMs = (versions.at(-1)?.writtenAtMs ?? 0) + askedAtMs;
      const now = versionHeldAt(historyOf(versions), timeMs, undefined, nowMs);
      expect(now?.value).toEqual(heldByAccount(versions, timeMs, nowMs));
      const then = versionHeldAt(historyOf(versions), timeMs, { timeMs: askedAtMs }, nowMs);
      const known = versions.filter(({ writtenAtMs }) => writtenAtMs <= askedAtMs);
      expect(then?.value).toEqual(heldByAccount(known, timeMs, askedAtMs));
    }),
    { numRuns: 3_000 },
  );
});

test("without the first versions an answer is the same, or it is refused: never another one (V3)", () => {
  const arbitrary = fc.tuple(fc.array(written, { maxLength: 8 }), fc.nat(8), fc.nat(14), fc.nat(30));
  fc.assert(
    fc.property(arbitrary, ([list, lost, timeMs, nowMs]) => {
      const versions = versionsOf(list);
      const kept = historyOf(versions.slice(lost), lost === 0);
      for (const ask of [
        (history: FactHistory) => versionHeldAt(history, timeMs, undefined, nowMs),
        (history: FactHistory) => versionAt(history, { timeMs }),
        (history: FactHistory) => versionAt(history, { revision: timeMs }),
      ]) {
        let answer: Fact | undefined;
        try {
          answer = ask(kept);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: "HISTORY_GONE" });
          continue;
        }
        expect(answer).toEqual(ask(historyOf(versions)));
      }
    }),
    { numRuns: 3_000 },
  );
});
