import { expect, test } from "vitest";
import type { Cron } from "../../src/core/cron.ts";
import { nextCronMs, parseCron, previousCronMs, timeZoneOf } from "../../src/core/cron.ts";

function cronOf(text: string): Cron {
  const cron = parseCron(text);
  if (typeof cron === "string") throw new Error(cron);
  return cron;
}

/** The first `count` times after a time. */
function times(text: string, timeZone: string, after: string, count = 3): string[] {
  const found: string[] = [];
  let now = Date.parse(after);
  while (found.length < count) {
    now = nextCronMs(cronOf(text), timeZone, now) ?? Number.NaN;
    found.push(new Date(now).toISOString().replace(".000Z", "Z"));
  }
  return found;
}

test("C1: five fields get a second of 0 before them, six stay, shorthands are spelled out", () => {
  expect(cronOf("0 9 * * MON-FRI").text).toBe("0 0 9 * * mon-fri");
  expect(cronOf(" 30  0 9 * * 1 ").text).toBe("30 0 9 * * 1");
  expect(cronOf("@hourly").text).toBe("0 0 * * * *");
  expect(parseCron("* * * *")).toBe("it has 4 fields, 5 or 6 are needed");
  expect(parseCron("")).toContain("fields");
});

test("P10: what the server would refuse is refused, with the field that is wrong", () => {
  const bad = [
    ["60 * * * * *", '"60" is no second (0 to 59)'],
    ["0 0 9 * * 7", '"7" is no day of week (0 to 6)'],
    ["0 0 9 L * *", '"l" is no day of month (1 to 31)'],
    ["0 0 9 15W * *", '"15w" is no day of month (1 to 31)'],
    ["0 0 9 * * 1#2", '"1#2" is no day of week'],
    ["0 0 9 * * FRI-MON", 'the day of week "fri-mon" ends before it begins'],
    ["0 0 9 * 13 *", '"13" is no month (1 to 12)'],
    ["0 0 9 0 * *", '"0" is no day of month (1 to 31)'],
    ["*/0 * * * * *", '"*/0" is no second (0 to 59)'],
    ["1,,2 * * * * *", '"" is no second'],
    ["+5 * * * * *", '"+5" is no second'],
    ["*-5 * * * * *", '"*-5" is no second'],
    ["1-2-3 * * * * *", '"1-2-3" is no second'],
    ["@reboot", "it has 1 fields, 5 or 6 are needed"],
  ] as const;
  for (const [text, wanted] of bad) expect(parseCron(text), text).toBe(wanted);
});

test("C2: lists, ranges, steps and names fire when they say", () => {
  const from = "2026-11-22T21:59:58.500Z"; // A Sunday.
  expect(times("* * * * * *", "UTC", from)).toEqual([
    ...["2026-11-22T21:59:59Z", "2026-11-22T22:00:00Z", "2026-11-22T22:00:01Z"],
  ]);
  expect(times("5-10/2,30 * * * * *", "UTC", from, 4).map((time) => time.slice(14))).toEqual([
    ...["00:05Z", "00:07Z", "00:09Z", "00:30Z"],
  ]);
  expect(times("20/20 * * * *", "UTC", from)).toEqual([
    ...["2026-11-22T22:20:00Z", "2026-11-22T22:40:00Z", "2026-11-22T23:20:00Z"],
  ]);
  expect(times("0 9 * * mon-fri", "UTC", "2026-11-26T09:00:00Z", 2)).toEqual([
    ...["2026-11-27T09:00:00Z", "2026-11-30T09:00:00Z"],
  ]);
  expect(times("0 0 29 2 *", "UTC", from, 1)).toEqual(["2028-02-29T00:00:00Z"]);
  expect(nextCronMs(cronOf("0 0 30 2 *"), "Europe/Berlin", Date.parse(from))).toBeUndefined();
});

test("C2: a zone's time of day; one that is skipped does not fire, one that comes twice fires twice", () => {
  expect(times("0 9 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z")).toEqual([
    ...["2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z", "2026-03-30T07:00:00Z"],
  ]);
  expect(times("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z")).toEqual([
    ...["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"],
  ]);
  expect(times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z")).toEqual([
    ...["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"],
  ]);
  expect(times("0 0 * * *", "Asia/Kolkata", "2026-11-22T00:00:00Z", 2)).toEqual([
    ...["2026-11-22T18:30:00Z", "2026-11-23T18:30:00Z"],
  ]);
  expect(times("0 0 1 * *", "America/New_York", "2026-10-02T00:00:00Z", 2)).toEqual([
    ...["2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"],
  ]);
});

test("C3: of day of month and day of week either will do when both say something", () => {
  const from = "2026-11-01T00:00:00Z";
  expect(times("0 0 15 * MON", "UTC", from).map((time) => time.slice(8, 10))).toEqual(["02", "09", "15"]);
  expect(times("0 0 */10 * MON", "UTC", from).map((time) => time.slice(8, 10))).toEqual(["02", "09", "11"]);
  expect(times("0 0 ? * MON", "UTC", from).map((time) => time.slice(8, 10))).toEqual(["02", "09", "16"]);
});

test("the time before one is found, however long ago", () => {
  for (const text of ["* * * * * *", "0 9 * * MON-FRI", "0 0 29 2 *", "0 0 1 1 *", "* 0-58 * * * *"]) {
    const cron = cronOf(text);
    const first = nextCronMs(cron, "Europe/Berlin", Date.parse("2026-03-01T10:00:00Z")) ?? 0;
    const next = nextCronMs(cron, "Europe/Berlin", first) ?? 0;
    expect([text, previousCronMs(cron, "Europe/Berlin", next)]).toEqual([text, first]);
  }
});

test("the time before one is found at once, however often it has fired since", () => {
  const beforeMs = Date.parse("2026-05-05T12:00:00Z");
  const last = (text: string) => {
    const foundMs = previousCronMs(cronOf(text), "Europe/Berlin", beforeMs);
    return foundMs === undefined ? undefined : new Date(foundMs).toISOString();
  };
  expect(last("* * * * 1 *")).toBe("2026-01-31T22:59:59.000Z");
  expect(last("* * 2 25 10 *")).toBe("2025-10-25T00:59:59.000Z");
  expect(last("0 0 30 2 *")).toBeUndefined();
});

test("a zone is known by its name, not by an offset", () => {
  expect([timeZoneOf("Europe/Berlin"), timeZoneOf("europe/berlin"), timeZoneOf("UTC")]).toEqual([
    ...["Europe/Berlin", "Europe/Berlin", "UTC"],
  ]);
  for (const name of ["", "Local", "+01:00", "Nope/Nope", "../etc/passwd", "a b"])
    expect(timeZoneOf(name)).toBeUndefined();
});
