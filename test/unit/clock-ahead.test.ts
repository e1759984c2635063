import fc from "fast-check";
import { expect, test } from "vitest";
import { clockAheadOf } from "../../src/runtime/clock-ahead.ts";

const ms = (max: number) => fc.double({ min: 0, max, noNaN: true });

test("clocks that are the same are told to be, however late the question arrived or the answer came back", () => {
  fc.assert(
    fc.property(ms(1e6), ms(5_000), ms(5_000), (asked, there, back) => {
      const reading = {
        askedAtMs: Math.floor(asked),
        roundTripMs: there + back,
        serverMs: Math.floor(asked + there),
      };
      expect(Math.abs(clockAheadOf(reading))).toBe(0);
    }),
  );
});

test("a clock that is ahead or behind is told to be so, at most by a round trip less", () => {
  fc.assert(
    fc.property(ms(1e6), ms(500), ms(500), fc.integer({ min: -90_000, max: 90_000 }), (asked, there, back, ahead) => {
      const roundTripMs = there + back;
      const serverMs = Math.floor(asked + there + ahead);
      const told = clockAheadOf({ askedAtMs: Math.floor(asked), roundTripMs, serverMs });
      expect(Math.abs(told)).toBeLessThanOrEqual(Math.abs(ahead) + 1);
      expect(Math.abs(told)).toBeGreaterThanOrEqual(Math.abs(ahead) - roundTripMs - 2);
      if (told !== 0) expect(Math.sign(told)).toBe(Math.sign(ahead));
    }),
  );
});
