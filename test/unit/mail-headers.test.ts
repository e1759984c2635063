// What goes along with a message comes out as it went in.

import { expect, test } from "vitest";
import { firstSnapshot } from "../../src/actors/snapshot.ts";
import { entriesOf, headerLinesOf, metaOf } from "../../src/runtime/mail-headers.ts";

const carried = (number: number) => metaOf(entriesOf(headerLinesOf({ from: "counter.c1", number }) ?? []));

test("H2: the number of a send comes through, also the highest that there can be", () => {
  const endOfNumbersMs = Date.UTC(2255, 0);
  for (const nowMs of [0, Date.UTC(2026, 2, 2), endOfNumbersMs]) {
    const number = firstSnapshot({}, nowMs).sent + 1;
    expect(carried(number)).toEqual({ from: "counter.c1", number });
  }
});

test("H2: a number that would lose its last digits is left out", () => {
  expect(carried(Number.MAX_SAFE_INTEGER)).toEqual({ from: "counter.c1", number: Number.MAX_SAFE_INTEGER });
  expect(metaOf(entriesOf(["Troupe-From: counter.c1", "Troupe-Number: 9007199254740993"]))).toEqual({
    from: "counter.c1",
  });
});
