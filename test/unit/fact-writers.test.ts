import { expect, test } from "vitest";
import { factWritersMax, hasWritten, mayBeForgotten, withWriter } from "../../src/memory/fact-writers.ts";

test("a writer's last number is known, whoever has written since, until too many have", () => {
  let writers = withWriter(undefined, { writer: "a.first", number: 7 });
  expect(hasWritten(writers, { writer: "a.first", number: 7 })).toBe(true);
  expect(hasWritten(writers, { writer: "a.first", number: 6 })).toBe(true);
  expect(hasWritten(writers, { writer: "a.first", number: 8 })).toBe(false);
  expect(hasWritten(writers, { writer: "toString", number: 1 })).toBe(false);
  for (let at = 1; at < factWritersMax; at += 1) writers = withWriter(writers, { writer: `a.w${at}`, number: 1 });
  expect(hasWritten(writers, { writer: "a.first", number: 7 })).toBe(true);
  expect(mayBeForgotten(writers, { writer: "a.other", number: 1 })).toBe(true);
  writers = withWriter(writers, { writer: "a.first", number: 9 });
  writers = withWriter(writers, { writer: "a.other", number: 1 });
  expect(Object.keys(writers)).toHaveLength(factWritersMax);
  // Who was silent longest is forgotten first.
  expect(hasWritten(writers, { writer: "a.w1", number: 1 })).toBe(false);
  expect(hasWritten(writers, { writer: "a.first", number: 9 })).toBe(true);
  // Who writes without a number says nothing of those who wrote before.
  expect(mayBeForgotten(undefined, { writer: "a.first", number: 9 })).toBe(true);
});
