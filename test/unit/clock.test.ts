// The machine's clock, where it is more than what the machine gives.

import { expect, test, vi } from "vitest";
import { systemClock } from "../../src/core/clock.ts";

test("a wait that is longer than the machine's own timers take is as long as it was asked for, and can be cancelled at any time", () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const month = 30 * 86_400_000;
    const fired: string[] = [];
    systemClock.after(month, () => fired.push("month"));
    const cancel = systemClock.after(month, () => fired.push("cancelled"));
    systemClock.after(5, () => fired.push("soon"));
    vi.advanceTimersByTime(month - 1);
    expect(fired).toEqual(["soon"]);
    cancel();
    vi.advanceTimersByTime(1);
    expect(fired).toEqual(["soon", "month"]);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
